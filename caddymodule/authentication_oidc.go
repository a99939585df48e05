package caddymodule

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/oidc"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

func init() {
	caddy.RegisterModule(new(OIDCAuthentication))
}

// OIDCAuthentication signs people in with another OpenID provider: a button on the
// login page leads there. At the provider a client is needed, with the code flow and
// the redirect URI `<issuer of the realm>/login/callback`.
//
// The id of an account is the provider's `sub`. One that has a colon, other
// characters than printable ASCII or more than fit into our `sub` is told by
// `sha256.` and its SHA-256 in base64url. It cannot serve the password grant.
type OIDCAuthentication struct {
	// Issuer is the provider's issuer identifier, byte for byte as it stands in its
	// metadata: https, or http on loopback. It is read when the first person signs
	// in. Required.
	Issuer string `json:"issuer"`

	// ClientID is our client there. Required.
	ClientID string `json:"client_id,omitempty"`

	// ClientSecret is the secret of that client, best as a placeholder, `{env.NAME}`
	// or `{file./path}`. Default: none, for a public client.
	ClientSecret string `json:"client_secret,omitempty"`

	// Auth is how the secret is sent: `basic` (client_secret_basic) or `post`
	// (client_secret_post). Default: as the provider's metadata says, basic first.
	Auth string `json:"auth,omitempty"`

	// Scopes are asked for; openid must be one. Default: openid, profile and email.
	Scopes []string `json:"scopes,omitempty"`

	// Label is what the button says. Default: the host of the issuer.
	Label string `json:"label,omitempty"`

	// Claims are further claims of accounts, each by our name with the provider's.
	// Standard claims of OpenID Connect (`name`, `email`, …) are taken over without a
	// line, unless one gives them another source. No claim of the protocol (`sub`,
	// `scope`, `acr`, …) can be set. At most 64 claims of 16 KiB together are kept.
	// Default: none.
	Claims map[string]string `json:"claims,omitempty"`

	// IDClaim is the claim that the id of an account comes from. Choose one that
	// never passes from one person to another. Default: `sub`.
	IDClaim string `json:"id_claim,omitempty"`

	// TrustAMR takes over how people signed in there (`amr`), so that a second factor
	// there counts here. Default: false, and it counts as one factor.
	TrustAMR bool `json:"trust_amr,omitempty"`

	// Recheck is for how long a sign-in there counts here. After that sessions and
	// refresh tokens of the account are refused until it signs in there again: so
	// long somebody who was removed there may go on. Default: 7d.
	Recheck registration.Duration `json:"recheck,omitempty"`

	// RequireVerifiedEmail refuses people whose email the provider has not verified.
	// It goes without saying where IDClaim or Allow name `email`. Default: false.
	RequireVerifiedEmail bool `json:"require_verified_email,omitempty"`

	// Allow are conditions that everybody who signs in must all meet. Default: none.
	Allow []OIDCCondition `json:"allow,omitempty"`

	// Timeout bounds each request to the provider. Default: 5s.
	Timeout registration.Duration `json:"timeout,omitempty"`

	// TLSCA is the path of a PEM file with the certificate authorities that the
	// provider is trusted by. Default: those of the operating system.
	TLSCA string `json:"tls_ca,omitempty"`

	// AllowPrivate are private addresses, as in `10.0.0.0/8`, that names of the
	// provider may point at. An address that stands in Issuer as such, and localhost,
	// are allowed by that. Default: none.
	AllowPrivate []string `json:"allow_private,omitempty"`

	secret oauth.Secret
	roots  []byte
}

// OIDCCondition is what a claim of the provider must be.
type OIDCCondition struct {
	// Claim is the provider's name of it. Required.
	Claim string `json:"claim"`

	// Values are those that it may be, or have among its elements. One that begins
	// with `*` stands for all that end in the rest of it: `*@example.com`. Required.
	Values []string `json:"values"`
}

// CaddyModule returns the Caddy module information.
func (*OIDCAuthentication) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.authentication.oidc", New: func() caddy.Module { return new(OIDCAuthentication) }}
}

// Provision fills in placeholders and reads files.
func (o *OIDCAuthentication) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	for _, member := range [...]struct {
		name string
		text *string
	}{{"issuer", &o.Issuer}, {"client_id", &o.ClientID}, {"tls_ca", &o.TLSCA}} {
		value, err := repl.ReplaceOrErr(*member.text, true, true)
		if err != nil {
			return fmt.Errorf("%s: %w", member.name, err)
		}
		*member.text = value
	}
	secret, err := resolveSecret(o.ClientSecret, repl)
	if err != nil {
		return fmt.Errorf("client_secret %w", err)
	}
	o.secret = oauth.NewSecret(secret)
	o.roots, err = readAuthorities(o.TLSCA)
	return err
}

// Open implements AuthenticationService.
func (o *OIDCAuthentication) Open(string, *hashing.Hasher, *slog.Logger) (login.Service, error) {
	settings := oidc.Settings{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.secret, Auth: o.Auth, Scopes: o.Scopes, Label: o.Label,
		Claims: o.Claims, IDClaim: o.IDClaim, TrustAMR: o.TrustAMR, Recheck: time.Duration(o.Recheck),
		VerifiedEmail: o.RequireVerifiedEmail, Timeout: time.Duration(o.Timeout), Roots: o.roots,
	}
	for _, condition := range o.Allow {
		settings.Allow = append(settings.Allow, oidc.Condition(condition))
	}
	var err error
	if settings.AllowPrivate, err = addressRanges("allow_private", o.AllowPrivate); err != nil {
		return nil, err
	}
	service, err := oidc.Open(settings)
	if err != nil {
		return nil, err // not a nil *oidc.Service
	}
	return service, nil
}

// UnmarshalCaddyfile reads the module's line and block. Syntax:
//
//	oidc <issuer> {
//		client_id              <id>
//		client_secret          <secret>
//		auth                   basic|post
//		scopes                 <scopes...>
//		label                  <text>
//		claim                  <ours> <theirs>
//		id_claim               <claim>
//		trust_amr
//		recheck                <duration>
//		require_verified_email
//		allow                  <claim> <values...>
//		timeout                <duration>
//		tls_ca                 <file>
//		allow_private          <ranges...>
//	}
//
// The lines claim and allow may be repeated.
func (o *OIDCAuthentication) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume module name
	if !d.AllArgs(&o.Issuer) {
		return d.Err("oidc takes the issuer of a provider, as in: oidc https://idp.example.com")
	}
	return readBlock(d, "oidc", map[string]reader{
		"client_id":              text(&o.ClientID),
		"client_secret":          text(&o.ClientSecret),
		"auth":                   text(&o.Auth),
		"scopes":                 texts(&o.Scopes),
		"label":                  text(&o.Label),
		"claim":                  o.readClaim,
		"id_claim":               text(&o.IDClaim),
		"trust_amr":              flag(&o.TrustAMR),
		"recheck":                span(&o.Recheck),
		"require_verified_email": flag(&o.RequireVerifiedEmail),
		"allow":                  o.readCondition,
		"timeout":                span(&o.Timeout),
		"tls_ca":                 text(&o.TLSCA),
		"allow_private":          texts(&o.AllowPrivate),
	}, "claim", "allow")
}

func (o *OIDCAuthentication) readClaim(d *caddyfile.Dispenser) error {
	var ours, theirs string
	if !d.AllArgs(&ours, &theirs) {
		return d.Err("claim takes two names, ours and the provider's, as in: claim groups roles")
	}
	if _, twice := o.Claims[ours]; twice {
		return d.Errf("claim %s is there twice", ours)
	}
	if o.Claims == nil {
		o.Claims = map[string]string{}
	}
	o.Claims[ours] = theirs
	return nil
}

func (o *OIDCAuthentication) readCondition(d *caddyfile.Dispenser) error {
	words := d.RemainingArgs()
	if len(words) < 2 {
		return d.Err("allow takes a claim and the values that it may have, as in: allow hd example.com")
	}
	o.Allow = append(o.Allow, OIDCCondition{words[0], words[1:]})
	return nil
}

// Interface guards
var (
	_ caddy.Module          = (*OIDCAuthentication)(nil)
	_ caddy.Provisioner     = (*OIDCAuthentication)(nil)
	_ caddyfile.Unmarshaler = (*OIDCAuthentication)(nil)
	_ AuthenticationService = (*OIDCAuthentication)(nil)
)
