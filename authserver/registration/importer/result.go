package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

// MaxDocumentBytes bounds a document.
const MaxDocumentBytes = 16 << 20

// Result is what a document comes to.
type Result struct {
	Clients []Client
	Notes   []Note
}

// Client is a client as it can be registered here.
type Client struct {
	Registration registration.Client
	// Secret authenticates the client; empty when the document does not tell it. A
	// client that is not public then needs a new one.
	Secret oauth.Secret
	// Disabled says that the client may not be used.
	Disabled bool
}

// Note is something of a document that is otherwise here, or not at all.
type Note struct {
	// Client is its id; "" for what concerns the realm.
	Client string `json:"client,omitempty"`
	// Setting is what the other server calls it.
	Setting string `json:"setting"`
	// Text says what became of it, and what to do.
	Text string `json:"text"`
}

// note adds one.
func (r *Result) note(client, setting, format string, args ...any) {
	r.Notes = append(r.Notes, Note{client, setting, fmt.Sprintf(format, args...)})
}

// read parses a document into target. Its errors repeat nothing of it: it may hold
// secrets.
func read(document []byte, target any) error {
	if len(document) > MaxDocumentBytes {
		return fmt.Errorf("the document has more than %d bytes", MaxDocumentBytes)
	}
	err := json.Unmarshal(document, target)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("the document is not JSON: see at byte %d", syntax.Offset)
	case errors.As(err, &wrong):
		return fmt.Errorf("the document has a %s where a %s is expected: see %s at byte %d", wrong.Value, wrong.Type.Kind(), wrong.Field, wrong.Offset)
	case err != nil:
		return errors.New("the document is not what is expected")
	}
	return nil
}

// redirectURIs keeps what may be a redirect URI here.
func (r *Result) redirectURIs(client, setting string, uris []string) []string {
	var kept []string
	for _, uri := range uris {
		if strings.Contains(uri, "*") {
			r.note(client, setting, "%q has a wildcard and was left out: redirect URIs are compared byte for byte, so list each one", uri)
		} else if err := oauth.CheckRedirectURI(uri); err != nil {
			r.note(client, setting, "%q was left out: it %s", uri, err)
		} else {
			kept = append(kept, uri)
		}
	}
	return kept
}

// logoutURI keeps where a client can be told of sign-outs.
func (r *Result) logoutURI(client, setting, uri string, reg *registration.Client) {
	if uri == "" {
		return
	}
	if err := registration.CheckLogoutURI(uri); err != nil {
		r.note(client, setting, "%q was left out: it %s", uri, err)
		return
	}
	reg.BackchannelLogoutURI = uri
}

// origins keeps what may be a web origin here.
func (r *Result) origins(client, setting string, origins []string) []string {
	var kept []string
	for _, origin := range origins {
		if err := registration.CheckOrigin(origin); err != nil {
			r.note(client, setting, "%q was left out: it is no origin such as https://app.example.com", origin)
		} else {
			kept = append(kept, origin)
		}
	}
	return kept
}

// scopes keeps what may be a scope token (RFC 6749 §3.3).
func (r *Result) scopes(client, setting string, tokens []string) []string {
	var kept []string
	for _, token := range tokens {
		if oauth.ValidScopeToken(token) {
			kept = append(kept, token)
		} else {
			r.note(client, setting, "%q was left out: it is no valid scope", token)
		}
	}
	return kept
}

// algorithm keeps an algorithm for ID tokens that we sign with.
func (r *Result) algorithm(client, setting, name string) *registration.IDTokens {
	switch name {
	case "", oauth.RS256:
		return nil
	case oauth.PS256, oauth.ES256, oauth.ES384, oauth.EdDSA:
		return &registration.IDTokens{Algorithm: name}
	}
	r.note(client, setting, "ID tokens are signed with RS256 in place of %s, which is not made here", name)
	return nil
}

// seconds is a span of whole seconds; negative means never where that is allowed.
func seconds(n int64) registration.Duration {
	const most = int64(100 * 365 * 24 * time.Hour / time.Second)
	return registration.Duration(max(-1, min(n, most))) * registration.Duration(time.Second)
}
