package authserver

import (
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func demoRoutes() *Routes {
	return Paths(Config{Realms: []realm.Settings{
		{Name: "/", Issuer: "https://auth.test/oauth2", JSONAuthenticate: true},
		{Name: "/customers", Issuer: "https://auth.test/oauth2/realms/root/realms/customers"},
		{Name: "/customers/eu", Issuer: "https://auth.test/oauth2/realms/root/realms/customers/realms/eu", JSONAuthenticate: true},
		{Name: "/legacy", Issuer: "https://old.test/am/oauth2/realms/root/realms/legacy"},
	}})
}

// withJSON says which of demoRoutes have /json/authenticate.
func withJSON(realm string) bool { return realm == "/" || realm == "/customers/eu" }

func TestEveryRealmFormFindsItsRealm(t *testing.T) {
	for _, c := range []struct{ path, query, realm, endpoint string }{
		// Form 5: no realm is the root realm.
		{"/oauth2/access_token", "", "/", "access_token"},
		{"/oauth2/token/revoke", "", "/", "token/revoke"},
		{"/oauth2/connect/jwk_uri", "", "/", "connect/jwk_uri"},
		{"/oauth2/.well-known/openid-configuration", "", "/", ".well-known/openid-configuration"},
		// Form 1: canonical.
		{"/oauth2/realms/root/access_token", "", "/", "access_token"},
		{"/oauth2/realms/root/realms/customers/access_token", "", "/customers", "access_token"},
		{"/oauth2/realms/root/realms/customers/realms/eu/token/revoke", "", "/customers/eu", "token/revoke"},
		// Form 2: legacy path.
		{"/oauth2/customers/access_token", "", "/customers", "access_token"},
		{"/oauth2/customers/eu/connect/jwk_uri", "", "/customers/eu", "connect/jwk_uri"},
		// Form 3: query, which the canonical form ignores.
		{"/oauth2/access_token", "/customers", "/customers", "access_token"},
		{"/oauth2/access_token", "customers/eu", "/customers/eu", "access_token"},
		{"/oauth2/access_token", "/", "/", "access_token"},
		{"/oauth2/realms/root/realms/customers/access_token", "/", "/customers", "access_token"},
		// Outside /oauth2.
		{"/json/authenticate", "", "/", "authenticate"},
		{"/json/realms/root/authenticate", "", "/", "authenticate"},
		{"/json/realms/root/realms/customers/realms/eu/authenticate", "", "/customers/eu", "authenticate"},
		{"/json/customers/eu/authenticate", "", "/customers/eu", "authenticate"},
		// RFC 8414 §3.1: the issuer's path inserted.
		{"/.well-known/oauth-authorization-server/oauth2", "", "/", ".well-known/openid-configuration"},
		{"/.well-known/openid-configuration/oauth2/realms/root/realms/customers", "", "/customers", ".well-known/openid-configuration"},
		// A prefix before /oauth2.
		{"/am/oauth2/realms/root/realms/legacy/authorize", "", "/legacy", "authorize"},
		{"/am/oauth2/legacy/authorize", "", "/legacy", "authorize"},
	} {
		got, err := demoRoutes().find(c.path, c.query, withJSON)
		if err != nil || got != (route{c.realm, c.endpoint}) {
			t.Errorf("%s?realm=%s: got %v, %v; want %s of realm %s", c.path, c.query, got, err, c.endpoint, c.realm)
		}
		if !demoRoutes().Handles(c.path) {
			t.Errorf("%s is not handled", c.path)
		}
	}
}

func TestUnknownRealmsAndEndpointsAreNotFound(t *testing.T) {
	for _, c := range []struct{ path, query, text string }{
		{"/oauth2/realms/root/realms/nope/access_token", "", "not_found: Realm '/nope' not found"},
		{"/oauth2/nope/access_token", "", "not_found: Realm '/nope' not found"},
		{"/oauth2/access_token", "/nope", "not_found: Realm '/nope' not found"},
		{"/oauth2/access_token", "<script>", "not_found: There is no such realm."},
		{"/oauth2/realms/root/realms//access_token", "", "not_found: There is no such endpoint."},
		{"/oauth2/" + strings.Repeat("a/", 1500) + "access_token", "", "not_found: There is no such endpoint."},
		{"/oauth2//access_token", "", "not_found: There is no such endpoint."},
		{"/oauth2", "", "not_found: There is no such endpoint."},
		{"/oauth2/", "", "not_found: There is no such endpoint."},
		{"/oauth2/access_token/", "", "not_found: There is no such endpoint."},
		{"/oauth2/realms/root/realms/customers", "", "not_found: There is no such endpoint."},
		{"/oauth2/tokeninfo", "", "not_found: There is no such endpoint."},
		// The realm's switch is off.
		{"/json/realms/root/realms/customers/authenticate", "", "not_found: There is no such endpoint."},
		// A realm answers below its own prefix only.
		{"/oauth2/legacy/authorize", "", "not_found: Realm '/legacy' not found"},
		{"/am/oauth2/access_token", "", "not_found: Realm '/' not found"},
	} {
		got, err := demoRoutes().find(c.path, c.query, withJSON)
		if err == nil || err.Error() != c.text {
			t.Errorf("%s?realm=%s: got %v, %v; want error %q", c.path, c.query, got, err, c.text)
		}
	}
}

func TestOtherPathsAreLeftToOtherHandlers(t *testing.T) {
	for _, path := range []string{
		"/", "/oauth2x", "/oauth", "/OAuth2/access_token", "/json/users", "/am/json/authenticate",
		"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/other",
	} {
		if demoRoutes().Handles(path) {
			t.Errorf("%s is handled", path)
		}
	}
}

func FuzzRoutes(f *testing.F) {
	f.Add("/oauth2/realms/root/realms/customers/access_token", "/customers")
	f.Add("/json/customers/eu/authenticate", "")
	f.Add("/am/oauth2//realms/../x", "..")
	routes := demoRoutes()
	f.Fuzz(func(t *testing.T, path, realm string) {
		found, err := routes.find(path, realm, withJSON)
		if err != nil {
			return
		}
		for _, p := range routes.prefixes {
			if _, ok := p.realms[found.realm]; ok {
				return
			}
		}
		t.Errorf("%q, %q leads to realm %q, which is not configured", path, realm, found.realm)
	})
}
