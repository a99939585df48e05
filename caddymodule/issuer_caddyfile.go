package caddymodule

import "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

// UnmarshalCaddyfile reads an issuer block of the global option oauth2. The
// dispenser stands on the word issuer; the name goes to i.name, for the caller
// to put the issuer under. Syntax:
//
//	issuer <name> <url> {
//		tenants       <names...>
//		validate      auto|jwt|introspect
//		algorithms    <names...>
//		token_type    compat|strict
//		max_token_age <duration>
//		introspection {
//			client           <id> [<secret>]
//			auth             basic|post|private_key_jwt|mtls
//			key              <file>
//			certificate      <file> <key file>
//			endpoint         <url>
//			signed_response
//			cache            <duration>|off
//			negative_cache   <duration>|off
//			missing_audience refuse|allow
//		}
//		jwks_uri  <url>
//		jwks_file <path>
//		jwks {
//			refresh   <duration>
//			max_stale <duration>
//		}
//		timeout       <duration>
//		tls_ca        <file>
//		allow_private <ranges...>
//	}
func (i *ForeignIssuer) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&i.name, &i.URL) {
		return d.Err("issuer takes a name and a URL, as in: issuer corp https://idp.example.com")
	}
	return readBlock(d, "issuer", map[string]reader{
		"tenants":       texts(&i.Tenants),
		"validate":      text(&i.ValidateBy),
		"algorithms":    texts(&i.Algorithms),
		"token_type":    text(&i.TokenType),
		"max_token_age": span(&i.MaxTokenAge),
		"introspection": i.readIntrospection,
		"jwks_uri":      text(&i.JWKSURI),
		"jwks_file":     text(&i.JWKSFile),
		"jwks":          i.readKeys,
		"timeout":       span(&i.Timeout),
		"tls_ca":        text(&i.TLSCA),
		"allow_private": texts(&i.AllowPrivate),
	})
}

func (i *ForeignIssuer) readKeys(d *caddyfile.Dispenser) error {
	i.JWKS = new(IssuerKeys)
	return readOnlyBlock(d, "jwks", map[string]reader{
		"refresh":   span(&i.JWKS.Refresh),
		"max_stale": span(&i.JWKS.MaxStale),
	})
}

// Interface guard
var _ caddyfile.Unmarshaler = (*ForeignIssuer)(nil)
