package registration

import (
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// AccessTokens says what access tokens are like. What is left out is inherited:
// a client's from its realm, a realm's from the defaults.
type AccessTokens struct {
	// Lifetime is how long an access token is good. Default: 10m.
	Lifetime Duration `json:"lifetime,omitempty"`

	// MaxLifetime is the longest Lifetime that a client of the realm may have
	// for itself. It stands at the realm only. Default: 24h.
	MaxLifetime Duration `json:"max_lifetime,omitempty"`

	// Format is `jwt` (RFC 9068), which any resource server can check with the
	// published keys, or `opaque`, which only this server can read and others
	// must introspect (RFC 7662). Default: jwt.
	Format string `json:"format,omitempty"`
}

// RefreshTokens says what refresh tokens are like. What is left out is
// inherited: a client's from its realm, a realm's from the defaults.
type RefreshTokens struct {
	// Lifetime ends a family of refresh tokens, counted from the sign-in; -1
	// means never. Default: 30d.
	Lifetime Duration `json:"lifetime,omitempty"`

	// Idle ends a family of refresh tokens that has not been used for so long;
	// -1 means never. Default: 7d.
	Idle Duration `json:"idle,omitempty"`

	// Grace is how long after a refresh the same request may be sent again, for
	// a client whose answer was lost: it gets the same refresh token once more.
	// 0 allows none. Default: 10s.
	Grace *Duration `json:"grace,omitempty"`

	// Issue gives a refresh token together with the first access token, to
	// clients that list the refresh_token grant. Default: true.
	Issue *bool `json:"issue,omitempty"`

	// Rotate gives a new refresh token on each refresh and ends the old one; a
	// stolen one is then found out when it is used. Default: true.
	Rotate *bool `json:"rotate,omitempty"`
}

// IDTokens says what ID tokens are like. What is left out is inherited: a
// client's from its realm, a realm's from the defaults.
type IDTokens struct {
	// Lifetime is how long an ID token is good. Default: 10m.
	Lifetime Duration `json:"lifetime,omitempty"`

	// Algorithm signs ID tokens: `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA`.
	// Default: RS256, which every OpenID client understands.
	Algorithm string `json:"algorithm,omitempty"`
}

const (
	// defaultMaxAccessToken is the default of AccessTokens.MaxLifetime.
	defaultMaxAccessToken = Duration(24 * time.Hour)
	// maxCodeLifetime bounds authorization codes (AS4).
	maxCodeLifetime = Duration(time.Minute)
	// maxGrace bounds how long a stolen refresh token could be used unnoticed.
	maxGrace = 2 * time.Minute
)

var (
	tokenFormats   = []string{oauth.FormatJWT, oauth.FormatOpaque}
	signAlgorithms = []string{oauth.RS256, oauth.PS256, oauth.ES256, oauth.ES384, oauth.EdDSA}
)

// apply lays o, if there is one, over what c has. No lifetime may exceed limit.
func (o *AccessTokens) apply(c *store.Client, limit Duration) error {
	if o == nil {
		return nil
	}
	if o.Format != "" {
		if err := oneOf("access_token format", []string{o.Format}, tokenFormats); err != nil {
			return err
		}
		c.AccessTokenFormat = o.Format
	}
	return SetLifetime(&c.AccessTokenLifetime, "access_token lifetime", o.Lifetime, limit)
}

// apply lays o, if there is one, over what c has.
func (o *IDTokens) apply(c *store.Client) error {
	if o == nil {
		return nil
	}
	if o.Algorithm != "" {
		if err := oneOf("id_token algorithm", []string{o.Algorithm}, signAlgorithms); err != nil {
			return err
		}
		c.IDTokenAlgorithm = o.Algorithm
	}
	return SetLifetime(&c.IDTokenLifetime, "id_token lifetime", o.Lifetime, defaultMaxAccessToken)
}

// apply lays o, if there is one, over what c has.
func (o *RefreshTokens) apply(c *store.Client) error {
	if o == nil {
		return nil
	}
	if o.Issue != nil {
		c.Refresh.Issue = *o.Issue
	}
	if o.Rotate != nil {
		c.Refresh.Rotate = *o.Rotate
	}
	if o.Grace != nil {
		grace := time.Duration(*o.Grace)
		if grace < 0 || grace > maxGrace {
			return fmt.Errorf("has refresh_token grace %s; it is 0s to %s", grace, maxGrace)
		}
		c.Refresh.Grace = grace
	}
	if err := setEnd(&c.Refresh.Lifetime, "refresh_token lifetime", o.Lifetime); err != nil {
		return err
	}
	return setEnd(&c.Refresh.Idle, "refresh_token idle", o.Idle)
}

// setEnd is SetLifetime for ends that may be never: any negative span, which the
// store knows as 0.
func setEnd(target *time.Duration, what string, span Duration) error {
	if span < 0 {
		*target = 0
		return nil
	}
	return SetLifetime(target, what, span, 0)
}

func setCodeLifetime(c *store.Client, span Duration) error {
	return SetLifetime(&c.CodeLifetime, "code_lifetime", span, maxCodeLifetime)
}

// SetLifetime sets target to span, if one is given. Times are kept in whole
// seconds, so a shorter one would be none. A limit of 0 is no limit.
func SetLifetime(target *time.Duration, what string, span, limit Duration) error {
	switch {
	case span == 0:
		return nil
	case time.Duration(span) < time.Second:
		return fmt.Errorf("has %s %s; it is 1s or more", what, time.Duration(span))
	case limit > 0 && span > limit:
		return fmt.Errorf("has %s %s; the limit here is %s", what, time.Duration(span), time.Duration(limit))
	}
	*target = time.Duration(span)
	return nil
}
