package token

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9068 §2.2

// Access is what an access token says.
type Access struct {
	ID       string // jti
	Issuer   string
	Subject  string
	ClientID string
	GrantID  string // "gid", "" for client credentials
	// SessionID is "sid", "" for none.
	SessionID string
	Scope     oauth.Scope
	Audience  []string
	// IssuedAt and Expires are whole seconds, in UTC.
	IssuedAt time.Time
	Expires  time.Time
	// AuthTime, ACR and AMR are empty for client credentials.
	AuthTime time.Time
	ACR      string
	AMR      []string
}

// MintAccess makes an access token in a format (oauth.FormatJWT or
// FormatOpaque). ID and Issuer of access are filled in by it, and times cut to
// whole seconds: what it returns is what OpenAccess will read.
func (m *Minter) MintAccess(access Access, format string) (oauth.Secret, Access, error) {
	access.ID = rand.Text() // 26 characters, 130 random bits
	access.Issuer = m.issuer
	access.IssuedAt = wholeSeconds(access.IssuedAt)
	access.Expires = wholeSeconds(access.Expires)
	access.AuthTime = wholeSeconds(access.AuthTime)
	if err := access.check(); err != nil {
		return oauth.Secret{}, Access{}, fmt.Errorf("no access token for client %q: %w", access.ClientID, err)
	}
	var text string
	var err error
	switch format {
	case oauth.FormatJWT:
		text, err = m.sign(oauth.ES256, typeAccess, claimsOf(access))
	case oauth.FormatOpaque:
		text, err = m.seal(claimsOf(access))
	default:
		err = fmt.Errorf("unknown format %q", format)
	}
	if err == nil && len(text) > oauth.MaxTokenBytes {
		err = fmt.Errorf("it would have %d bytes, more than the %d that resource servers take: shorten its scope or audience", len(text), oauth.MaxTokenBytes)
	}
	if err != nil {
		return oauth.Secret{}, Access{}, fmt.Errorf("no access token for client %q: %w", access.ClientID, err)
	}
	return oauth.NewSecret(text), access, nil
}

// OpenAccess reads an access token of this realm in either format: shape,
// signature or seal, type, issuer and expiry. Revocation is the caller's. Callers
// only read what it gives, for it may be remembered.
func (m *Minter) OpenAccess(token oauth.Secret, now time.Time) (Access, error) {
	size := len(token.Reveal())
	if size > oauth.MaxTokenBytes {
		return Access{}, ErrMalformed
	}
	digest := token.Digest()
	// Read before the token is verified: a key that goes meanwhile shows.
	generation := m.ring.Generation()
	known := m.opened.get(&digest, generation)
	access := known
	if known == nil {
		read, err := m.readAccess(token)
		if err != nil {
			return Access{}, err
		}
		access = &read
	}
	switch {
	// RFC 7519 §4.1.4: not on or after exp. The clock is our own: no leeway.
	case !now.Before(access.Expires):
		return Access{}, ErrExpired
	// A token from the future was issued by a clock that leapt (RFC 7519 §4.1.6).
	case access.IssuedAt.After(now.Add(maxSkew)):
		return Access{}, errNotYetValid
	}
	if known == nil && size <= maxOpenedBytes {
		m.opened.put(&digest, generation, access)
	}
	return *access, nil
}

// readAccess verifies an access token of this realm, its times apart.
func (m *Minter) readAccess(token oauth.Secret) (Access, error) {
	var payload []byte
	var err error
	switch KindOf(token) {
	case OpaqueAccess:
		payload, err = m.unseal(token.Reveal())
	case Foreign:
		payload, err = m.verify(token.Reveal(), typeAccess)
	default:
		err = errType
	}
	if err != nil {
		return Access{}, err
	}
	access, err := accessOf(readClaims(payload))
	switch {
	case err != nil:
		return Access{}, err
	case access.Issuer != m.issuer:
		return Access{}, errIssuer
	}
	return access, nil
}

// accessClaims is the JSON of an access token, the same in both formats.
type accessClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  any      `json:"aud"`
	Expires   *int64   `json:"exp"`
	IssuedAt  *int64   `json:"iat"`
	ID        string   `json:"jti"`
	ClientID  string   `json:"client_id"`
	Scope     string   `json:"scope,omitempty"`
	GrantID   string   `json:"gid,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	AuthTime  *int64   `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
}

func claimsOf(access Access) accessClaims {
	claims := accessClaims{
		Issuer:    access.Issuer,
		Subject:   access.Subject,
		Audience:  access.Audience,
		Expires:   numericDate(access.Expires),
		IssuedAt:  numericDate(access.IssuedAt),
		ID:        access.ID,
		ClientID:  access.ClientID,
		Scope:     access.Scope.String(),
		GrantID:   access.GrantID,
		SessionID: access.SessionID,
		AuthTime:  numericDate(access.AuthTime),
		ACR:       access.ACR,
		AMR:       access.AMR,
	}
	if len(access.Audience) == 1 {
		claims.Audience = access.Audience[0] // RFC 7519 §4.1.3
	}
	return claims
}

func accessOf(claims *claimReader) (Access, error) {
	access := Access{
		ID:        claims.text("jti"),
		Issuer:    claims.text("iss"),
		Subject:   claims.text("sub"),
		ClientID:  claims.text("client_id"),
		GrantID:   claims.text("gid"),
		SessionID: claims.text("sid"),
		Scope:     claims.scope("scope"),
		Audience:  claims.texts("aud"),
		IssuedAt:  claims.time("iat"),
		Expires:   claims.time("exp"),
		AuthTime:  claims.time("auth_time"),
		ACR:       claims.text("acr"),
		AMR:       claims.texts("amr"),
	}
	if !claims.ok || access.check() != nil {
		return Access{}, errClaims
	}
	return access, nil
}

// check holds what is minted and what is opened to the same rule: the claims
// that RFC 9068 §2.2 requires are there.
func (a *Access) check() error {
	if err := checkSubject(a.Subject); err != nil {
		return err
	}
	switch {
	case a.ClientID == "" || a.ID == "":
		return errors.New("it has no client or id")
	case len(a.Audience) == 0 || a.Audience[0] == "":
		return errors.New("it has no audience")
	case a.IssuedAt.IsZero() || !a.Expires.After(a.IssuedAt):
		return errors.New("it expires before it is issued")
	}
	return nil
}

// checkSubject refuses what JSON would not give back as it is: two subjects
// could become one.
func checkSubject(subject string) error {
	if subject == "" || !utf8.ValidString(subject) || strings.ContainsRune(subject, 0) {
		return errors.New("its subject is empty or not text")
	}
	return nil
}
