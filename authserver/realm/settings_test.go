package realm_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// nobody is an authentication service without users.
type nobody struct{}

func (nobody) Authenticate(context.Context, string, oauth.Secret) (login.Account, error) {
	return login.Account{}, login.ErrCredentials
}

func (nobody) Account(context.Context, string) (login.Account, error) {
	return login.Account{}, login.ErrNoAccount
}

// good is a realm that Check passes, with a confidential and a public client.
func good() realm.Settings {
	return realm.Settings{
		Name:           "/customers",
		Issuer:         "https://auth.test/oauth2/realms/root/realms/customers",
		Grants:         []string{oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantRefreshToken},
		Resources:      []string{"https://api.test"},
		Services:       map[string]login.Service{"staff": nobody{}, "ldap": nobody{}},
		DefaultService: "staff",
		Clients: []store.Client{
			{
				ID: "orders", Secrets: []store.SecretDigest{"x"}, Grants: []string{oauth.GrantClientCredentials},
				Scopes: oauth.Scope{"read", "write"}, DefaultScopes: oauth.Scope{"read"},
			},
			{
				ID: "web", Public: true, RedirectURIs: []string{"https://app.test/cb"},
				Grants: []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}, Scopes: oauth.Scope{"openid"},
			},
		},
	}
}

func TestAGoodRealmPasses(t *testing.T) {
	settings := good()
	if err := settings.Check(); err != nil {
		t.Fatal(err)
	}
	if warnings := settings.Warnings(); len(warnings) != 0 {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestWhatCannotWorkIsRefusedWithItsMend(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*realm.Settings)
		want  string
	}{
		"name without slash":     {func(s *realm.Settings) { s.Name = "customers" }, "begins with a slash"},
		"name of an endpoint":    {func(s *realm.Settings) { s.Name = "/a/authorize" }, "name of an endpoint"},
		"name of /json endpoint": {func(s *realm.Settings) { s.Name = "/authenticate" }, "name of an endpoint"},
		"odd name":               {func(s *realm.Settings) { s.Name = "/a b" }, "made of letters"},
		"empty segment":          {func(s *realm.Settings) { s.Name = "/a//b" }, "made of letters"},
		"http issuer":            {func(s *realm.Settings) { s.Issuer = "http://auth.test/oauth2/realms/root/realms/customers" }, "must use https"},
		"issuer elsewhere":       {func(s *realm.Settings) { s.Issuer = "https://auth.test/oauth2" }, "must end in /oauth2/realms/root/realms/customers"},
		"issuer with query":      {func(s *realm.Settings) { s.Issuer += "?x" }, "query"},
		"unknown grant":          {func(s *realm.Settings) { s.Grants = append(s.Grants, "magic") }, "unknown grant"},
		"bad resource":           {func(s *realm.Settings) { s.Resources = []string{"api"} }, "absolute URI"},
		"unknown service":        {func(s *realm.Settings) { s.DefaultService = "nope" }, `no authentication service "nope"`},
		"unknown password svc":   {func(s *realm.Settings) { s.PasswordServices = []string{"nope"} }, `no authentication service "nope"`},
		"json_authenticate without users": {func(s *realm.Settings) {
			s.JSONAuthenticate, s.DefaultService, s.Clients = true, "", s.Clients[:1]
		}, "json_authenticate signs users in"},
		"service with colon": {func(s *realm.Settings) { s.Services["a:b"] = nobody{} }, "has no colon"},
		"no service at all":  {func(s *realm.Settings) { s.DefaultService = "" }, "no authentication service says who the users are"},
		"client twice":       {func(s *realm.Settings) { s.Clients[1].ID = "orders" }, "there twice"},
		"client without id":  {func(s *realm.Settings) { s.Clients[0].ID = "" }, "needs an id"},
		"no secret":          {func(s *realm.Settings) { s.Clients[0].Secrets = nil }, "has no secret"},
		"three secrets": {func(s *realm.Settings) {
			s.Clients[0].Secrets = []store.SecretDigest{"a", "b", "c"}
		}, "more than two secrets"},
		"grant not of realm":       {func(s *realm.Settings) { s.Clients[0].Grants = []string{oauth.GrantPassword} }, "add it to the realm's grants"},
		"client's unknown grant":   {func(s *realm.Settings) { s.Clients[0].Grants = []string{"client_credentialz"} }, "unknown grant"},
		"wildcard":                 {func(s *realm.Settings) { s.Clients[1].RedirectURIs[0] = "https://app.test/*" }, "has a wildcard"},
		"no redirect uri":          {func(s *realm.Settings) { s.Clients[1].RedirectURIs = nil }, "needs a redirect_uri"},
		"http redirect uri":        {func(s *realm.Settings) { s.Clients[1].RedirectURIs[0] = "http://app.test/cb" }, "use https"},
		"bad scope":                {func(s *realm.Settings) { s.Clients[0].Scopes = oauth.Scope{"a b"} }, "not a valid scope token"},
		"default beyond scope":     {func(s *realm.Settings) { s.Clients[0].DefaultScopes = oauth.Scope{"x"} }, "default_scopes that its scopes do not list"},
		"access tokens for a week": {func(s *realm.Settings) { s.Clients[0].AccessTokenLifetime = 168 * time.Hour }, "longer than 24h0m0s"},
		"client's resource":        {func(s *realm.Settings) { s.Clients[0].Resources = []string{"x#y"} }, "absolute URI"},
	} {
		settings := good()
		c.spoil(&settings)
		if err := settings.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want something with %q", name, err, c.want)
		}
	}
}

func TestCL2_PublicClientsHaveNoSecretAndNoClientCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*store.Client)
		want  string
	}{
		"secret":             {func(c *store.Client) { c.Secrets = []store.SecretDigest{"x"} }, "is public and has a secret"},
		"client_credentials": {func(c *store.Client) { c.Grants = []string{oauth.GrantClientCredentials} }, "cannot use client_credentials"},
		"password":           {func(c *store.Client) { c.Grants = []string{oauth.GrantPassword} }, "cannot use the password grant"},
		"no rotation":        {func(c *store.Client) { c.Refresh = store.RefreshPolicy{Issue: true} }, "must rotate"},
		"no PKCE":            {func(c *store.Client) { c.PKCEOptional = true }, "must use PKCE"},
	} {
		settings := good()
		settings.Grants = append(settings.Grants, oauth.GrantPassword)
		c.spoil(&settings.Clients[1])
		if err := settings.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want something with %q", name, err, c.want)
		}
	}
}

func TestCL1_AClientWithoutListsMayDoNothing(t *testing.T) {
	client := store.Client{ID: "bare"}
	for _, grant := range []string{oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantRefreshToken} {
		if client.Allows(grant) {
			t.Errorf("a client without grants may use %s", grant)
		}
	}
	if _, err := oauth.RequestedScope("openid", client.Scopes, client.DefaultScopes); err == nil {
		t.Error("a client without scopes gets one")
	}
	if oauth.MatchRedirectURI("https://app.test/cb", client.RedirectURIs) {
		t.Error("a client without redirect URIs has one")
	}
}

func TestCL7_NativeClientsUseLoopbackOrAPrivateSchemeWithPKCE(t *testing.T) {
	for uri, ok := range map[string]bool{
		"http://127.0.0.1/cb": true, "http://[::1]:7000/cb": true, "com.example.app:/cb": true, "https://app.test/cb": true,
		"app:/cb": false, "http://192.168.1.2/cb": false, "javascript:alert(1)": false,
	} {
		settings := good()
		settings.Clients[1].RedirectURIs = []string{uri}
		if err := settings.Check(); (err == nil) != ok {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestAS13_AS14_ImplicitAndPasswordWarn(t *testing.T) {
	settings := good()
	settings.Grants = append(settings.Grants, oauth.GrantImplicit, oauth.GrantPassword)
	settings.Clients[1].Grants = append(settings.Clients[1].Grants, oauth.GrantImplicit)
	settings.Clients[0].Grants = append(settings.Clients[0].Grants, oauth.GrantPassword)
	if err := settings.Check(); err != nil {
		t.Fatal(err)
	}
	warnings := strings.Join(settings.Warnings(), "\n")
	for _, want := range []string{"client web may use the implicit grant", "client orders may use the password grant"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no warning that %s in:\n%s", want, warnings)
		}
	}
}

func TestCanObtainLooksAtDefaultsAndAtWhatMayBeAskedFor(t *testing.T) {
	settings := good()
	settings.Clients[0].Audience = "https://api.test"
	settings.Clients[1].Audience, settings.Clients[1].Resources = "https://auth.test", []string{"https://files.test"}
	for audience, want := range map[string]bool{
		"https://api.test": true, "https://files.test": true, "https://api.test/": false, "": false,
	} {
		if got := settings.CanObtain([]string{"https://other.test", audience}); got != want {
			t.Errorf("%q: %v, want %v", audience, got, want)
		}
	}
}

func TestThePrefixIsWhatStandsBeforeTheCanonicalPath(t *testing.T) {
	for _, c := range []struct{ name, issuer, prefix string }{
		{"/", "https://auth.test/oauth2", ""},
		{"/", "https://auth.test/am/oauth2", "/am"},
		{"/", "https://auth.test/oauth2/realms/root", ""},
		{"/a/b", "https://auth.test/x/y/oauth2/realms/root/realms/a/realms/b", "/x/y"},
	} {
		settings := realm.Settings{Name: c.name, Issuer: c.issuer}
		if prefix, err := settings.Prefix(); err != nil || prefix != c.prefix {
			t.Errorf("%s at %s: %q, %v; want %q", c.name, c.issuer, prefix, err, c.prefix)
		}
	}
}

func TestRefreshTermsKeepTheRowLongerThanEveryToken(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, policy := range map[string]store.RefreshPolicy{
		"idle and absolute": {Lifetime: 30 * 24 * time.Hour, Idle: 7 * 24 * time.Hour},
		"absolute only":     {Lifetime: time.Hour},
		"idle only":         {Idle: time.Hour},
		"never":             {},
		"shorter than access": {
			Lifetime: time.Minute, Idle: time.Second,
		},
	} {
		client := &store.Client{AccessTokenLifetime: 10 * time.Minute, Refresh: policy}
		idle, absolute, last := realm.RefreshTerms(client, now, now)
		purge := realm.PurgeAt(last, now)
		if !purge.After(now.Add(client.AccessTokenLifetime)) || purge.Before(idle) || purge.Before(absolute) && policy.Idle == 0 {
			t.Errorf("%s: idle %v, absolute %v, purge %v", name, idle, absolute, purge)
		}
		if policy.Lifetime == 0 != absolute.IsZero() || policy.Idle == 0 != idle.IsZero() {
			t.Errorf("%s: idle %v, absolute %v", name, idle, absolute)
		}
		if !absolute.IsZero() && idle.After(absolute) {
			t.Errorf("%s: idle %v after absolute %v", name, idle, absolute)
		}
	}
}

func TestSubjectsNeverMeet(t *testing.T) {
	settings := good()
	r := realm.New(settings, realm.Parts{Hasher: nil})
	for _, c := range []struct {
		account store.Account
		subject string
		ok      bool
	}{
		{store.Account{Service: "staff", ID: "u1"}, "u1", true},
		{store.Account{Service: "ldap", ID: "u1"}, "ldap:u1", true},
		{store.Account{Service: "staff", ID: "urn:u1"}, "urn:u1", true},
		{store.Account{Service: "staff", ID: "ldap:u1"}, "", false},
		{store.Account{Service: "staff", ID: "orders"}, "orders", false},
		{store.Account{Service: "staff", ID: ""}, "", false},
	} {
		if subject, ok := r.Subject(c.account); subject != c.subject || ok != c.ok {
			t.Errorf("%v: %q, %v; want %q, %v", c.account, subject, ok, c.subject, c.ok)
		}
		if accounts := r.AccountsOf(c.subject); c.ok && !slices.Equal(accounts, []store.Account{c.account}) {
			t.Errorf("%q is %v", c.subject, accounts)
		}
	}
}
