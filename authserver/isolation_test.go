package authserver_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
)

// How answers of endpoints refuse.
var (
	refusedWith = func(status int, code string) func(*httptest.ResponseRecorder) bool {
		return func(a *httptest.ResponseRecorder) bool {
			return a.Code == status && strings.Contains(a.Body.String(), `"`+code+`"`)
		}
	}
	inactive = func(a *httptest.ResponseRecorder) bool {
		return a.Code == 200 && strings.TrimSpace(a.Body.String()) == `{"active":false}`
	}
	notSigned = func(a *httptest.ResponseRecorder) bool {
		return a.Code == http.StatusSeeOther && strings.Contains(a.Header().Get("Location"), "/login?")
	}
	asksForConsent = func(a *httptest.ResponseRecorder) bool {
		return a.Code == http.StatusSeeOther && strings.Contains(a.Header().Get("Location"), "/consent?")
	}
	restarted = func(a *httptest.ResponseRecorder) bool {
		return a.Code == http.StatusSeeOther && strings.Contains(a.Header().Get("Location"), "/authorize?")
	}
	forbidden = func(a *httptest.ResponseRecorder) bool { return a.Code == http.StatusForbidden }
	backWith  = func(code string) func(*httptest.ResponseRecorder) bool {
		return func(a *httptest.ResponseRecorder) bool {
			return a.Code == http.StatusSeeOther && strings.HasPrefix(a.Header().Get("Location"), realmtest.Callback) &&
				strings.Contains(a.Header().Get("Location"), "error="+code)
		}
	}
)

// TestAS57_NothingOfOneRealmIsGoodInAnother sends all that one realm has given
// out to every endpoint that could take it, of a realm that has the same clients
// and users. In the realm that gave it each is good afterwards.
func TestAS57_NothingOfOneRealmIsGoodInAnother(t *testing.T) {
	p := newPair(t)
	bearer := func(text string) func(string) *httptest.ResponseRecorder {
		return func(realm string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodGet, realm+"/userinfo", nil)
			r.Header.Set("Authorization", "Bearer "+text)
			return p.do(r)
		}
	}
	form := func(endpoint, client string, pairs ...string) func(string) *httptest.ResponseRecorder {
		return func(realm string) *httptest.ResponseRecorder { return p.form(realm, endpoint, client, pairs...) }
	}
	page := func(page, session, form string, body url.Values, more ...string) func(string) *httptest.ResponseRecorder {
		method := http.MethodGet
		if body != nil {
			method = http.MethodPost
		}
		return func(realm string) *httptest.ResponseRecorder {
			return p.do(p.pageRequest(method, realm, page, session, form, body, more...))
		}
	}
	scripted := func(realm string) *httptest.ResponseRecorder {
		r := p.pageRequest(http.MethodGet, realm, "authorize", "", "", nil)
		r.AddCookie(&http.Cookie{Name: "iPlanetDirectoryPro", Value: p.scripted})
		return p.do(r)
	}
	authenticate := func(realm string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, strings.Replace(realm, "/oauth2", "/json", 1)+"/authenticate", nil)
		r.Header.Set("X-OpenAM-Username", "nobody")
		r.Header.Set("X-OpenAM-Password", "Ch4ng31t")
		r.AddCookie(&http.Cookie{Name: "iPlanetDirectoryPro", Value: p.scripted})
		return p.do(r)
	}
	sessions := map[string]string{home: p.session, away: p.awaySession()}
	covered := map[string]bool{}
	for _, c := range []struct {
		endpoint, what string
		send           func(realm string) *httptest.ResponseRecorder
		refuses        func(*httptest.ResponseRecorder) bool
		// everywhere says that home refuses as well: nothing of home is sent.
		everywhere bool
	}{
		{"userinfo", "JWT", bearer(p.access), refusedWith(401, "invalid_token"), false},
		{"userinfo", "opaque token", bearer(p.opaque), refusedWith(401, "invalid_token"), false},
		{"introspect", "JWT", form("introspect", "web", "token", p.access), inactive, false},
		{"introspect", "opaque token", form("introspect", "opaque", "token", p.opaque), inactive, false},
		{"introspect", "token of a client's own", form("introspect", "web", "token", p.machine), inactive, false},
		{"introspect", "refresh token", form("introspect", "web", "token", p.refresh), inactive, false},
		{"introspect", "client", form("introspect", "mine", "token", "x"), refusedWith(401, "invalid_client"), false},
		{"token/revoke", "client", form("token/revoke", "mine", "token", "x"), refusedWith(401, "invalid_client"), false},
		{"access_token", "client", form("access_token", "mine", "grant_type", "client_credentials"), refusedWith(401, "invalid_client"), false},
		{"authorize", "client", page("authorize", "", "", nil, "client_id", "mine"), func(a *httptest.ResponseRecorder) bool { return a.Code == 400 }, false},
		{"authorize", "session", page("authorize", p.session, "", nil), notSigned, false},
		{"authorize", "session for /json/authenticate", scripted, notSigned, false},
		{"authorize", "id_token_hint", page("authorize", p.session, "", nil, "id_token_hint", p.idToken), backWith("invalid_request"), false},
		{"login", "form", page("login", "", p.loginCookie, url.Values{"form_token": {p.loginToken}, "username": {"demo"}, "password": {"Ch4ng31t"}}), forbidden, false},
		{"account", "session", page("account", p.session, "", nil), notAsked, false},
		{"account/totp", "session", page("account/totp", p.session, "", nil), notAsked, false},
		{"account/passkey", "session", page("account/passkey", p.session, "", nil), notAsked, false},
		// The accounts of this server's file have no other password to be given.
		{"account/password", "session", page("account/password", p.session, "", nil), notAsked, true},
		// A sign-in that is sealed is package signin's to test (TestAS57).
		{"login/factor", "no sign-in", page("login/factor", "", "", nil), restarted, true},
		{"login/enrol", "no sign-in", page("login/enrol", "", "", nil), restarted, true},
		{"login/callback", "no sign-in", page("login/callback", "", "", nil), forbidden, true},
		{"consent", "session", page("consent", p.session, "", nil), notAsked, false},
		{"consent", "form", func(realm string) *httptest.ResponseRecorder {
			return page("consent", sessions[realm], "", url.Values{"form_token": {p.consentToken}, "decision": {"allow"}})(realm)
		}, forbidden, false},
		{"connect/endSession", "session", page("connect/endSession", p.session, "", nil), notAskedToSignOut, false},
		{"connect/endSession", "id_token_hint", page("connect/endSession", "", "", nil,
			"id_token_hint", p.idToken, "post_logout_redirect_uri", realmtest.Goodbye), notSentOn, false},
		// What the form above has allowed counts at home.
		{"authorize", "consent", func(realm string) *httptest.ResponseRecorder {
			return page("authorize", sessions[realm], "", nil)(realm)
		}, asksForConsent, false},
		{"authenticate", "session", authenticate, func(a *httptest.ResponseRecorder) bool { return a.Code == 401 }, true},
		{"access_token", "code", form("access_token", "web", "grant_type", "authorization_code", "code", p.code,
			"redirect_uri", realmtest.Callback, "code_verifier", realmtest.Verifier), refusedWith(400, "invalid_grant"), false},
		{"access_token", "refresh token", form("access_token", "web", "grant_type", "refresh_token", "refresh_token", p.refresh), refusedWith(400, "invalid_grant"), false},
	} {
		if answer := c.send(away); !c.refuses(answer) {
			t.Errorf("%s of the other realm took a %s: %d %s %s", c.endpoint, c.what, answer.Code, answer.Header().Get("Location"), answer.Body)
		}
		if answer := c.send(home); c.refuses(answer) != c.everywhere {
			t.Errorf("%s of its own realm and a %s: %d %s %s", c.endpoint, c.what, answer.Code, answer.Header().Get("Location"), answer.Body)
		}
		covered[c.endpoint] = true
	}
	// The documents of a realm speak of nothing of another.
	for _, endpoint := range []string{"connect/jwk_uri", ".well-known/openid-configuration", ".well-known/oauth-authorization-server"} {
		if p.keySet(t, p.server, home+"/"+endpoint) == p.keySet(t, p.server, away+"/"+endpoint) {
			t.Errorf("two realms have one %s", endpoint)
		}
		covered[endpoint] = true
	}
	// The files of the pages are of the configuration and hold nothing of anybody.
	for _, endpoint := range []string{"pages/style.css", "pages/theme.css", "pages/submit.js", "pages/passkey.js", "pages/logo"} {
		covered[endpoint] = true
	}
	for _, endpoint := range authserver.Endpoints() {
		if !covered[endpoint] {
			t.Errorf("nobody has looked at endpoint %s: add it to the table", endpoint)
		}
	}
}

// notAskedToSignOut is a page without a form: nobody is signed in. notSentOn is one
// that leads nowhere by itself.
func notAskedToSignOut(a *httptest.ResponseRecorder) bool {
	return a.Code != http.StatusOK || !strings.Contains(a.Body.String(), "form_token")
}

func notSentOn(a *httptest.ResponseRecorder) bool { return a.Header().Get("Location") == "" }

// notAsked is a consent page that is not shown: nobody is signed in.
func notAsked(a *httptest.ResponseRecorder) bool { return a.Code != http.StatusOK }
