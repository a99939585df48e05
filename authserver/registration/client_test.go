package registration_test

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// everything allows each grant.
var everything = registration.Realm{
	Grants: []string{oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantImplicit, oauth.GrantPassword, oauth.GrantRefreshToken},
	Login:  true, Passwords: true,
}

func defaults(t *testing.T) registration.Defaults {
	t.Helper()
	d, err := registration.RealmTokens{Issuer: "https://auth.test/oauth2", Resources: []string{"https://api.test"}}.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// orders is a client of machines, web one of people.
func orders() registration.Client {
	return registration.Client{ID: "orders", Grants: []string{oauth.GrantClientCredentials}, Scopes: []string{"read"}}
}

func web() registration.Client {
	return registration.Client{
		ID: "web", Public: true, Grants: []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken},
		RedirectURIs: []string{"https://app.test/cb"},
	}
}

// resolve gives the client and the verdict on it.
func resolve(t *testing.T, c registration.Client, realm registration.Realm) (store.Client, error) {
	t.Helper()
	out, err := c.Resolve(defaults(t))
	if err != nil {
		return out, err
	}
	if !c.Public {
		out.Secrets = []store.SecretDigest{"x"}
	}
	return out, registration.Check(&out, realm)
}

func TestWhatAClientLeavesOutItsRealmSays(t *testing.T) {
	got, err := resolve(t, orders(), everything)
	if err != nil {
		t.Fatal(err)
	}
	if got.Audience != "https://api.test" || got.AccessTokenLifetime != 10*time.Minute || got.AccessTokenFormat != oauth.FormatJWT ||
		got.CodeLifetime != time.Minute || got.Refresh.Grace != 10*time.Second || len(got.ResponseModes) != 3 {
		t.Errorf("%+v", got)
	}
	own := orders()
	off, grace := false, registration.Duration(0)
	own.Resources = []string{"https://files.test"}
	own.AccessToken = &registration.AccessTokens{Lifetime: registration.Duration(time.Hour), Format: oauth.FormatOpaque}
	own.RefreshToken = &registration.RefreshTokens{Lifetime: -1, Idle: registration.Duration(time.Hour), Grace: &grace, Rotate: &off}
	own.IDToken = &registration.IDTokens{Algorithm: oauth.ES384}
	own.CodeLifetime = registration.Duration(30 * time.Second)
	got, err = resolve(t, own, everything)
	if err != nil {
		t.Fatal(err)
	}
	if got.Audience != "https://files.test" || got.AccessTokenLifetime != time.Hour || got.AccessTokenFormat != oauth.FormatOpaque ||
		got.IDTokenAlgorithm != oauth.ES384 || got.CodeLifetime != 30*time.Second ||
		got.Refresh != (store.RefreshPolicy{Issue: true, Idle: time.Hour}) {
		t.Errorf("%+v", got)
	}
}

func TestARegistrationThatCannotWorkSaysWhy(t *testing.T) {
	type change = func(*registration.Client)
	span := func(d time.Duration) registration.Duration { return registration.Duration(d) }
	for name, c := range map[string]struct {
		spoil change
		want  string
	}{
		"no id":               {func(c *registration.Client) { c.ID = "" }, "needs an id"},
		"no grants":           {func(c *registration.Client) { c.Grants = nil }, "lists no grants"},
		"unknown grant":       {func(c *registration.Client) { c.Grants = []string{"magic"} }, "unknown grant"},
		"auth method":         {func(c *registration.Client) { c.AuthMethod = "magic" }, "unknown auth_method"},
		"auth method, public": {func(c *registration.Client) { c.Public, c.AuthMethod = true, oauth.AuthMethodPost }, "does not authenticate"},
		"response mode":       {func(c *registration.Client) { c.ResponseModes = []string{"magic"} }, "unknown response mode"},
		"origin":              {func(c *registration.Client) { c.CORSOrigins = []string{"https://App.test/"} }, "cors_origin"},
		"lifetime": {func(c *registration.Client) {
			c.AccessToken = &registration.AccessTokens{Lifetime: span(25 * time.Hour)}
		}, "the limit here is 24h"},
		"short":                {func(c *registration.Client) { c.AccessToken = &registration.AccessTokens{Lifetime: 5} }, "1s or more"},
		"max_lifetime":         {func(c *registration.Client) { c.AccessToken = &registration.AccessTokens{MaxLifetime: span(time.Hour)} }, "the realm's to set"},
		"format":               {func(c *registration.Client) { c.AccessToken = &registration.AccessTokens{Format: "xml"} }, "unknown access_token format"},
		"algorithm":            {func(c *registration.Client) { c.IDToken = &registration.IDTokens{Algorithm: "none"} }, "unknown id_token algorithm"},
		"code":                 {func(c *registration.Client) { c.CodeLifetime = span(time.Hour) }, "the limit here is 1m"},
		"default scope":        {func(c *registration.Client) { c.DefaultScopes = []string{"x"} }, "default_scopes that its scopes do not list"},
		"no redirect":          {func(c *registration.Client) { c.Grants = []string{oauth.GrantImplicit} }, "needs a redirect_uri"},
		"public machine":       {func(c *registration.Client) { c.Public = true }, "proves nothing without a secret"},
		"resource":             {func(c *registration.Client) { c.Resources = []string{"api"} }, "absolute URI"},
		"wildcard redirection": {func(c *registration.Client) { c.RedirectURIs = []string{"https://*.test"} }, "wildcard"},
	} {
		client := orders()
		c.spoil(&client)
		if _, err := resolve(t, client, everything); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want something with %q", name, err, c.want)
		}
	}
}

func TestAClientMayDoNothingThatItsRealmDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		realm registration.Realm
		want  string
	}{
		"another grant": {registration.Realm{Grants: []string{oauth.GrantPassword}, Login: true}, "add it to the realm's grants"},
		"no users":      {registration.Realm{Grants: everything.Grants, Passwords: true}, "no authentication service"},
	} {
		if _, err := resolve(t, web(), c.realm); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	password := orders()
	password.Grants = []string{oauth.GrantPassword}
	if _, err := resolve(t, password, registration.Realm{Grants: everything.Grants, Passwords: true}); err != nil {
		t.Errorf("the password grant with a service of its own: %v", err)
	}
}

func TestF27_APlainSecretIsKeptAsAKeyedDigestAndAHashAsItIs(t *testing.T) {
	hasher := hashing.New()
	const hash = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"
	if digest, err := registration.Digest(oauth.NewSecret(hash), hasher); err != nil || string(digest) != hash {
		t.Errorf("%s, %v", digest, err)
	}
	digest, err := registration.Digest(oauth.NewSecret("forgerock"), hasher)
	if err != nil || strings.Contains(string(digest), "forgerock") {
		t.Errorf("%s, %v", digest, err)
	}
	for _, bad := range []string{"", strings.Repeat("x", hashing.MaxSecretBytes+1), "$2a$04$short", "$argon2i$v=19$m=64,t=3,p=2$x$y"} {
		if _, err := registration.Digest(oauth.NewSecret(bad), hasher); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}
