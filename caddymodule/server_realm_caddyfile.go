package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads a realm, from the word on. Syntax:
//
//	realm <name> {
//		issuer                  <url>
//		grants                  <grant_types...>
//		resource                <uris...>
//		access_token {
//			lifetime     <duration>
//			max_lifetime <duration>
//			format       jwt|opaque
//		}
//		refresh_token {
//			lifetime <duration>|never
//			idle     <duration>|never
//			grace    <duration>|off
//			issue    on|off
//			rotate   on|off
//		}
//		id_token {
//			lifetime  <duration>
//			algorithm RS256|PS256|ES256|ES384|EdDSA
//		}
//		keys {
//			rotate_every <duration>|off
//		}
//		signer                  <module> [<arguments...>] [{ ... }]
//		code_lifetime           <duration>
//		session {
//			lifetime <duration>
//			idle     <duration>
//		}
//		sign_in_limits { ... }
//		second_factor           off|optional|required
//		passkeys                on|off
//		acr                     <value> password|mfa|phishing_resistant
//		logout_allow_private    <ranges...>
//		authentication          <name> <module> [<arguments...>] [{ ... }]
//		default_authentication  <name>
//		password_authentication <names...>
//		shared_accounts
//		pages {
//			name      <name>
//			logo      <path>
//			colour    "<#rrggbb>"
//			scope     <scope> [<language>] <words>
//			text      <language> <key> <text>
//			link      [<language>] <label> <url>
//			templates <directory>
//		}
//		json_authenticate
//		client                  <id> { ... }
//	}
//
// The lines resource, signer, acr, logout_allow_private, authentication and client
// may be repeated.
func (r *Realm) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&r.Name) {
		return d.ArgErr()
	}
	return readBlock(d, "realm", map[string]reader{
		"issuer":                  text(&r.Issuer),
		"grants":                  texts(&r.Grants),
		"resource":                texts(&r.Resources),
		"access_token":            readAccessTokens(&r.AccessToken, maxLifetime),
		"refresh_token":           readRefreshTokens(&r.RefreshToken),
		"id_token":                readIDTokens(&r.IDToken),
		"keys":                    r.readKeys,
		"signer":                  r.readSigner,
		"code_lifetime":           span(&r.CodeLifetime),
		"session":                 r.readSession,
		"sign_in_limits":          r.readSignInLimits,
		"second_factor":           text(&r.SecondFactor),
		"passkeys":                onOff(&r.Passkeys),
		"acr":                     r.readACR,
		"logout_allow_private":    texts(&r.LogoutAllowPrivate),
		"authentication":          services(&r.AuthenticationRaw),
		"default_authentication":  text(&r.DefaultAuthentication),
		"password_authentication": texts(&r.PasswordAuthentication),
		"shared_accounts":         flag(&r.SharedAccounts),
		"pages":                   r.readPages,
		"json_authenticate":       flag(&r.JSONAuthenticate),
		"client":                  r.readClient,
	}, "resource", "signer", "acr", "logout_allow_private", "authentication", "client")
}

// maxLifetime is what a realm says of access tokens and a client does not.
func maxLifetime(o *AccessTokens) map[string]reader {
	return map[string]reader{"max_lifetime": span(&o.MaxLifetime)}
}

func (r *Realm) readSession(d *caddyfile.Dispenser) error {
	r.Session = new(Sessions)
	return readOnlyBlock(d, "session", map[string]reader{
		"lifetime": span(&r.Session.Lifetime),
		"idle":     span(&r.Session.Idle),
	})
}

func (r *Realm) readClient(d *caddyfile.Dispenser) error {
	client := new(Client)
	if err := unmarshalClient(d, client); err != nil {
		return err
	}
	if slices.ContainsFunc(r.Clients, func(other *Client) bool { return other.ID == client.ID }) {
		return d.Errf("client %s is there twice", client.ID)
	}
	r.Clients = append(r.Clients, client)
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Realm)(nil)
