package caddymodule

import (
	"maps"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads a client, from the word on. Syntax:
//
//	client <id> {
//		name           <text>
//		public
//		secret         <secrets...>
//		auth_method    client_secret_basic|client_secret_post
//		redirect_uri   <uris...>
//		grants         <grant_types...>
//		response_modes <modes...>
//		scopes         <scopes...>
//		default_scopes <scopes...>
//		resource       <uris...>
//		pkce           optional
//		skip_consent
//		cors_origin    <origins...>
//		access_token {
//			lifetime <duration>
//			format   jwt|opaque
//		}
//		refresh_token { ... } # as in a realm
//		id_token { ... }      # as in a realm
//		code_lifetime  <duration>
//	}
//
// The lines secret, redirect_uri, resource and cors_origin may be repeated.
func (c *Client) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&c.ID) {
		return d.ArgErr()
	}
	return readBlock(d, "client", map[string]reader{
		"name":           text(&c.Name),
		"public":         flag(&c.Public),
		"secret":         texts(&c.Secrets),
		"auth_method":    text(&c.AuthMethod),
		"redirect_uri":   texts(&c.RedirectURIs),
		"grants":         texts(&c.Grants),
		"response_modes": texts(&c.ResponseModes),
		"scopes":         texts(&c.Scopes),
		"default_scopes": texts(&c.DefaultScopes),
		"resource":       texts(&c.Resources),
		"pkce":           c.readPKCE,
		"skip_consent":   flag(&c.SkipConsent),
		"cors_origin":    texts(&c.CORSOrigins),
		"access_token":   c.readAccessToken,
		"refresh_token":  readRefreshTokens(&c.RefreshToken),
		"id_token":       readIDTokens(&c.IDToken),
		"code_lifetime":  span(&c.CodeLifetime),
	}, "secret", "redirect_uri", "resource", "cors_origin")
}

func (c *Client) readPKCE(d *caddyfile.Dispenser) error {
	var word string
	if err := text(&word)(d); err != nil {
		return err
	}
	if word != "optional" {
		return d.Errf("pkce is required unless the line says: pkce optional; not %q", word)
	}
	c.PKCEOptional = true
	return nil
}

func (c *Client) readAccessToken(d *caddyfile.Dispenser) error {
	c.AccessToken = new(AccessTokens)
	return c.AccessToken.read(d, nil)
}

// read reads the block of access_token, which may hold more words at a realm.
func (o *AccessTokens) read(d *caddyfile.Dispenser, more map[string]reader) error {
	if err := noArgs(d); err != nil {
		return err
	}
	known := map[string]reader{"lifetime": span(&o.Lifetime), "format": text(&o.Format)}
	maps.Copy(known, more)
	return readBlock(d, "access_token", known)
}

func readRefreshTokens(target **RefreshTokens) reader {
	return func(d *caddyfile.Dispenser) error {
		if err := noArgs(d); err != nil {
			return err
		}
		o := new(RefreshTokens)
		*target = o
		return readBlock(d, "refresh_token", map[string]reader{
			"lifetime": spanOr("never", -1, &o.Lifetime),
			"idle":     spanOr("never", -1, &o.Idle),
			"grace": func(d *caddyfile.Dispenser) error {
				o.Grace = new(caddy.Duration)
				return spanOr("off", 0, o.Grace)(d)
			},
			"issue":  onOff(&o.Issue),
			"rotate": onOff(&o.Rotate),
		})
	}
}

func readIDTokens(target **IDTokens) reader {
	return func(d *caddyfile.Dispenser) error {
		if err := noArgs(d); err != nil {
			return err
		}
		o := new(IDTokens)
		*target = o
		return readBlock(d, "id_token", map[string]reader{
			"lifetime":  span(&o.Lifetime),
			"algorithm": text(&o.Algorithm),
		})
	}
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Client)(nil)
