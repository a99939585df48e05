package caddymodule

import (
	"maps"
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

// unmarshalClient reads a client, from the word on. Syntax:
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
//		post_logout_redirect_uri <uris...>
//		backchannel_logout_uri   <uri>
//		backchannel_logout_session_required
//		access_token {
//			lifetime <duration>
//			format   jwt|opaque
//		}
//		refresh_token { ... } # as in a realm
//		id_token { ... }      # as in a realm
//		code_lifetime  <duration>
//		rate_limit     <requests> <duration>
//		token_quota    <tokens> <duration>
//		disabled
//	}
//
// The lines secret, redirect_uri, resource, cors_origin and
// post_logout_redirect_uri may be repeated.
func unmarshalClient(d *caddyfile.Dispenser, c *Client) error {
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
		"pkce":           readPKCE(&c.PKCEOptional),
		"skip_consent":   flag(&c.SkipConsent),
		"cors_origin":    texts(&c.CORSOrigins),

		"post_logout_redirect_uri":            texts(&c.PostLogoutRedirectURIs),
		"backchannel_logout_uri":              text(&c.BackchannelLogoutURI),
		"backchannel_logout_session_required": flag(&c.BackchannelLogoutSessionRequired),

		"access_token":  readAccessTokens(&c.AccessToken, nil),
		"refresh_token": readRefreshTokens(&c.RefreshToken),
		"id_token":      readIDTokens(&c.IDToken),
		"code_lifetime": span(&c.CodeLifetime),
		"rate_limit":    readRateLimit(&c.RateLimit),
		"token_quota":   readTokenQuota(&c.TokenQuota),
		"disabled":      flag(&c.Disabled),
	}, "secret", "redirect_uri", "resource", "cors_origin", "post_logout_redirect_uri")
}

func readPKCE(optional *bool) reader {
	return func(d *caddyfile.Dispenser) error {
		var word string
		if err := text(&word)(d); err != nil {
			return err
		}
		if word != "optional" {
			return d.Errf("pkce is required unless the line says: pkce optional; not %q", word)
		}
		*optional = true
		return nil
	}
}

// readAccessTokens reads the block of access_token, which may hold a longest
// lifetime at a realm.
func readAccessTokens(target **AccessTokens, more func(*AccessTokens) map[string]reader) reader {
	return func(d *caddyfile.Dispenser) error {
		o := new(AccessTokens)
		*target = o
		known := map[string]reader{"lifetime": span(&o.Lifetime), "format": text(&o.Format)}
		if more != nil {
			maps.Copy(known, more(o))
		}
		return readOnlyBlock(d, "access_token", known)
	}
}

func readRefreshTokens(target **RefreshTokens) reader {
	return func(d *caddyfile.Dispenser) error {
		o := new(RefreshTokens)
		*target = o
		return readOnlyBlock(d, "refresh_token", map[string]reader{
			"lifetime": spanOr("never", -1, &o.Lifetime),
			"idle":     spanOr("never", -1, &o.Idle),
			"grace": func(d *caddyfile.Dispenser) error {
				o.Grace = new(registration.Duration)
				return spanOr("off", 0, o.Grace)(d)
			},
			"issue":  onOff(&o.Issue),
			"rotate": onOff(&o.Rotate),
		})
	}
}

func readIDTokens(target **IDTokens) reader {
	return func(d *caddyfile.Dispenser) error {
		o := new(IDTokens)
		*target = o
		return readOnlyBlock(d, "id_token", map[string]reader{
			"lifetime":  span(&o.Lifetime),
			"algorithm": text(&o.Algorithm),
		})
	}
}

func readRateLimit(target **registration.RateLimit) reader {
	return func(d *caddyfile.Dispenser) error {
		*target = new(registration.RateLimit)
		return countPer(d, &(*target).Requests, &(*target).Per)
	}
}

func readTokenQuota(target **registration.TokenQuota) reader {
	return func(d *caddyfile.Dispenser) error {
		*target = new(registration.TokenQuota)
		return countPer(d, &(*target).Tokens, &(*target).Per)
	}
}

// countPer reads a number and a duration, such as 100 1m.
func countPer(d *caddyfile.Dispenser, count *int, per *registration.Duration) error {
	option := d.Val()
	words := d.RemainingArgs()
	if len(words) != 2 {
		return d.Errf("%s takes a number and a duration, such as: %s 100 1m", option, option)
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 {
		return d.Errf("%s: %q is no number of 1 or more", option, words[0])
	}
	length, err := registration.ParseDuration(words[1])
	if err != nil || length <= 0 {
		return d.Errf("%s: %q is no duration such as 1m or 24h", option, words[1])
	}
	*count, *per = n, registration.Duration(length)
	return nil
}
