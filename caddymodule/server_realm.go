package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

// Realm is one issuer with clients, users, sessions and keys of its own.
// Nothing of one realm is good in another.
type Realm struct {
	// Name is `/` for the root realm, else a path such as `/customers`: letters,
	// digits, `-` and `_` between slashes. Required.
	Name string `json:"name"`

	// Issuer is the URL that identifies the realm in every token, and the base
	// of its endpoints. Its path must end where the server answers for the
	// realm: in `/oauth2` for the root realm, in
	// `/oauth2/realms/root/realms/customers` for `/customers`. https, or http on
	// loopback. Required.
	Issuer string `json:"issuer"`

	// Grants are the grant types that the realm allows; a client must list them
	// as well: `authorization_code`, `client_credentials`, `implicit`,
	// `password`, `refresh_token`. Default: authorization_code,
	// client_credentials and refresh_token.
	Grants []string `json:"grants,omitempty"`

	// Resources are the audiences that the realm issues access tokens for (RFC
	// 8707); the first is the `aud` of a client that names none. Default: none,
	// and `aud` is the issuer.
	Resources []string `json:"resources,omitempty"`

	// AccessToken says what access tokens are like.
	AccessToken *AccessTokens `json:"access_token,omitempty"`

	// RefreshToken says what refresh tokens are like.
	RefreshToken *RefreshTokens `json:"refresh_token,omitempty"`

	// IDToken says what ID tokens are like.
	IDToken *IDTokens `json:"id_token,omitempty"`

	// Keys says how the realm's keys are replaced.
	Keys *KeyRotation `json:"keys,omitempty"`

	// Signers are private keys that are not in the store. Of those of one algorithm
	// the first signs, in place of the store's key, once it has been published for
	// 11 minutes; all are published, so that one can follow another. Default: none.
	SignersRaw []json.RawMessage `json:"signers,omitempty" caddy:"namespace=oauth2.signers inline_key=module"`

	// CodeLifetime is how long an authorization code waits to be redeemed.
	// Default, and most: 60s.
	CodeLifetime registration.Duration `json:"code_lifetime,omitempty"`

	// Session says how long people stay signed in.
	Session *Sessions `json:"session,omitempty"`

	// SignInLimits bounds how often passwords and codes may be tried.
	SignInLimits *SignInLimits `json:"sign_in_limits,omitempty"`

	SignIn

	// LogoutAllowPrivate are private addresses, as in `10.0.0.0/8`, that the
	// `backchannel_logout_uri` of clients may lead to. Default: none; those on the
	// internet are always allowed.
	LogoutAllowPrivate []string `json:"logout_allow_private,omitempty"`

	// Authentication are the authentication services that say who the users
	// are, by the names that the other options and `auth_chain` use. Those of the
	// app can be used as well, unless one here has the same name.
	AuthenticationRaw map[string]json.RawMessage `json:"authentication,omitempty" caddy:"namespace=oauth2.authentication inline_key=module"`

	// DefaultAuthentication is the service that signs people in on the login
	// page; its accounts have their bare id as `sub`, those of other services
	// `service:id`. Default: that of the app, else the only service there is.
	DefaultAuthentication string `json:"default_authentication,omitempty"`

	// PasswordAuthentication are the services that the password grant may use;
	// the first is used when the request has no `auth_chain`. Default: the
	// default service alone.
	PasswordAuthentication []string `json:"password_authentication,omitempty"`

	// SharedAccounts declares that an account id means the same person in every
	// service of the realm: then `sub` is the bare id whatever the service.
	// Default: false.
	SharedAccounts bool `json:"shared_accounts,omitempty"`

	// Pages says how the realm's pages look. Default: plain, with the host of the
	// issuer as their name.
	Pages *Pages `json:"pages,omitempty"`

	// JSONAuthenticate switches `/json/…/authenticate` on: a sign-in without a
	// browser, by username and password in headers. Default: false.
	JSONAuthenticate bool `json:"json_authenticate,omitempty"`

	// Clients are the clients of the realm.
	Clients []*Client `json:"clients,omitempty"`

	signers []TokenSigner
}

// Sessions says how long people stay signed in.
type Sessions struct {
	// Lifetime ends a session, counted from the sign-in. Default: 12h.
	Lifetime registration.Duration `json:"lifetime,omitempty"`

	// Idle ends a session that has not been used for so long. Default: 2h.
	Idle registration.Duration `json:"idle,omitempty"`
}

// defaultGrants are what a realm allows that does not say.
var defaultGrants = []string{oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantRefreshToken}

// shared is what a realm takes from its app.
type shared struct {
	services              map[string]login.Service
	defaultAuthentication string
	repl                  *caddy.Replacer
	hasher                *hashing.Hasher
}

// settings is the realm as the server knows it, every default filled in.
// services are the realm's own.
func (r *Realm) settings(app shared, services map[string]login.Service) (realm.Settings, error) {
	out := realm.Settings{
		Name:             r.Name,
		Issuer:           r.Issuer,
		Grants:           r.Grants,
		Resources:        r.Resources,
		Services:         map[string]login.Service{},
		PasswordServices: r.PasswordAuthentication,
		SharedAccounts:   r.SharedAccounts,
		Session:          login.SessionPolicy{Lifetime: 12 * time.Hour, Idle: 2 * time.Hour},
		JSONAuthenticate: r.JSONAuthenticate,
		Limits:           r.SignInLimits.limits(),
	}
	if err := realm.CheckName(r.Name); err != nil {
		return out, err
	}
	if r.Issuer == "" {
		return out, r.errorf("has no issuer; add, for example: issuer https://auth.example.com%s", realm.CanonicalPath(r.Name))
	}
	if len(out.Grants) == 0 {
		out.Grants = defaultGrants
	}
	maps.Copy(out.Services, app.services)
	maps.Copy(out.Services, services)
	var err error
	if out.DefaultService, err = r.defaultService(app.defaultAuthentication, out.Services); err != nil {
		return out, err
	}
	if err := r.Session.apply(&out.Session); err != nil {
		return out, r.errorf("%w", err)
	}
	if err := r.applySignIn(&out); err != nil {
		return out, err
	}
	if out.Look, err = r.Pages.look(app.repl); err != nil {
		return out, r.errorf("pages: %w", err)
	}
	if out.LogoutPrivate, err = addressRanges("logout_allow_private", r.LogoutAllowPrivate); err != nil {
		return out, r.errorf("%w", err)
	}
	defaults, err := r.defaults()
	if err != nil {
		return out, r.errorf("%w", err)
	}
	out.Defaults = defaults
	for i, client := range r.Clients {
		if client == nil {
			return out, r.errorf("client %d is null", i+1)
		}
		resolved, err := resolveClient(client, defaults, app.repl, app.hasher)
		if err != nil {
			return out, r.errorf("client %q %w", client.ID, err)
		}
		out.Clients = append(out.Clients, resolved)
	}
	return out, nil
}

func (r *Realm) errorf(format string, args ...any) error {
	return fmt.Errorf("realm %s: "+format, append([]any{r.Name}, args...)...)
}

// defaultService is the first of: the realm's choice, the app's, the only
// service there is. With several a choice must be made, since it decides whose
// ids are bare subjects. No service at all is a realm of machines.
func (r *Realm) defaultService(app string, services map[string]login.Service) (string, error) {
	names := slices.Sorted(maps.Keys(services))
	name := cmp.Or(r.DefaultAuthentication, app)
	switch {
	case name != "" && services[name] != nil, name == "" && len(names) == 0:
		return name, nil
	case name == "" && len(names) == 1:
		return names[0], nil
	case name == "":
		return "", r.errorf("has several authentication services; choose one with: default_authentication %s", strings.Join(names, "|"))
	case len(names) == 0:
		return "", r.errorf("has default_authentication %s, but no authentication service; declare it with: authentication %s file PATH", name, name)
	default:
		return "", r.errorf("has default_authentication %s, which is no authentication service; there are %s", name, strings.Join(names, ", "))
	}
}

// defaults is what each client of the realm begins with.
func (r *Realm) defaults() (registration.Defaults, error) {
	return registration.RealmTokens{
		Issuer: r.Issuer, Resources: r.Resources,
		AccessToken: r.AccessToken, RefreshToken: r.RefreshToken, IDToken: r.IDToken, CodeLifetime: r.CodeLifetime,
	}.Defaults()
}

// apply lays o, if there is one, over policy.
func (o *Sessions) apply(policy *login.SessionPolicy) error {
	if o == nil {
		return nil
	}
	return cmp.Or(
		registration.SetLifetime(&policy.Lifetime, "session lifetime", o.Lifetime, 0),
		registration.SetLifetime(&policy.Idle, "session idle", o.Idle, 0),
	)
}
