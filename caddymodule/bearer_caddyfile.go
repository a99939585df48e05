package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { httpcaddyfile.RegisterDirective("bearer_auth", parseBearerAuth) }

// parseBearerAuth reads the directive. A matcher goes into the handler and not
// on its route, so that requests outside it lose forged identity headers too.
// Syntax:
//
//	bearer_auth [<matcher>] [<issuers...>] {
//		realm    <names...>
//		audience <uris...>
//		public   [<methods>] <paths...>
//		allow    <methods>|* <path> [<conditions...>] {
//			scope      [all|any] <tokens...>
//			claim      <path> <values...>
//			acr        <values...>
//			max_age    <duration>
//			expression <cel>
//		}
//		mode     required|optional|report_only
//		token    strip|forward|exchange <realm> [{
//			audience <uris...>
//			lifetime <duration>
//		}]
//		header   <name> <value> [as percent|json|csv|base64url|rfc8187]
//		assertion [<header>] {
//			audience <uri>
//			ttl      <duration>
//			claims   <names...>
//		}
//		cors_preflight
//		leeway   <duration>
//		dpop     [required] {
//			nonce      [<duration>]
//			max_age    <duration>
//			algorithms <names...>
//		}
//		client_certificate [required] [forwarded]
//		resource [<url>] {
//			name          <text>
//			documentation <url>
//			policy        <url>
//			terms         <url>
//			scopes        <tokens...>
//		}
//		streams off
//		streams {
//			grace <duration>
//		}
//		websocket_token
//	}
//
// Issuers are named as in the global option oauth2 or by their https URL, realms
// as there. Methods are joined by commas, as in GET,HEAD. The lines public and
// allow are judged in the order in which they stand. Conditions stand on the line
// of allow or in its block; claim may be there many times, and all must hold.
func parseBearerAuth(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !h.Next() {
		return nil, h.ArgErr()
	}
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	handler := new(BearerAuth)
	if matcher != nil {
		handler.MatcherSetsRaw = caddyhttp.RawMatcherSets{matcher}
	}
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, handler), nil
}

// UnmarshalCaddyfile reads the directive without its matcher. Syntax: see
// parseBearerAuth.
func (b *BearerAuth) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	for d.NextArg() {
		if slices.Contains(b.Issuers, d.Val()) {
			return d.Errf("issuer %s is there twice", d.Val())
		}
		b.Issuers = append(b.Issuers, d.Val())
	}
	err := readBlock(d, "bearer_auth", map[string]reader{
		"realm":              texts(&b.Realms),
		"audience":           texts(&b.Audience),
		"public":             b.readPublic,
		"allow":              b.readAllow,
		"mode":               text(&b.Mode),
		"token":              b.readToken,
		"header":             b.readHeader,
		"assertion":          b.readAssertion,
		"cors_preflight":     flag(&b.CORSPreflight),
		"leeway":             span(&b.Leeway),
		"dpop":               b.readDPoP,
		"client_certificate": b.readClientCertificate,
		"resource":           b.readResource,
		"streams":            b.readStreams,
		"websocket_token":    flag(&b.WebSocketToken),
	}, "allow", "header", "public")
	if err != nil {
		return err
	}
	// What is wrong in itself is told here already, with file and line.
	if err := b.check(); err != nil {
		return d.Err(err.Error())
	}
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*BearerAuth)(nil)
