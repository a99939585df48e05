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

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	defaultAssertionHeader = "X-Identity-Assertion"
	// maxAssertionTTL is also the default: an assertion is made for the next hop
	// and for now, and nothing revokes it.
	maxAssertionTTL = time.Minute
	maxAssertion    = 8 << 10
)

// BearerAssertion is a header with a JWT that this gateway has signed (ES256): it
// says whose the verified token is, to one upstream and for a short time. An
// upstream that checks it need not trust the network between.
//
// Its `typ` is `identity-assertion+jwt`, so that nobody takes it for an access
// token, and `iss` is the resource, or else the first audience that is an https
// URL, or else the first audience. Beside the chosen claims it says `token_iss`, the issuer of the
// token, whose subject it is. The keys are at
// `/.well-known/identity-assertion/jwks.json` on the guarded site; they are kept
// in the storage of the oauth2 app, wrapped, and shared by all nodes on it.
type BearerAssertion struct {
	// Header is its name. Default: `X-Identity-Assertion`.
	Header string `json:"header,omitempty"`

	// Audience is the upstream, as it calls itself in `aud`, such as
	// `http://orders.internal`. Required.
	Audience string `json:"audience"`

	// TTL is how long an assertion is good, 10s to 60s, and never longer than the
	// token. It is used again for requests with the same token until half of it
	// is left. Default: 60s.
	TTL caddy.Duration `json:"ttl,omitempty"`

	// Claims are the claims of the token that it repeats, where the token has
	// them, by name or by a path with dots, which is then their name. Default:
	// sub, client_id and scope.
	Claims []string `json:"claims,omitempty"`
}

var (
	defaultAssertionClaims = []string{"sub", "client_id", "scope"}
	// The key that a token is bound to says nothing about an assertion.
	ownAssertionClaims = append(token.AssertionClaims(), "cnf")
)

func (a *BearerAssertion) check(taken guard) error {
	if err := checkHeaderName(cmp.Or(a.Header, defaultAssertionHeader), taken); err != nil {
		return fmt.Errorf("assertion: %w", err)
	}
	if a.Audience == "" {
		return errors.New("assertion has no audience: without one, an upstream that gets it could use it at any other. " +
			"Name the upstream as it calls itself, as in: audience http://orders.internal")
	}
	if ttl := time.Duration(a.TTL); ttl != 0 && (ttl < 10*time.Second || ttl > maxAssertionTTL) {
		return fmt.Errorf("assertion has ttl %s; it is 10s to %s, for nothing can revoke an assertion", ttl, maxAssertionTTL)
	}
	for i, name := range a.Claims {
		switch {
		case slices.Contains(ownAssertionClaims, name):
			return fmt.Errorf("assertion cannot repeat the claim %s of the token: in the assertion it means another thing", name)
		case name == "" || slices.Contains(a.Claims[:i], name):
			return fmt.Errorf("assertion has the claim %q twice, or a claim without a name", name)
		}
	}
	return nil
}

// provisionAssertion fills in the defaults and says that the store is needed.
func (b *BearerAuth) provisionAssertion(app *App) error {
	a := b.Assertion
	a.Header = cmp.Or(a.Header, defaultAssertionHeader)
	a.TTL = cmp.Or(a.TTL, caddy.Duration(maxAssertionTTL))
	if len(a.Claims) == 0 {
		a.Claims = defaultAssertionClaims
	}
	var err error
	if a.Audience, err = caddy.NewReplacer().ReplaceOrErr(a.Audience, true, true); err != nil {
		return fmt.Errorf("audience of assertion: %w", err)
	}
	if err := app.needBackend(); err != nil {
		return fmt.Errorf("assertion needs the storage of the oauth2 app for its keys: %w", err)
	}
	app.asserts = true
	return nil
}

// assertionIssuer is what this gateway calls itself in assertions: the address
// of the resource, or the first audience where there is none.
func (b *BearerAuth) assertionIssuer() string { return cmp.Or(b.resourceAddress(), b.Audience[0]) }

// assert gives an assertion about a token, made now or lately. A token that the
// leeway alone keeps alive has no life to give it.
func (b *BearerAuth) assert(ctx context.Context, t *introspect.Token, kept *signed) (string, *refusal) {
	now := b.upstream.now()
	expires := now.Add(time.Duration(b.Assertion.TTL))
	if end := time.Unix(t.Expires, 0); end.Before(expires) {
		expires = end
	}
	if now.Unix() >= expires.Unix() {
		return "", refuseToken(introspect.ReasonExpired, nil)
	}
	text, err := kept.at(now, func() (string, time.Time, time.Time, error) {
		text, err := b.signAssertion(ctx, token.Assertion{
			Audience: b.Assertion.Audience, TokenIssuer: t.Issuer, IssuedAt: now, Expires: expires, Claims: b.Assertion.of(t),
		})
		if len(text) > maxAssertion {
			text = "" // that there is none is remembered, and what is too long is not
		}
		return text, now, expires, err
	})
	if err != nil {
		return "", refuseUnavailable(err)
	}
	if text == "" {
		return "", refuseToken(reasonHeaderValue, nil)
	}
	return text, nil
}

// of chooses the claims of a token that its assertion repeats. Those that have a
// field are as introspect understood them, whatever the issuer calls them.
func (a *BearerAssertion) of(t *introspect.Token) map[string]any {
	claims := make(map[string]any, len(a.Claims))
	for _, name := range a.Claims {
		claim, found := introspect.FindClaim(t.Claims.All(), name)
		switch name {
		case "sub":
			claim, found = t.Subject, t.Subject != ""
		case "client_id":
			claim, found = t.ClientID, t.ClientID != ""
		case "scope":
			claim, found = t.Scope.String(), len(t.Scope) > 0
		}
		if found && claim != nil {
			claims[name] = claim
		}
	}
	return claims
}

func (b *BearerAuth) signAssertion(ctx context.Context, assertion token.Assertion) (string, error) {
	ring, err := b.upstream.app.assertionKeys(ctx)
	if err != nil {
		return "", err
	}
	signed, err := token.NewMinter("", b.assertionIssuer(), ring).MintAssertion(assertion)
	return signed.Reveal(), err
}

// assertionKeys gives the keys of assertions, from the store the first time.
func (a *App) assertionKeys(ctx context.Context) (*keys.Ring, error) {
	backend, release, err := a.liveBackend(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return backend.AssertionKeys(ctx)
}

// readAssertion reads: assertion [<header>] { ... }.
func (b *BearerAuth) readAssertion(d *caddyfile.Dispenser) error {
	b.Assertion = new(BearerAssertion)
	switch args := d.RemainingArgs(); len(args) {
	case 0:
	case 1:
		b.Assertion.Header = args[0]
	default:
		return d.Err("assertion takes the name of one header, as in: assertion X-Identity-Assertion")
	}
	return readBlock(d, "assertion", map[string]reader{
		"audience": text(&b.Assertion.Audience),
		"ttl":      span(&b.Assertion.TTL),
		"claims":   texts(&b.Assertion.Claims),
	})
}
