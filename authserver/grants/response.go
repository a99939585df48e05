package grants

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6749 §5.1, OpenID Connect Core §3.1.3.3

// Response is the tokens that answer a request. RefreshToken and IDToken are
// empty where none is given.
type Response struct {
	AccessToken oauth.Secret
	// Expires is when the access token does.
	Expires time.Time
	// Scope is the access token's.
	Scope        oauth.Scope
	RefreshToken oauth.Secret
	IDToken      oauth.Secret
	// Record is what the audit log is told of these tokens.
	Record audit.Record
}

// document is a Response as it stands on the wire, the one place where the
// tokens are revealed.
type document struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	Scope        string `json:"scope"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// document gives the wire form. expires_in is the time that is left, in whole
// seconds, so that a client never holds a token for good that is not.
func (r *Response) document(now time.Time) document {
	return document{
		AccessToken:  r.AccessToken.Reveal(),
		TokenType:    "Bearer",
		ExpiresIn:    int64(r.Expires.Sub(now) / time.Second),
		Scope:        r.Scope.String(),
		RefreshToken: r.RefreshToken.Reveal(),
		IDToken:      r.IDToken.Reveal(),
	}
}
