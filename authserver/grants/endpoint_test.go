package grants_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/grants"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// every is each grant with a request that it answers with tokens, made fresh.
var every = []struct {
	grantType string
	form      func(testing.TB, world) url.Values
}{
	{"authorization_code", func(t testing.TB, w world) url.Values {
		return realmtest.Values("code", w.Code(t, w.Realm, "web").Reveal(),
			"redirect_uri", realmtest.Callback, "code_verifier", realmtest.Verifier)
	}},
	{"client_credentials", func(testing.TB, world) url.Values {
		return realmtest.Values("scope", "write")
	}},
	{"password", func(testing.TB, world) url.Values {
		return realmtest.Values("username", "demo", "password", "Ch4ng31t", "scope", "openid write")
	}},
	{"refresh_token", func(t testing.TB, w world) url.Values {
		answer := w.exchange(t, "web", w.Code(t, w.Realm, "web")).Want(http.StatusOK, "")
		return realmtest.Values("refresh_token", answer.Text("refresh_token"))
	}},
}

// forEvery runs a test against a good request of every grant.
func forEvery(t *testing.T, w world, test func(t *testing.T, grantType string, form url.Values)) {
	t.Helper()
	for _, grant := range every {
		t.Run(grant.grantType, func(t *testing.T) {
			form := grant.form(t, w)
			form.Set("grant_type", grant.grantType)
			w.Observer.Answers()
			test(t, grant.grantType, form)
		})
	}
}

func TestEveryGrantAnswersItsClient(t *testing.T) {
	w := newWorld(t)
	forEvery(t, w, func(t *testing.T, grantType string, form url.Values) {
		answer := realmtest.Do(t, w.endpoint, realmtest.Form("web", form)).Want(http.StatusOK, "")
		if answer.Text("token_type") != "Bearer" || answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("answered %s as %s", answer.Body, answer.Header().Get("Content-Type"))
		}
		if got := w.Observer.Answers(); !slices.Equal(got, []string{"/ " + grantType + " ok"}) {
			t.Errorf("counted %q", got)
		}
	})
}

func TestA33_GrantMustBeListedByRealmAndClient(t *testing.T) {
	w := newWorld(t)
	forEvery(t, w, func(t *testing.T, grantType string, form url.Values) {
		without := func(grants []string) []string {
			return slices.DeleteFunc(slices.Clone(grants), func(g string) bool { return g == grantType })
		}
		t.Run("client does not list it", func(t *testing.T) {
			settings := w.Realm.Settings
			settings.Clients = slices.Clone(settings.Clients)
			client("web", func(c *store.Client) { c.Grants = without(c.Grants) })(&settings)
			changed := grants.New(w.Open(t, settings))
			realmtest.Do(t, changed, realmtest.Form("web", form)).Want(http.StatusBadRequest, "unauthorized_client")
		})
		t.Run("realm does not list it", func(t *testing.T) {
			settings := w.Realm.Settings
			settings.Clients = slices.Clone(settings.Clients)
			settings.Grants = without(settings.Grants)
			for i := range settings.Clients {
				settings.Clients[i].Grants = without(settings.Clients[i].Grants)
			}
			changed := grants.New(w.Open(t, settings))
			realmtest.Do(t, changed, realmtest.Form("web", form)).Want(http.StatusBadRequest, "unsupported_grant_type")
		})
		if got := w.Observer.Answers(); !slices.Equal(got, []string{
			"/ " + grantType + " unauthorized_client", "/ " + grantType + " unsupported_grant_type",
		}) {
			t.Errorf("counted %q", got)
		}
		// A refusal costs nothing: the proof is still good where it is allowed.
		realmtest.Do(t, w.endpoint, realmtest.Form("web", form)).Want(http.StatusOK, "")
	})
}

func TestA33_UnknownGrantType(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct{ form, code, description string }{
		{"", "invalid_request", "Grant type is not set"},
		{"grant_type=", "invalid_request", "Grant type is not set"},
		{"grant_type=magic", "unsupported_grant_type", "Grant type is not supported"},
		{"grant_type=Password", "unsupported_grant_type", "Grant type is not supported"},
		{"grant_type=implicit", "unsupported_grant_type", "Grant type is not supported"},
		{"grant_type=password&grant_type=password", "invalid_request", "A parameter is repeated."},
	} {
		form, err := url.ParseQuery(test.form)
		if err != nil {
			t.Fatal(err)
		}
		answer := realmtest.Do(t, w.endpoint, realmtest.Form("web", form)).Want(http.StatusBadRequest, test.code)
		if got := answer.Text("error_description"); got != test.description {
			t.Errorf("%q: %q", test.form, got)
		}
		if got := w.Observer.Answers(); !slices.Equal(got, []string{"/ unknown " + test.code}) {
			t.Errorf("%q: counted %q", test.form, got)
		}
	}
}

func TestAS14_PasswordIsOffUnlessBothListIt(t *testing.T) {
	w := newWorld(t, func(s *realm.Settings) {
		s.Grants = []string{oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantRefreshToken}
		for i := range s.Clients {
			s.Clients[i].Grants = slices.DeleteFunc(slices.Clone(s.Clients[i].Grants), func(g string) bool {
				return !slices.Contains(s.Grants, g)
			})
		}
	})
	w.signIn(t, "web").Want(http.StatusBadRequest, "unsupported_grant_type")
	if w.Staff.Calls() != 0 {
		t.Error("the password was checked")
	}
}

// What no grant may let through, whatever else is right with the request.
func TestAS18_AS19_AS20_AS21_A26_A36_A37_EveryGrantRefusesAnUnsafeRequest(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		name   string
		change func(r *http.Request, form url.Values) *http.Request
		status int
		code   string
	}{
		{"GET", method(http.MethodGet), http.StatusMethodNotAllowed, "method_not_allowed"},
		{"PUT", method(http.MethodPut), http.StatusMethodNotAllowed, "method_not_allowed"},
		{"parameters in the URL", func(r *http.Request, form url.Values) *http.Request {
			moved := realmtest.Form("web", nil)
			moved.URL.RawQuery = form.Encode()
			return moved
		}, http.StatusBadRequest, "invalid_request"},
		{"credentials in the URL", func(_ *http.Request, form url.Values) *http.Request {
			moved := realmtest.Form("", form)
			moved.URL.RawQuery = realmtest.Values("client_id", "web", "client_secret", realmtest.Secret("web")).Encode()
			return moved
		}, http.StatusBadRequest, "invalid_request"},
		{"a parameter twice", func(_ *http.Request, form url.Values) *http.Request {
			for name := range form {
				form.Add(name, form.Get(name))
				break
			}
			return realmtest.Form("web", form)
		}, http.StatusBadRequest, "invalid_request"},
		{"an unknown parameter twice", func(_ *http.Request, form url.Values) *http.Request {
			form["foo"] = []string{"a", "b"}
			return realmtest.Form("web", form)
		}, http.StatusBadRequest, "invalid_request"},
		{"JSON", func(r *http.Request, _ url.Values) *http.Request {
			r.Header.Set("Content-Type", "application/json")
			return r
		}, http.StatusBadRequest, "invalid_request"},
		{"basic and post at once", func(_ *http.Request, form url.Values) *http.Request {
			form.Set("client_secret", realmtest.Secret("web"))
			return realmtest.Form("web", form)
		}, http.StatusBadRequest, "invalid_request"},
		{"a wrong secret", func(r *http.Request, _ url.Values) *http.Request {
			r.SetBasicAuth("web", "wrong")
			return r
		}, http.StatusUnauthorized, "invalid_client"},
		{"CL3: the id of a confidential client alone", func(_ *http.Request, form url.Values) *http.Request {
			form.Set("client_id", "web")
			return realmtest.Form("", form)
		}, http.StatusUnauthorized, "invalid_client"},
		{"no client at all", func(_ *http.Request, form url.Values) *http.Request {
			return realmtest.Form("", form)
		}, http.StatusUnauthorized, "invalid_client"},
		{"an unknown client", func(r *http.Request, _ url.Values) *http.Request {
			r.SetBasicAuth("nobody", realmtest.Secret("web"))
			return r
		}, http.StatusUnauthorized, "invalid_client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			forEvery(t, w, func(t *testing.T, _ string, form url.Values) {
				w.Store.Taken()
				changed := test.change(realmtest.Form("web", form), form)
				answer := realmtest.Do(t, w.endpoint, changed).Want(test.status, test.code)
				if challenge := answer.Header().Get("WWW-Authenticate"); (test.status == http.StatusUnauthorized) != strings.HasPrefix(challenge, "Basic ") {
					t.Errorf("challenge %q", challenge)
				}
				if allow := answer.Header().Get("Allow"); (test.status == http.StatusMethodNotAllowed) != (allow == http.MethodPost) {
					t.Errorf("Allow %q", allow)
				}
				if taken := w.Store.Taken(); len(taken) != 0 {
					t.Errorf("the store was asked to %q", taken)
				}
			})
		})
	}
}

func method(name string) func(*http.Request, url.Values) *http.Request {
	return func(r *http.Request, _ url.Values) *http.Request {
		r.Method = name
		return r
	}
}

func TestA39_EveryGrantBoundsItsBody(t *testing.T) {
	w := newWorld(t)
	forEvery(t, w, func(t *testing.T, _ string, form url.Values) {
		form.Set("padding", strings.Repeat("x", oauth.MaxFormBytes))
		realmtest.Do(t, w.endpoint, realmtest.Form("web", form)).Want(http.StatusRequestEntityTooLarge, "invalid_request")
		form.Del("padding")
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()+"&a=%FF"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		realmtest.Do(t, w.endpoint, r).Want(http.StatusBadRequest, "invalid_request")
	})
}

// A parameter that a grant does not declare has no effect, empty ones neither.
func TestA39_EveryGrantIgnoresWhatItDoesNotKnow(t *testing.T) {
	w := newWorld(t)
	forEvery(t, w, func(t *testing.T, _ string, form url.Values) {
		form.Set("foo", "bar")
		form.Set("client_id", "web")
		form.Set("token_type", "none")
		form.Set("resource", "")
		realmtest.Do(t, w.endpoint, realmtest.Form("web", form)).Want(http.StatusOK, "")
	})
}

func TestAS22_A32_UnknownClientLooksAndCostsLikeAWrongSecret(t *testing.T) {
	w := newWorld(t)
	ask := func(id string) (string, int64) {
		r := realmtest.Form("", realmtest.Values("grant_type", "client_credentials"))
		r.SetBasicAuth(id, "wrong")
		before := w.Hasher.Calls(hashing.Fast)
		answer := realmtest.Do(t, w.endpoint, r).Want(http.StatusUnauthorized, "invalid_client")
		return answer.Body.String() + answer.Header().Get("WWW-Authenticate"), w.Hasher.Calls(hashing.Fast) - before
	}
	known, costKnown := ask("web")
	unknown, costUnknown := ask("nobody")
	if known != unknown || costKnown != costUnknown || costKnown == 0 {
		t.Errorf("known: %s, %d hashes; unknown: %s, %d hashes", known, costKnown, unknown, costUnknown)
	}
}

func TestAS57_EveryGrantIsOfOneRealm(t *testing.T) {
	w := newWorld(t)
	settings := w.Settings("/customers", "https://auth.example.com/oauth2/realms/root/realms/customers")
	other := grants.New(w.Open(t, settings))
	for _, grant := range every {
		if grant.grantType != "authorization_code" && grant.grantType != "refresh_token" {
			continue
		}
		t.Run(grant.grantType, func(t *testing.T) {
			form := grant.form(t, w)
			form.Set("grant_type", grant.grantType)
			// The same client with the same secret is registered there.
			realmtest.Do(t, other, realmtest.Form("web", form)).Want(http.StatusBadRequest, "invalid_grant")
			realmtest.Do(t, w.endpoint, realmtest.Form("web", form)).Want(http.StatusOK, "")
		})
	}
	answer := realmtest.Do(t, other, realmtest.Form("web", realmtest.Values("grant_type", "client_credentials"))).Want(http.StatusOK, "")
	if _, err := w.Realm.OpenAccess(oauth.NewSecret(answer.Text("access_token"))); err == nil {
		t.Error("an access token of another realm is good here")
	}
}
