package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// identityVar is the request variable under which later handlers of ours find
// what was decided.
const identityVar = "bearer_auth"

const (
	userPlaceholder   = "http.auth.user.id"
	claimsPlaceholder = "http.auth.token."
)

// identity is what bearer_auth knows of one request. It answers the
// placeholders, and it keeps the credentials that were taken off the request
// for a second bearer_auth further down.
type identity struct {
	token *introspect.Token // nil: nobody
	// decided says that a bearer_auth has decided on the request, or that it
	// need not: token matchers ask.
	decided       bool
	authorization []string
	// stripped are the headers that the client's own are taken out of already.
	stripped guard
	// proofs are the DPoP headers and certificate the Client-Cert headers that
	// were taken off with it; spent is the proof that was used up for it.
	proofs, certificate []string
	spent               string
	verdict             verdict // what the last bearer_auth decided

	// values has room for the header values of the request, for which only the
	// first bearer_auth finds it: what is on the request stands in it then.
	values [len(standardHeaders) + 2]string
	filled bool
	// memory is for the token that the first bearer_auth finds, which may watch over
	// the answer with it for long. What stands in it is good only as far as token says.
	memory introspect.Token
	taken  bool
}

// tokenRoom is for the token of one bearer_auth; nil when it is taken.
func (id *identity) tokenRoom() *introspect.Token {
	if id.taken {
		return nil
	}
	id.taken = true
	return &id.memory
}

// room is for the header values of one bearer_auth. The request keeps it, for
// others of Caddy's handlers change headers in place: it is never shared.
func (id *identity) room(n int) []string {
	if id.filled || n > len(id.values) {
		return make([]string, n)
	}
	id.filled = true
	return id.values[:n:n]
}

// identityOf finds the identity of a request that a bearer_auth before this
// one has looked at; nil when none has.
func identityOf(ctx context.Context) *identity {
	id, _ := caddyhttp.GetVar(ctx, identityVar).(*identity)
	return id
}

// identify gives the identity of a request, and begins it where no bearer_auth
// before this one has; known says that one has.
func identify(ctx context.Context) (id *identity, known bool) {
	if id = identityOf(ctx); id != nil {
		return id, true
	}
	return newIdentity(ctx), false
}

// newIdentity begins the identity of a request and makes the placeholders
// known, so that they are empty and never left standing when there is no token.
func newIdentity(ctx context.Context) *identity {
	id := new(identity)
	caddyhttp.SetVar(ctx, identityVar, id)
	if repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(id.placeholder)
	}
	return id
}

// set changes who the request is from: nobody with a nil token.
func (id *identity) set(ctx context.Context, token *introspect.Token) {
	if repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		if token == nil && id.token != nil {
			repl.Delete(userPlaceholder)
		}
		// What is set wins over what is answered: we win over a basic_auth before us.
		if user, _ := repl.Get(userPlaceholder); token != nil && user != nil {
			repl.Set(userPlaceholder, token.Subject)
		}
	}
	id.token = token
}

// placeholder answers {http.auth.user.id}, {http.auth.token.<claim>} and
// {http.auth.decision.<member>}.
func (id *identity) placeholder(name string) (any, bool) {
	if name == userPlaceholder {
		if id.token == nil {
			return nil, true
		}
		return id.token.Subject, true
	}
	claim, ok := strings.CutPrefix(name, claimsPlaceholder)
	if !ok {
		return id.verdict.placeholder(name)
	}
	if id.token == nil {
		return nil, true
	}
	return claimText(id.token.Claims.All(), claim), true
}

// claimText finds a claim by its exact name, or else by the path that the dots
// in the name describe. Texts, numbers and booleans stand as they are; lists
// and objects are JSON, so that no value can look like two.
func claimText(claims map[string]any, path string) any {
	value, found := introspect.FindClaim(claims, path)
	if !found {
		return nil
	}
	switch value.(type) {
	case nil, string, bool, json.Number:
		return value
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return string(text)
}

// String implements fmt.Stringer without credentials or claims: operators can
// reach request variables by placeholder and in logs.
func (*identity) String() string { return "bearer_auth" }

// Format covers every fmt verb.
func (id *identity) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(id.String())) }

// Interface guards
var (
	_ fmt.Stringer  = (*identity)(nil)
	_ fmt.Formatter = (*identity)(nil)
)
