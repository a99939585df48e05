package caddymodule

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// settingsOf gives what the server gets for the lines of a realm block.
func settingsOf(t *testing.T, app shared, own map[string]login.Service, lines ...string) realm.Settings {
	t.Helper()
	text := "realm / {\nissuer https://auth.example.com/oauth2\n" + strings.Join(lines, "\n") + "\n}"
	d := caddyfile.NewTestDispenser(text)
	d.Next()
	r := new(Realm)
	if err := r.UnmarshalCaddyfile(d); err != nil {
		t.Fatal(err)
	}
	app.repl, app.hasher = caddy.NewReplacer(), hashing.New()
	settings, err := r.settings(app, own)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// clientOf gives the one client of such a block.
func clientOf(t *testing.T, lines ...string) store.Client {
	t.Helper()
	settings := settingsOf(t, shared{}, nil, lines...)
	if len(settings.Clients) != 1 {
		t.Fatalf("%d clients", len(settings.Clients))
	}
	return settings.Clients[0]
}

func TestRealmDefaults(t *testing.T) {
	got := settingsOf(t, shared{}, nil)
	want := realm.Settings{
		Name: "/", Issuer: "https://auth.example.com/oauth2",
		Grants:  []string{oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantRefreshToken},
		Session: login.SessionPolicy{Lifetime: 12 * time.Hour, Idle: 2 * time.Hour},
	}
	if len(got.Services) != 0 {
		t.Errorf("services %v", got.Services)
	}
	got.Services, got.Defaults = nil, registration.Defaults{} // as of TestClientDefaults
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// CL1: every list of a client that is not written is empty, except how answers
// come back. AS4, AS31: the defaults of the lifetimes.
func TestClientDefaults(t *testing.T) {
	got := clientOf(t, "client a {", "public", "grants refresh_token", "}")
	want := store.Client{
		ID: "a", Public: true, Grants: []string{"refresh_token"},
		ResponseModes:       []string{"query", "fragment", "form_post"},
		Audience:            "https://auth.example.com/oauth2",
		AccessTokenLifetime: 10 * time.Minute, AccessTokenFormat: "jwt",
		IDTokenLifetime: 10 * time.Minute, IDTokenAlgorithm: "RS256",
		CodeLifetime: time.Minute,
		Refresh: store.RefreshPolicy{
			Issue: true, Rotate: true,
			Lifetime: 720 * time.Hour, Idle: 168 * time.Hour, Grace: 10 * time.Second,
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A client's own word is over its realm's, which is over the default.
func TestClientInheritance(t *testing.T) {
	realmLines := []string{
		"access_token {", "lifetime 5m", "format opaque", "}",
		"refresh_token {", "lifetime never", "idle 1h", "grace off", "rotate off", "}",
		"id_token {", "lifetime 2m", "algorithm ES256", "}",
		"code_lifetime 30s",
	}
	inherited := clientOf(t, append(realmLines, "client a {", "public", "grants refresh_token", "}")...)
	own := clientOf(t, append(realmLines, "client a {", "public", "grants refresh_token",
		"access_token {", "lifetime 1h", "}",
		"refresh_token {", "lifetime 1d", "idle never", "grace 1s", "issue off", "rotate on", "}",
		"id_token {", "algorithm EdDSA", "}",
		"code_lifetime 10s",
		"}")...)
	for _, row := range []struct {
		name      string
		got, want any
	}{
		{"inherited access lifetime", inherited.AccessTokenLifetime, 5 * time.Minute},
		{"inherited access format", inherited.AccessTokenFormat, "opaque"},
		{"inherited refresh", inherited.Refresh, store.RefreshPolicy{Issue: true, Idle: time.Hour}},
		{"inherited id lifetime", inherited.IDTokenLifetime, 2 * time.Minute},
		{"inherited id algorithm", inherited.IDTokenAlgorithm, "ES256"},
		{"inherited code", inherited.CodeLifetime, 30 * time.Second},
		{"own access lifetime", own.AccessTokenLifetime, time.Hour},
		{"inherited beside own: format", own.AccessTokenFormat, "opaque"},
		{"own refresh", own.Refresh, store.RefreshPolicy{Rotate: true, Lifetime: 24 * time.Hour, Grace: time.Second}},
		{"inherited beside own: id lifetime", own.IDTokenLifetime, 2 * time.Minute},
		{"own id algorithm", own.IDTokenAlgorithm, "EdDSA"},
		{"own code", own.CodeLifetime, 10 * time.Second},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, want %v", row.name, row.got, row.want)
		}
	}
}

// AS31: the default bows to the realm's limit too.
func TestAS31_DefaultWithinTheLimit(t *testing.T) {
	got := clientOf(t, "access_token {", "max_lifetime 5m", "}", "client a {", "public", "grants refresh_token", "}")
	if got.AccessTokenLifetime != 5*time.Minute {
		t.Errorf("lifetime %s", got.AccessTokenLifetime)
	}
}

func TestAS32_AudienceOfClient(t *testing.T) {
	for _, row := range []struct {
		name, realm, client string
		resources           []string
		audience            string
	}{
		{"none", "", "", nil, "https://auth.example.com/oauth2"},
		{"the realm's", "resource https://a.example.com https://b.example.com", "", []string{"https://a.example.com", "https://b.example.com"}, "https://a.example.com"},
		{"its own", "resource https://a.example.com", "resource https://c.example.com https://d.example.com", []string{"https://c.example.com", "https://d.example.com"}, "https://c.example.com"},
	} {
		got := clientOf(t, row.realm, "client a {", "public", "grants refresh_token", row.client, "}")
		if !reflect.DeepEqual(got.Resources, row.resources) || got.Audience != row.audience {
			t.Errorf("%s: resources %v, audience %s", row.name, got.Resources, got.Audience)
		}
	}
}

func TestClientSecrets(t *testing.T) {
	t.Setenv("CLIENT_SECRET", "from the environment")
	const hash = "$2a$10$QJZaleMCGwat5pqUv5bAjuznNap.EEc8RtWGESt6twTBXnSd.nQIC"
	t.Setenv("CLIENT_HASH", hash)
	for written, secret := range map[string]string{
		"plain":               "plain",
		"{env.CLIENT_SECRET}": "from the environment",
		`br\{ace\}`:           "br{ace}",
		hash:                  "Ch4ng31t",
		"{env.CLIENT_HASH}":   "Ch4ng31t",
	} {
		hasher := hashing.New()
		digest, err := secretDigest(written, caddy.NewReplacer(), hasher)
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if ok, err := hasher.Verify(t.Context(), digest, oauth.NewSecret(secret)); !ok || err != nil {
			t.Errorf("%s: %q does not match: %v", written, secret, err)
		}
		if ok, _ := hasher.Verify(t.Context(), digest, oauth.NewSecret("wrong")); ok {
			t.Errorf("%s: a wrong secret matches", written)
		}
	}
}

// service is an authentication service that can be told from others.
type service struct {
	login.Service
	name string
}

func TestAuthenticationServices(t *testing.T) {
	global := map[string]login.Service{"staff": service{name: "global staff"}, "people": service{name: "global people"}}
	own := map[string]login.Service{"staff": service{name: "own staff"}}

	// The realm's own hides the app's of the same name; others are shared.
	got := settingsOf(t, shared{services: global, defaultAuthentication: "people"}, own)
	if got.Services["staff"] != own["staff"] || got.Services["people"] != global["people"] {
		t.Errorf("services %v", got.Services)
	}
	if len(global) != 2 || global["staff"] == own["staff"] {
		t.Error("the realm's service has got into the app's")
	}

	for _, row := range []struct {
		name   string
		app    shared
		own    map[string]login.Service
		lines  []string
		want   string
		chains []string
	}{
		{"none", shared{}, nil, nil, "", nil},
		{"the only one", shared{}, own, nil, "staff", nil},
		{"the app's default", shared{services: global, defaultAuthentication: "people"}, own, nil, "people", nil},
		{"the realm's default", shared{services: global, defaultAuthentication: "people"}, own, []string{"default_authentication staff"}, "staff", nil},
		{"for passwords", shared{services: global, defaultAuthentication: "people"}, nil, []string{"password_authentication staff people"}, "people", []string{"staff", "people"}},
	} {
		got := settingsOf(t, row.app, row.own, row.lines...)
		if got.DefaultService != row.want || !reflect.DeepEqual(got.PasswordServices, row.chains) {
			t.Errorf("%s: default %q, for passwords %v", row.name, got.DefaultService, got.PasswordServices)
		}
	}
}
