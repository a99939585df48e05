package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	defaultExchangeLifetime = 5 * time.Minute
	maxExchangeLifetime     = time.Hour
)

// BearerExchange gives the upstream a JWT of our own realm instead of the token
// that the client sent (a phantom token): clients may hold opaque tokens that say
// nothing to them, while upstreams verify an access token as RFC 9068 has it.
//
// The JWT has the subject, client, scope, grant, session and `jti` of the token:
// it can do no more, and what revokes the one revokes the other. A token that is
// bound to a key is refused, for the JWT would open doors without the key.
type BearerExchange struct {
	// Realm is the realm whose tokens are exchanged, and which signs. It must be
	// the only issuer of the bearer_auth. Required.
	Realm string `json:"realm"`

	// Audience is `aud` of the JWT: where the upstream, or who gets it from
	// there, may use it. Default: that of the bearer_auth.
	Audience []string `json:"audience,omitempty"`

	// Lifetime is how long a JWT is good, 10s to 1h, and never longer than the
	// token. It is used again for requests with the same token until half of it
	// is left. Default: 5m.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`
}

func (b *BearerAuth) checkExchange() error {
	e := b.ExchangeToken
	switch lifetime := time.Duration(e.Lifetime); {
	case b.ForwardToken:
		return errors.New("a token is either forwarded or exchanged; choose one")
	case len(b.Issuers) > 0 || len(b.Realms) != 1 || b.Realms[0] != e.Realm:
		return fmt.Errorf("`token exchange %s` needs that realm as the only issuer, as in `realm %s` and no other: "+
			"a subject of another issuer would become one of the realm. For such tokens there is `assertion`, which says whose subject it is", e.Realm, e.Realm)
	case slices.Contains(e.Audience, ""):
		return errors.New("token exchange has an empty audience")
	case lifetime != 0 && (lifetime < 10*time.Second || lifetime > maxExchangeLifetime):
		return fmt.Errorf("token exchange has lifetime %s; it is 10s to %s", lifetime, maxExchangeLifetime)
	}
	return nil
}

// provisionExchange fills in the defaults.
func (b *BearerAuth) provisionExchange() error {
	e := b.ExchangeToken
	e.Lifetime = cmp.Or(e.Lifetime, caddy.Duration(defaultExchangeLifetime))
	if len(e.Audience) == 0 {
		e.Audience = b.Audience
	}
	var err error
	if e.Audience, err = replaced(e.Audience); err != nil {
		return fmt.Errorf("audience of token exchange: %w", err)
	}
	return nil
}

// exchange gives the JWT for a token of our realm, made now or lately.
func (b *BearerAuth) exchange(ctx context.Context, t *introspect.Token, kept *signed) (string, *refusal) {
	if t.Bound() {
		return "", refuseToken(introspect.ReasonBound, nil)
	}
	now := b.upstream.now()
	if now.Unix() >= t.Expires {
		return "", refuseToken(introspect.ReasonExpired, nil)
	}
	text, err := kept.at(now, func() (string, time.Time, time.Time, error) {
		server := b.upstream.app.serving(ctx)
		if server == nil {
			return "", now, now, errNotReady
		}
		r, ok := server.Realm(b.ExchangeToken.Realm)
		if !ok {
			return "", now, now, fmt.Errorf("there is no realm %s", b.ExchangeToken.Realm)
		}
		signed, access, err := r.Tokens.Exchange(t.Claims.All(), b.ExchangeToken.Audience, now, now.Add(time.Duration(b.ExchangeToken.Lifetime)))
		return signed.Reveal(), now, access.Expires, err
	})
	if err != nil {
		return "", refuseUnavailable(err)
	}
	return text, nil
}

// readExchange reads what follows: token exchange <realm>.
func (b *BearerAuth) readExchange(d *caddyfile.Dispenser, realm string) error {
	b.ExchangeToken = &BearerExchange{Realm: realm}
	return readBlock(d, "token exchange", map[string]reader{
		"audience": texts(&b.ExchangeToken.Audience),
		"lifetime": span(&b.ExchangeToken.Lifetime),
	})
}
