package endpoint_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func scope(tokens ...string) func(*store.Grant) {
	return func(g *store.Grant) { g.Scope = tokens }
}

func TestUserInfoClaims(t *testing.T) {
	w := realmtest.New(t)
	asking := func(claims string) func(*store.Grant) { return func(g *store.Grant) { g.Claims = claims } }
	for _, test := range []struct {
		name   string
		adjust []func(*store.Grant)
		want   []string
	}{
		{"openid alone", []func(*store.Grant){scope("openid")}, []string{"sub"}},
		{"email", []func(*store.Grant){scope("openid", "email")}, []string{"email", "email_verified", "sub"}},
		{"profile", []func(*store.Grant){scope("openid", "profile")}, []string{"locale", "name", "sub"}},
		{"asked for by name", []func(*store.Grant){scope("openid"), asking(`{"userinfo":{"name":{"essential":true},"desk":null,"phone_number":null}}`)},
			[]string{"desk", "name", "sub"}},
		{"asked for in the ID token", []func(*store.Grant){scope("openid"), asking(`{"id_token":{"name":null}}`)}, []string{"sub"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			issued := family(t, w, "web", test.adjust...)
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				answer := get(t, endpoint.UserInfo(w.Realm), method, "Authorization", "Bearer "+issued.access.Reveal()).
					Want(http.StatusOK, "")
				document := answer.Document()
				if got := slices.Sorted(maps.Keys(document)); !slices.Equal(got, test.want) || document["sub"] != "demo" {
					t.Errorf("%s: %s, want %q", method, answer.Body, test.want)
				}
				if answer.Header().Get("Content-Type") != "application/json" {
					t.Errorf("Content-Type %q", answer.Header().Get("Content-Type"))
				}
			}
		})
	}
}

// A narrower access token tells less, though its family was granted more.
func TestUserInfoFollowsTheTokensScope(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web", scope("openid", "email", "profile"))
	client, _ := w.Realm.Client("web")
	narrow, _, err := w.Realm.AccessFor(client, &issued.grant, oauth.Scope{"openid"}, w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	answer := get(t, endpoint.UserInfo(w.Realm), http.MethodGet, "Authorization", "Bearer "+narrow.Reveal()).Want(http.StatusOK, "")
	if answer.Body.String() != "{\"sub\":\"demo\"}\n" {
		t.Errorf("answered %s", answer.Body)
	}
}

func TestUserInfoWithoutAToken(t *testing.T) {
	w := realmtest.New(t)
	for name, header := range map[string][]string{
		"nothing":        nil,
		"another scheme": {"Authorization", "Basic d2ViOmE="},
		"DPoP":           {"Authorization", "DPoP abc"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(t, endpoint.UserInfo(w.Realm), http.MethodGet, header...)
			if answer.Code != http.StatusUnauthorized || answer.Body.Len() != 0 ||
				answer.Header().Get("WWW-Authenticate") != `Bearer realm="https://auth.example.com/oauth2"` ||
				answer.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("answered %d %s with %v", answer.Code, answer.Body, answer.Header())
			}
		})
	}
	t.Run("in the body or the URL it is none", func(t *testing.T) {
		raw := family(t, w, "web").access.Reveal()
		inBody := realmtest.Form("", realmtest.Values("access_token", raw))
		inURL := httptest.NewRequest(http.MethodGet, "/userinfo?access_token="+raw, nil)
		for _, request := range []*http.Request{inBody, inURL} {
			if answer := realmtest.Do(t, endpoint.UserInfo(w.Realm), request); answer.Code != http.StatusUnauthorized {
				t.Errorf("answered %d %s", answer.Code, answer.Body)
			}
		}
	})
}

func TestUserInfoMalformedRequest(t *testing.T) {
	w := realmtest.New(t)
	raw := "Bearer " + family(t, w, "web").access.Reveal()
	twice := []string{"Authorization", raw, "Authorization", raw}
	for name, header := range map[string][]string{
		"two headers": twice, "no token": {"Authorization", "Bearer "}, "two tokens": {"Authorization", raw + ", " + raw},
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(t, endpoint.UserInfo(w.Realm), http.MethodGet, header...).Want(http.StatusBadRequest, "invalid_request")
			if !strings.Contains(answer.Header().Get("WWW-Authenticate"), `error="invalid_request"`) {
				t.Errorf("challenge %q", answer.Header().Get("WWW-Authenticate"))
			}
		})
	}
	t.Run("in header and URL", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodGet, "/userinfo?access_token=x", nil)
		r.Header.Set("Authorization", raw)
		realmtest.Do(t, endpoint.UserInfo(w.Realm), r).Want(http.StatusBadRequest, "invalid_request")
	})
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodOptions} {
		answer := get(t, endpoint.UserInfo(w.Realm), method, "Authorization", raw)
		if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, POST" {
			t.Errorf("%s: %d, Allow %q", method, answer.Code, answer.Header().Get("Allow"))
		}
	}
}

func TestA52_UserInfoRefusesTokensThatAreNotGood(t *testing.T) {
	w := realmtest.New(t)
	now := w.Clock.Now()
	revoked, ended := family(t, w, "web"), family(t, w, "web")
	if err := w.Realm.Revocations.RevokeToken(t.Context(), "/", revoked.jti, now.Add(time.Hour), now); err != nil {
		t.Fatal(err)
	}
	if err := w.Realm.Revocations.RevokeGrant(t.Context(), "/", ended.grant.ID, now); err != nil {
		t.Fatal(err)
	}
	client, _ := w.Realm.Client("web")
	idToken, err := w.Realm.IDFor(t.Context(), client, &revoked.grant, oauth.Secret{}, oauth.Secret{}, false, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]oauth.Secret{
		"garbage":             oauth.NewSecret("x"),
		"a refresh token":     revoked.refresh,
		"an ID token":         idToken,
		"revoked":             revoked.access,
		"of a revoked family": ended.access,
		"of another realm": func() oauth.Secret {
			other := *w
			other.Realm = otherRealm(t, w)
			return family(t, &other, "web").access
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(t, endpoint.UserInfo(w.Realm), http.MethodGet, "Authorization", "Bearer "+raw.Reveal()).
				Want(http.StatusUnauthorized, "invalid_token")
			want := `Bearer realm="https://auth.example.com/oauth2", error="invalid_token", ` +
				`error_description="The access token is invalid, expired or revoked."`
			if got := answer.Header().Get("WWW-Authenticate"); got != want {
				t.Errorf("challenge %s", got)
			}
		})
	}
	t.Run("expired", func(t *testing.T) {
		issued := family(t, w, "web")
		w.Clock.Advance(10 * time.Minute)
		get(t, endpoint.UserInfo(w.Realm), http.MethodGet, "Authorization", "Bearer "+issued.access.Reveal()).
			Want(http.StatusUnauthorized, "invalid_token")
	})
}

func TestA52_UserInfoNeedsOpenIDAndAUser(t *testing.T) {
	w := realmtest.New(t)
	for name, raw := range map[string]oauth.Secret{
		"without openid":     family(t, w, "web", scope("email", "read")).access,
		"client credentials": clientToken(t, w, "machine", realmtest.API),
		"client credentials that say openid": mint(t, w, token.Access{
			Subject: "machine", ClientID: "machine", Scope: oauth.Scope{"openid"}, Audience: []string{realmtest.API},
		}),
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(t, endpoint.UserInfo(w.Realm), http.MethodGet, "Authorization", "Bearer "+raw.Reveal()).
				Want(http.StatusForbidden, "insufficient_scope")
			challenge := answer.Header().Get("WWW-Authenticate")
			if !strings.Contains(challenge, `error="insufficient_scope"`) || !strings.HasSuffix(challenge, `scope="openid"`) {
				t.Errorf("challenge %s", challenge)
			}
		})
	}
}

func TestAS42_UserInfoChecksAccountAndClient(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	header := []string{"Authorization", "Bearer " + issued.access.Reveal()}
	get(t, endpoint.UserInfo(without(t, w, "web")), http.MethodGet, header...).Want(http.StatusUnauthorized, "invalid_token")
	w.Staff.Fail(realmtest.ErrFault)
	answer := get(t, endpoint.UserInfo(w.Realm), http.MethodGet, header...).
		Want(http.StatusServiceUnavailable, "temporarily_unavailable")
	if answer.Header().Get("WWW-Authenticate") != "" {
		t.Error("our fault is put on the token")
	}
	w.Staff.Fail(nil)
	w.Staff.Remove("demo")
	get(t, endpoint.UserInfo(w.Realm), http.MethodGet, header...).Want(http.StatusUnauthorized, "invalid_token")
}

// The subject of a token may come to mean somebody else: then nobody is told of.
func TestAS42_UserInfoOfASubjectThatMeansAnother(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	settings := w.Realm.Settings
	settings.DefaultService = "ldap" // where another person is called demo
	get(t, endpoint.UserInfo(w.Open(t, settings)), http.MethodGet, "Authorization", "Bearer "+issued.access.Reveal()).
		Want(http.StatusUnauthorized, "invalid_token")
}
