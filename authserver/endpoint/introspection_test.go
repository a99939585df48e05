package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const inactive = "{\"active\":false}\n"

func introspect(t testing.TB, r *realm.Realm, clientID string, raw oauth.Secret, more ...string) realmtest.Answer {
	t.Helper()
	form := realmtest.Values(append([]string{"token", raw.Reveal()}, more...)...)
	return realmtest.Do(t, endpoint.Introspection(r), realmtest.Form(clientID, form))
}

// wantInactive fails unless the answer is {"active":false} and nothing more.
func wantInactive(t testing.TB, answer realmtest.Answer) {
	t.Helper()
	answer.Want(http.StatusOK, "")
	if answer.Body.String() != inactive {
		t.Errorf("answered %s", answer.Body)
	}
}

func TestIntrospectAccessToken(t *testing.T) {
	w := realmtest.New(t)
	for name, clientID := range map[string]string{"JWT": "web", "opaque": "opaque"} {
		t.Run(name, func(t *testing.T) {
			issued := family(t, w, clientID)
			document := introspect(t, w.Realm, clientID, issued.access).Want(http.StatusOK, "").Document()
			now := float64(w.Clock.Now().Unix())
			for member, want := range map[string]any{
				"active": true, "scope": "openid email read", "client_id": clientID, "username": "demo", "token_type": "Bearer",
				"exp": now + 600, "iat": now, "sub": "demo", "iss": w.Realm.Issuer, "jti": issued.jti,
			} {
				if document[member] != want {
					t.Errorf("%s = %v, want %v", member, document[member], want)
				}
			}
			if aud, ok := document["aud"].([]any); !ok || len(aud) != 1 || aud[0] != realmtest.API {
				t.Errorf("aud = %v", document["aud"])
			}
			if len(document) != 11 {
				t.Errorf("members: %v", document)
			}
		})
	}
	t.Run("of a client there is no username", func(t *testing.T) {
		document := introspect(t, w.Realm, "machine", clientToken(t, w, "machine", realmtest.API)).Document()
		if _, there := document["username"]; there || document["active"] != true || document["sub"] != "machine" {
			t.Errorf("answered %v", document)
		}
	})
	t.Run("the hint has no effect", func(t *testing.T) {
		issued := family(t, w, "web")
		for _, hint := range []string{"access_token", "refresh_token", "magic"} {
			for _, raw := range []oauth.Secret{issued.access, issued.refresh} {
				if introspect(t, w.Realm, "web", raw, "token_type_hint", hint).Document()["active"] != true {
					t.Errorf("hint %s makes it inactive", hint)
				}
			}
		}
	})
}

func TestIntrospectRefreshToken(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	document := introspect(t, w.Realm, "web", issued.refresh).Want(http.StatusOK, "").Document()
	if document["active"] != true || document["scope"] != "openid email read" || document["client_id"] != "web" ||
		document["sub"] != "demo" || document["exp"] != float64(issued.grant.IdleExpires.Unix()) {
		t.Errorf("answered %v", document)
	}
	if _, there := document["token_type"]; there {
		t.Errorf("answered %v", document)
	}
	for name, change := range map[string]func(*store.Grant){
		"never idle":    func(g *store.Grant) { g.IdleExpires = time.Time{} },
		"never expires": func(g *store.Grant) { g.IdleExpires, g.Expires = time.Time{}, time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			issued := family(t, w, "web", change)
			document := introspect(t, w.Realm, "web", issued.refresh).Document()
			want := any(float64(issued.grant.Expires.Unix()))
			if issued.grant.Expires.IsZero() {
				want = nil
			}
			if document["active"] != true || document["exp"] != want {
				t.Errorf("answered %v", document)
			}
		})
	}
}

func TestAS44_A51_IntrospectionTellsNoOneElse(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	for _, test := range []struct {
		name, asks      string
		access, refresh bool
	}{
		{"the client itself", "web", true, true},
		{"the resource that the audience names", realmtest.API, true, false},
		{"another resource", realmtest.Files, false, false},
		// It may ask for tokens for that resource; that does not make it the resource.
		{"another client", "other", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for raw, active := range map[*oauth.Secret]bool{&issued.access: test.access, &issued.refresh: test.refresh} {
				answer := introspect(t, w.Realm, test.asks, *raw).Want(http.StatusOK, "")
				if active != (answer.Document()["active"] == true) {
					t.Errorf("answered %s", answer.Body)
				}
				if !active {
					wantInactive(t, answer)
				}
			}
		})
	}
	t.Run("the gateway of two resources", func(t *testing.T) {
		both := clientToken(t, w, "machine", realmtest.API, realmtest.Files)
		for _, asks := range []string{realmtest.API, realmtest.Files} {
			if introspect(t, w.Realm, asks, both).Document()["active"] != true {
				t.Errorf("%s is told nothing", asks)
			}
		}
	})
}

func TestAS44_CL3_IntrospectionNeedsAConfidentialClient(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "spa")
	for name, request := range map[string]*http.Request{
		"nobody":            realmtest.Form("", realmtest.Values("token", issued.access.Reveal())),
		"a public client":   realmtest.Form("spa", realmtest.Values("token", issued.access.Reveal())),
		"only an id":        realmtest.Form("", realmtest.Values("token", issued.access.Reveal(), "client_id", "web")),
		"an unknown client": realmtest.Form("nobody", realmtest.Values("token", issued.access.Reveal())),
		"a wrong secret":    realmtest.Form("", realmtest.Values("token", issued.access.Reveal(), "client_id", "web", "client_secret", "x")),
		"a token of a user": bearer(realmtest.Form("", realmtest.Values("token", issued.access.Reveal())), issued.access),
	} {
		t.Run(name, func(t *testing.T) {
			answer := realmtest.Do(t, endpoint.Introspection(w.Realm), request).Want(http.StatusUnauthorized, "invalid_client")
			if !strings.HasPrefix(answer.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("challenge %q", answer.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func bearer(r *http.Request, raw oauth.Secret) *http.Request {
	r.Header.Set("Authorization", "Bearer "+raw.Reveal())
	return r
}

func TestA51_IntrospectDeadTokens(t *testing.T) {
	w := realmtest.New(t)
	revokedToken, revokedGrant := family(t, w, "web"), family(t, w, "web")
	now := w.Clock.Now()
	if err := w.Realm.Revocations.RevokeToken(t.Context(), "/", revokedToken.jti, now.Add(time.Hour), now); err != nil {
		t.Fatal(err)
	}
	if err := w.Realm.Revocations.RevokeGrant(t.Context(), "/", revokedGrant.grant.ID, now); err != nil {
		t.Fatal(err)
	}
	rotated := family(t, w, "web")
	rotate(t, w, rotated)
	expired := family(t, w, "web", func(g *store.Grant) { g.Expires = now })
	idle := family(t, w, "web", func(g *store.Grant) { g.IdleExpires = now })
	code, _ := w.Realm.Tokens.NewCode(strings.Repeat("0", 32))
	for name, raw := range map[string]oauth.Secret{
		"garbage":                            oauth.NewSecret("x"),
		"much garbage":                       oauth.NewSecret(strings.Repeat("x", 20000)),
		"three empty parts":                  oauth.NewSecret("eyJ.."),
		"only a prefix":                      oauth.NewSecret("ort_"),
		"a code":                             code,
		"a revoked access token":             revokedToken.access,
		"an access token of a revoked grant": revokedGrant.access,
		"a refresh token of a revoked grant": revokedGrant.refresh,
		"a refresh token that was used":      rotated.refresh,
		"an expired refresh token":           expired.refresh,
		"an idle refresh token":              idle.refresh,
		"a forged refresh token":             oauth.NewSecret(rotated.refresh.Reveal() + "A"),
		"a generation that is not yet":       refreshToken(t, w.Realm, revokedToken.grant, 2),
	} {
		t.Run(name, func(t *testing.T) { wantInactive(t, introspect(t, w.Realm, "web", raw)) })
	}
	t.Run("an expired access token", func(t *testing.T) {
		issued := family(t, w, "web")
		w.Clock.Advance(10*time.Minute - time.Second)
		if introspect(t, w.Realm, "web", issued.access).Document()["active"] != true {
			t.Error("it is inactive before its time")
		}
		w.Clock.Advance(time.Second)
		wantInactive(t, introspect(t, w.Realm, "web", issued.access))
	})
}

func TestAS42_IntrospectionChecksAccountAndClient(t *testing.T) {
	t.Run("the account is gone", func(t *testing.T) {
		w := realmtest.New(t)
		issued := family(t, w, "web")
		w.Staff.Remove("demo")
		wantInactive(t, introspect(t, w.Realm, "web", issued.access))
		wantInactive(t, introspect(t, w.Realm, "web", issued.refresh))
	})
	t.Run("the client is gone", func(t *testing.T) {
		w := realmtest.New(t)
		issued := family(t, w, "web")
		wantInactive(t, introspect(t, without(t, w, "web"), realmtest.API, issued.access))
	})
	t.Run("the grant is gone", func(t *testing.T) {
		w := realmtest.New(t)
		issued := family(t, w, "web", func(g *store.Grant) { g.PurgeAt = w.Clock.Now() })
		w.Clock.Advance(time.Second)
		if _, err := w.Store.DeleteExpired(t.Context(), w.Clock.Now(), 10); err != nil {
			t.Fatal(err)
		}
		wantInactive(t, introspect(t, w.Realm, "web", issued.access))
	})
}

func TestAS57_IntrospectionIsOfOneRealm(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	other := otherRealm(t, w)
	wantInactive(t, introspect(t, other, "web", issued.access))
	wantInactive(t, introspect(t, other, "web", issued.refresh))
}

func TestAS18_AS19_AS20_IntrospectionRequest(t *testing.T) {
	w := realmtest.New(t)
	handler := endpoint.Introspection(w.Realm)
	raw := family(t, w, "web").access.Reveal()
	unsafeRequests(t, handler, raw)
	answer := realmtest.Do(t, handler, realmtest.Form("web", nil)).Want(http.StatusBadRequest, "invalid_request")
	if got := answer.Text("error_description"); got != "Missing parameter, 'token'" {
		t.Errorf("%q", got)
	}
}

// unsafeRequests are refused by every endpoint that takes a token of a client.
func unsafeRequests(t *testing.T, handler http.Handler, raw string) {
	t.Helper()
	good := realmtest.Values("token", raw)
	for name, test := range map[string]struct {
		request *http.Request
		status  int
		code    string
	}{
		"GET": {httptest.NewRequest(http.MethodGet, "/?token="+raw, nil), http.StatusMethodNotAllowed, "method_not_allowed"},
		"token in the URL": {func() *http.Request {
			r := realmtest.Form("web", nil)
			r.URL.RawQuery = good.Encode()
			return r
		}(), http.StatusBadRequest, "invalid_request"},
		"token twice": {realmtest.Form("web", realmtest.Values("token", raw, "token", raw)), http.StatusBadRequest, "invalid_request"},
		"JSON": {func() *http.Request {
			r := realmtest.Form("web", good)
			r.Header.Set("Content-Type", "application/json")
			return r
		}(), http.StatusBadRequest, "invalid_request"},
		"1 MB": {realmtest.Form("web", realmtest.Values("token", strings.Repeat("x", 1<<20))), http.StatusRequestEntityTooLarge, "invalid_request"},
		"two ways to authenticate": {realmtest.Form("web", realmtest.Values("token", raw, "client_secret", realmtest.Secret("web"))),
			http.StatusBadRequest, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) { realmtest.Do(t, handler, test.request).Want(test.status, test.code) })
	}
}

func TestGoldenIntrospection(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	fixed := func(answer realmtest.Answer) string {
		return strings.ReplaceAll(answer.Body.String(), issued.jti, "jti")
	}
	realmtest.Golden(t, "introspection_access.json", fixed(introspect(t, w.Realm, "web", issued.access)))
	realmtest.Golden(t, "introspection_refresh.json", fixed(introspect(t, w.Realm, "web", issued.refresh)))
	realmtest.Golden(t, "introspection_inactive.json", fixed(introspect(t, w.Realm, "other", issued.access)))
}
