package registration

import (
	"cmp"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Defaults is what a realm gives each of its clients.
type Defaults struct {
	// Client is what a client gets of which its registration says nothing.
	Client store.Client
	// MaxAccessToken is the longest lifetime of access tokens that a client may
	// have for itself.
	MaxAccessToken Duration
}

// RealmTokens is what a realm says of the tokens of its clients. Nil and zero
// leave the built-in defaults as they are.
type RealmTokens struct {
	Issuer       string
	Resources    []string
	AccessToken  *AccessTokens
	RefreshToken *RefreshTokens
	IDToken      *IDTokens
	CodeLifetime Duration
}

// Defaults lays what the realm says over the built-in defaults.
func (r RealmTokens) Defaults() (Defaults, error) {
	out := Defaults{Client: builtIn(), MaxAccessToken: defaultMaxAccessToken}
	if r.AccessToken != nil && r.AccessToken.MaxLifetime != 0 {
		if r.AccessToken.MaxLifetime < Duration(time.Second) {
			return out, errors.New("has an access_token max_lifetime under 1s")
		}
		out.MaxAccessToken = r.AccessToken.MaxLifetime
		out.Client.AccessTokenLifetime = min(out.Client.AccessTokenLifetime, time.Duration(out.MaxAccessToken))
	}
	out.Client.Resources = r.Resources
	out.Client.Audience = r.Issuer
	if len(r.Resources) > 0 {
		out.Client.Audience = r.Resources[0]
	}
	return out, cmp.Or(
		r.AccessToken.apply(&out.Client, out.MaxAccessToken),
		r.RefreshToken.apply(&out.Client),
		r.IDToken.apply(&out.Client),
		setCodeLifetime(&out.Client, r.CodeLifetime),
	)
}

// builtIn is what a client gets of which neither it nor its realm says anything.
func builtIn() store.Client {
	return store.Client{
		ResponseModes:       responseModes,
		AccessTokenLifetime: 10 * time.Minute,
		AccessTokenFormat:   oauth.FormatJWT,
		IDTokenLifetime:     10 * time.Minute,
		IDTokenAlgorithm:    oauth.RS256,
		CodeLifetime:        time.Minute,
		Refresh: store.RefreshPolicy{
			Issue: true, Rotate: true,
			Lifetime: 30 * 24 * time.Hour, Idle: 7 * 24 * time.Hour, Grace: 10 * time.Second,
		},
	}
}
