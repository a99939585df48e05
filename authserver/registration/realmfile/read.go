package realmfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// maxName bounds a subject, a scope and a resource of a consent, in bytes.
const maxName = 1024

// Read reads a document. What stands in its clients is read one by one, with
// Registration and StoredSecrets. Errors repeat nothing of it.
func Read(text []byte) (Document, error) {
	var d Document
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return Document{}, readable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Document{}, errors.New("there is something behind the JSON object")
	}
	switch {
	case d.Format != Format:
		return Document{}, fmt.Errorf("the document is no export of a realm of this server: its format is not %s; other formats are named with format=am or format=keycloak", Format)
	case d.Version != Version:
		return Document{}, fmt.Errorf("the document has version %d, and this program reads version %d", d.Version, Version)
	}
	return d, nil
}

// readable puts what is wrong with the document into words.
func readable(err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("the document has a %.20s where it should not: see %.80s at byte %d", wrong.Value, wrong.Field, wrong.Offset)
	case errors.As(err, &syntax):
		return fmt.Errorf("the document is not JSON: see at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the document ends before the JSON object does")
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return errors.New("the document is no export of a realm of this server: it has members that such exports do not have; other formats are named with format=am or format=keycloak")
	}
	return errors.New("the document is no export of a realm of this server")
}

// Registration reads the registration of a client. Its errors never show a
// secret.
func (c *Client) Registration() (registration.Client, error) {
	written, err := registration.Parse(c.Client)
	if err == nil && len(written.Secrets) > 0 {
		err = errors.New("has secrets in its registration: in this document they stand beside it, as digests")
	}
	return written, err
}

// secretID is what names a secret.
var secretID = regexp.MustCompile(`^[a-z0-9]{1,32}$`)

// StoredSecrets are the secrets as the store takes them. check says what is
// wrong with a digest, newID makes an id. Errors go on from the client's name and
// repeat nothing of a secret.
func (c *Client) StoredSecrets(now time.Time, check func(store.SecretDigest) error, newID func() string) ([]store.StoredSecret, error) {
	if len(c.Secrets) > store.MaxClientSecrets {
		return nil, fmt.Errorf("has more than %d secrets", store.MaxClientSecrets)
	}
	var out []store.StoredSecret
	for i, secret := range c.Secrets {
		if secret.ID == "" {
			secret.ID = newID()
		}
		err := check(secret.Digest)
		switch {
		case !secretID.MatchString(secret.ID), i > 0 && secret.ID == c.Secrets[0].ID:
			return nil, fmt.Errorf("has secret %d whose id is not 1 to 32 lower-case letters and digits of its own", i+1)
		case err != nil:
			return nil, fmt.Errorf("has secret %d whose digest %w", i+1, err)
		case !secret.Expires.IsZero() && secret.Expires.Unix() <= 0:
			return nil, fmt.Errorf("has secret %d that expires before 1970", i+1)
		}
		stored := store.StoredSecret{ID: secret.ID, Digest: secret.Digest, Created: past(secret.Created, now)}
		if !secret.Expires.IsZero() {
			stored.Expires = secret.Expires.UTC().Truncate(time.Second)
		}
		out = append(out, stored)
	}
	return out, nil
}

// CreatedBy is when the client was registered, now when the document does not say.
func (c *Client) CreatedBy(now time.Time) time.Time { return past(c.Created, now) }

// Check refuses a consent that no store could hold, or that says nothing.
func (c *Consent) Check() error {
	if !fits(c.Subject) || !oauth.ValidClientID(c.Client) {
		return errors.New("without a subject and a client, or with one that cannot be")
	}
	if len(c.Scope)+len(c.Audience) == 0 {
		return errors.New("to nothing")
	}
	for _, token := range c.Scope {
		if !fits(token) || !oauth.ValidScopeToken(token) {
			return errors.New("to a scope that is none")
		}
	}
	for _, uri := range c.Audience {
		if !fits(uri) || oauth.CheckResource(uri) != nil {
			return errors.New("to a resource that is none")
		}
	}
	return nil
}

func fits(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && !strings.Contains(name, "\x00")
}
