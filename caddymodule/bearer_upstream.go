package caddymodule

import (
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// upstream is what the upstream of a bearer_auth gets, made ready.
type upstream struct {
	// guard are the names that no client can send.
	guard   guard
	headers identityHeaders
	route   uint64 // its number among routes, for notes beside tokens
	app     *App
	now     func() time.Time
}

// checkUpstream finds what is wrong with what the upstream is to get.
func (b *BearerAuth) checkUpstream() error {
	var taken guard
	for i := range b.Headers {
		if err := b.Headers[i].check(taken); err != nil {
			return err
		}
		taken = append(taken, newGuard(b.Headers[i].Name)...)
	}
	if b.Assertion != nil {
		if err := b.Assertion.check(taken); err != nil {
			return err
		}
	}
	if b.ExchangeToken != nil {
		return b.checkExchange()
	}
	return nil
}

// provisionUpstream prepares what the upstream gets.
func (b *BearerAuth) provisionUpstream(app *App) error {
	b.upstream = upstream{guard: slices.Clone(identityGuard), route: routes.Add(1), app: app, now: time.Now}
	for i := range b.Headers {
		b.upstream.headers = append(b.upstream.headers, b.Headers[i].mapped())
		b.upstream.guard = append(b.upstream.guard, newGuard(b.Headers[i].Name)...)
	}
	if b.Assertion != nil {
		if err := b.provisionAssertion(app); err != nil {
			return err
		}
		b.upstream.guard = append(b.upstream.guard, newGuard(b.Assertion.Header)...)
	}
	if b.ExchangeToken != nil {
		if err := b.provisionExchange(); err != nil {
			return err
		}
	}
	return nil
}

// hand puts on a request what the upstream gets of a verified token. When that
// fails it has put on nothing.
func (b *BearerAuth) hand(r *http.Request, id *identity, token *introspect.Token) *refusal {
	u := &b.upstream
	ready := u.prepare(token, b.Assertion != nil || b.ExchangeToken != nil)
	values := id.room(len(standardHeaders) + len(u.headers))
	var refused *refusal
	if !unpackValues(ready.Text, values) {
		repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		var own []string
		own, refused = u.headers.values(token, repl)
		copy(values, own)
	}
	texts, _ := ready.More.(*signedTexts) // there is one where it signs
	var assertion, exchanged string
	if refused == nil && b.Assertion != nil {
		assertion, refused = b.assert(r.Context(), token, &texts.assertion)
	}
	if refused == nil && b.ExchangeToken != nil {
		exchanged, refused = b.exchange(r.Context(), token, &texts.exchanged)
	}
	if refused != nil {
		return refused
	}
	u.headers.set(r.Header, values)
	if b.Assertion != nil {
		r.Header[http.CanonicalHeaderKey(b.Assertion.Header)] = []string{assertion}
	}
	switch {
	case b.ExchangeToken != nil:
		r.Header["Authorization"] = []string{"Bearer " + exchanged}
	case b.ForwardToken:
		r.Header["Authorization"] = id.authorization
	}
	return nil
}

// readToken reads: token strip|forward|exchange <realm> [{ ... }].
func (b *BearerAuth) readToken(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	switch {
	case len(args) == 1 && args[0] == "strip":
		return nil
	case len(args) == 1 && args[0] == "forward":
		b.ForwardToken = true
		return nil
	case len(args) == 2 && args[0] == "exchange":
		return b.readExchange(d, args[1])
	}
	return d.Err("token is followed by strip, by forward, or by exchange and a realm, as in: token exchange /")
}
