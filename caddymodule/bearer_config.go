package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func init() { caddy.RegisterModule(new(BearerAuth)) }

// Modes of a BearerAuth.
const (
	modeRequired = "required"
	modeOptional = "optional"
	// modeReportOnly decides, logs and counts, and lets every request pass.
	modeReportOnly = "report_only"
)

const defaultLeeway = 10 * time.Second

// BearerAuth lets a request pass only with a valid OAuth 2.0 access token, and
// tells the upstream whose it is in headers that no client can forge.
//
// The upstream gets `X-Auth-Subject`, `X-Auth-Client-Id`, `X-Auth-Scope` and
// `X-Auth-Issuer`, each only when the token says it. Bytes outside printable
// ASCII, the percent sign and spaces at the ends are percent-encoded in them.
// Copies that a client sends are removed in every spelling, also on requests
// that pass without a token and on those outside the matcher.
//
// Refusals are those of RFC 6750: 401 without or with a bad token, 400 for more
// than one, 403 for a scope that is missing, and 503 when the token cannot be
// checked at the moment. `handle_errors` can give them a body.
//
// Placeholders, empty when there is no token:
//
// Placeholder | Description
// ------------|------------
// `{http.auth.user.id}` | The subject of the token.
// `{http.auth.decision.result}` | What was decided: allowed, public, anonymous, preflight, refused or would_refuse.
// `{http.auth.decision.reason}` | Why it was refused, or `none`.
// `{http.auth.decision.issuer}` | The issuer as the configuration calls it, or `none`.
// `{http.auth.token.<claim>}` | A claim, by its exact name, or else by the path that dots describe, as in `realm_access.roles`. Lists and objects are JSON.
type BearerAuth struct {
	// Issuers are the foreign authorization servers whose tokens are taken: the
	// name of one in the `issuers` of the oauth2 app, or an https URL, which
	// then has the defaults of one. At most one of them may introspect.
	Issuers []string `json:"issuers,omitempty"`

	// Realms are realms of the oauth2 app of this process whose tokens are
	// taken. They are checked without HTTP, and a revocation counts at once.
	Realms []string `json:"realms,omitempty"`

	// Audience is what `aud` of a token must name: one of these, byte for byte.
	// Required, for without it a token for any other API would open this one.
	Audience []string `json:"audience,omitempty"`

	// Rules are judged in order and the first that matches method and path
	// decides. With rules, what none matches is refused; without, any valid
	// token passes.
	Rules []BearerRule `json:"rules,omitempty"`

	// Mode is `required`; or `optional`: a request without a token then passes,
	// with no identity, where any valid token would, and a token that is there
	// and not valid is refused all the same; or `report_only`: what `required`
	// would refuse is logged and counted, and passes with no identity, and
	// credentials reach the upstream as they came. Default: `required`.
	Mode string `json:"mode,omitempty"`

	// ForwardToken leaves the Authorization header on a request whose token was
	// verified. Default: false, for an upstream could use the token elsewhere.
	ForwardToken bool `json:"forward_token,omitempty"`

	// ExchangeToken puts a JWT of our own realm in the place of the token.
	// Default: none.
	ExchangeToken *BearerExchange `json:"exchange_token,omitempty"`

	// Headers are further headers that the upstream gets with a verified token.
	// All of them, the standard ones included, have 8 KiB together.
	Headers []BearerHeader `json:"headers,omitempty"`

	// Assertion is a signed statement about the token for the upstream. Default:
	// none.
	Assertion *BearerAssertion `json:"assertion,omitempty"`

	// CORSPreflight lets CORS preflight requests pass without a token, and
	// without an identity, for the upstream or a later handler to answer.
	// Default: false.
	CORSPreflight bool `json:"cors_preflight,omitempty"`

	// DPoP takes tokens that are bound to a key, with a proof by that key.
	// Default: none; a token that is bound to a key is refused then.
	DPoP *BearerDPoP `json:"dpop,omitempty"`

	// ClientCertificate is what is asked of TLS client certificates. Default:
	// a token that is bound to one needs that of the connection; others need none.
	ClientCertificate *BearerClientCertificate `json:"client_certificate,omitempty"`

	// Resource is the API as its clients know it. Its metadata (RFC 9728) is
	// published beside it, and every challenge says where. Default: the first
	// audience that is an https URL; without one there is no metadata.
	Resource *BearerResource `json:"resource,omitempty"`

	// Streams says what becomes of WebSockets, event streams and other answers
	// that last longer than their token. Default: they are cut.
	Streams *BearerStreams `json:"streams,omitempty"`

	// WebSocketToken takes the access token of a WebSocket from its
	// subprotocols, where browsers cannot send a header: the client offers
	// `bearer` and next to it the token. Default: false.
	WebSocketToken bool `json:"websocket_token,omitempty"`

	// Leeway is how far the clocks of an issuer and this machine may be apart,
	// up to 1m. Default: 10s.
	Leeway caddy.Duration `json:"leeway,omitempty"`

	// MatcherSetsRaw says which requests are guarded. Others pass as if the
	// handler were not there, except that forged identity headers are removed,
	// and headers that name another method or path. Default: all.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	matchers     caddyhttp.MatcherSets
	rules        *introspect.Rules
	introspector *introspect.Introspector
	challenges   challenges
	upstream     upstream
	origin       string        // scheme and host of the API, where dpop needs them
	metadata     *publication  // nil without a resource
	grace        time.Duration // of streams
	allowed      map[string]prometheus.Counter
	releases     []func()
	log          *slog.Logger
}

// CaddyModule returns the Caddy module information.
func (*BearerAuth) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bearer_auth",
		New: func() caddy.Module { return new(BearerAuth) },
	}
}

// check finds what is wrong with the settings by themselves, but for the rules:
// those are checked where they are read.
func (b *BearerAuth) check() error {
	if len(b.Issuers)+len(b.Realms) == 0 {
		return errors.New("bearer_auth trusts no issuer: name one on its line (an https URL, or an issuer of the oauth2 option), " +
			"or a realm of this process in its block, as in `realm /`. " +
			"A first argument that begins with / or @ is a request matcher in Caddy; that is why realms stand in the block")
	}
	if len(b.Audience) == 0 {
		return errors.New("bearer_auth has no audience: without one, a token that was issued for any other API would open this one. " +
			"Add the identifier of this API that its tokens bear as aud, as in `audience https://api.example.com`")
	}
	if err := oneOf("mode", []string{cmp.Or(b.Mode, modeRequired)}, []string{modeRequired, modeOptional, modeReportOnly}); err != nil {
		return fmt.Errorf("bearer_auth %w", err)
	}
	if leeway := time.Duration(b.Leeway); leeway < 0 || leeway > introspect.MaxLeeway {
		return fmt.Errorf("bearer_auth has leeway %s; it is %s at most", leeway, introspect.MaxLeeway)
	}
	for _, check := range []func() error{b.DPoP.check, b.checkUpstream, b.Resource.check, b.Streams.check} {
		if err := check(); err != nil {
			return fmt.Errorf("bearer_auth: %w", err)
		}
	}
	return nil
}

// leeway is how far clocks may be apart.
func (b *BearerAuth) leeway() time.Duration { return cmp.Or(time.Duration(b.Leeway), defaultLeeway) }

// Interface guard
var _ caddy.Module = (*BearerAuth)(nil)
