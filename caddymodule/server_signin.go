package caddymodule

import (
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// SignIn says what people have to prove when they sign in.
type SignIn struct {
	// SecondFactor is `optional`: whoever has set up an app for one-time codes or a
	// passkey is asked for it after the password; `required`: who has none sets one
	// up at the next sign-in; or `off`: nobody is asked for a code. `required`
	// excludes the password grant and `json_authenticate`, which take a password
	// and nothing else. Default: optional.
	SecondFactor string `json:"second_factor,omitempty"`

	// Passkeys says whether passkeys can be used, with a password or alone. Browsers
	// want an issuer of https or localhost for them. Default: true.
	Passkeys *bool `json:"passkeys,omitempty"`

	// ACRs are the `acr` values of the realm, each with what it stands for:
	// `password`, one factor; `mfa`, two; `phishing_resistant`, a passkey whose
	// device verified its user. A client asks for one with `acr_values`, and a
	// gateway demands it with `acr`. They replace the default:
	// `urn:caddy-oauth2:acr:password`, `urn:caddy-oauth2:acr:mfa` and
	// `urn:caddy-oauth2:acr:phishing-resistant`.
	ACRs map[string]string `json:"acrs,omitempty"`
}

var secondFactors = map[string]realm.SecondFactor{
	"": realm.SecondFactorOptional, "optional": realm.SecondFactorOptional,
	"required": realm.SecondFactorRequired, "off": realm.SecondFactorOff,
}

var acrLevels = map[string]login.Level{
	"password": login.LevelSingle, "mfa": login.LevelMultiple, "phishing_resistant": login.LevelPhishingResistant,
}

// applySignIn lays what r says of signing in over settings.
func (r *Realm) applySignIn(out *realm.Settings) error {
	var ok bool
	if out.SecondFactor, ok = secondFactors[r.SecondFactor]; !ok {
		return r.errorf("has second_factor %q; there are off, optional and required", r.SecondFactor)
	}
	out.NoPasskeys = r.Passkeys != nil && !*r.Passkeys
	for acr, means := range r.ACRs {
		level, ok := acrLevels[means]
		if !ok {
			return r.errorf("has acr %s stand for %q; there are %s", acr, means, strings.Join(slices.Sorted(maps.Keys(acrLevels)), ", "))
		}
		if out.ACRs == nil {
			out.ACRs = login.ACRs{}
		}
		out.ACRs[acr] = level
	}
	return nil
}

// readACR reads one acr value and what it stands for.
func (r *Realm) readACR(d *caddyfile.Dispenser) error {
	var acr, means string
	if !d.AllArgs(&acr, &means) {
		return d.ArgErr()
	}
	if _, twice := r.ACRs[acr]; twice {
		return d.Errf("acr %s is there twice", acr)
	}
	if r.ACRs == nil {
		r.ACRs = map[string]string{}
	}
	r.ACRs[acr] = means
	return nil
}
