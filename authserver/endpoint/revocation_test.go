package endpoint_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func revoke(t testing.TB, r *realm.Realm, clientID string, raw oauth.Secret, more ...string) realmtest.Answer {
	t.Helper()
	form := realmtest.Values(append([]string{"token", raw.Reveal()}, more...)...)
	return realmtest.Do(t, endpoint.Revocation(r), realmtest.Form(clientID, form))
}

// wantRevoked fails unless the answer is 200 {}.
func wantRevoked(t testing.TB, answer realmtest.Answer) {
	t.Helper()
	answer.Want(http.StatusOK, "")
	if answer.Body.String() != "{}\n" {
		t.Errorf("answered %s", answer.Body)
	}
}

func alive(r *realm.Realm, raw oauth.Secret) bool {
	_, err := r.OpenAccess(raw)
	return err == nil
}

func TestRevokeAccessToken(t *testing.T) {
	w := realmtest.New(t)
	for _, clientID := range []string{"web", "opaque", "spa"} {
		t.Run(clientID, func(t *testing.T) {
			issued := family(t, w, clientID)
			sibling, _, err := w.Realm.AccessFor(must(w.Realm.Client(clientID)), &issued.grant, issued.grant.Scope, w.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			wantRevoked(t, revoke(t, w.Realm, clientID, issued.access))
			if alive(w.Realm, issued.access) || !alive(w.Realm, sibling) {
				t.Error("it must end that token and no other")
			}
			if grant, err := w.Store.Grant(t.Context(), "/", issued.grant.ID); err != nil || grant.State != issued.grant.State {
				t.Errorf("the grant is %v, %v", grant.State, err)
			}
		})
	}
	t.Run("of client credentials", func(t *testing.T) {
		raw := clientToken(t, w, "machine", realmtest.API)
		wantRevoked(t, revoke(t, w.Realm, "machine", raw))
		if alive(w.Realm, raw) {
			t.Error("it is still good")
		}
	})
}

func must[T any](value T, ok bool) T {
	if !ok {
		panic("not there")
	}
	return value
}

func TestRevokeRefreshToken(t *testing.T) {
	w := realmtest.New(t)
	for _, clientID := range []string{"web", "spa"} {
		issued := family(t, w, clientID)
		wantRevoked(t, revoke(t, w.Realm, clientID, issued.refresh))
		if alive(w.Realm, issued.access) {
			t.Errorf("%s: an access token of the family is still good", clientID)
		}
	}
	t.Run("of an older generation", func(t *testing.T) {
		issued := family(t, w, "web")
		rotate(t, w, issued)
		w.Clock.Advance(time.Minute)
		wantRevoked(t, revoke(t, w.Realm, "web", issued.refresh))
		if alive(w.Realm, issued.access) {
			t.Error("an access token of the family is still good")
		}
	})
}

func TestAS43_RevocationIsIdempotentAndUnknownIsFine(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	for range 2 {
		wantRevoked(t, revoke(t, w.Realm, "web", issued.access))
	}
	for range 2 {
		wantRevoked(t, revoke(t, w.Realm, "web", issued.refresh))
	}
	unknown := issued.grant
	unknown.ID = strings.Repeat("0", 32)
	w.Store.Taken()
	for name, raw := range map[string]oauth.Secret{
		"garbage":                     oauth.NewSecret("x"),
		"a forged refresh token":      oauth.NewSecret(issued.refresh.Reveal() + "A"),
		"a refresh token of no grant": refreshToken(t, w.Realm, unknown, 1),
		"a code":                      w.Code(t, w.Realm, "web"),
		"an access token of long ago": func() oauth.Secret { raw := family(t, w, "web").access; w.Clock.Advance(time.Hour); return raw }(),
	} {
		t.Run(name, func(t *testing.T) { wantRevoked(t, revoke(t, w.Realm, "web", raw)) })
	}
	for _, hint := range []string{"access_token", "refresh_token", "magic"} {
		issued := family(t, w, "web")
		wantRevoked(t, revoke(t, w.Realm, "web", issued.refresh, "token_type_hint", hint))
		if alive(w.Realm, issued.access) {
			t.Errorf("hint %s: the family lives", hint)
		}
	}
}

func TestAS43_AnotherClientsTokenStaysValid(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	for _, thief := range []string{"other", "spa", realmtest.API} {
		for _, raw := range []oauth.Secret{issued.access, issued.refresh} {
			revoke(t, w.Realm, thief, raw).Want(http.StatusBadRequest, "invalid_grant")
		}
	}
	if !alive(w.Realm, issued.access) {
		t.Error("the access token is dead")
	}
	if introspect(t, w.Realm, "web", issued.refresh).Document()["active"] != true {
		t.Error("the refresh token is dead")
	}
}

func TestAS57_RevocationIsOfOneRealm(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	other := otherRealm(t, w)
	wantRevoked(t, revoke(t, other, "web", issued.access))
	wantRevoked(t, revoke(t, other, "web", issued.refresh))
	if !alive(w.Realm, issued.access) {
		t.Error("a client of another realm revoked it")
	}
}

func TestAS18_AS19_AS20_RevocationRequest(t *testing.T) {
	w := realmtest.New(t)
	handler := endpoint.Revocation(w.Realm)
	issued := family(t, w, "web")
	unsafeRequests(t, handler, issued.access.Reveal())
	realmtest.Do(t, handler, realmtest.Form("web", nil)).Want(http.StatusBadRequest, "invalid_request")
	t.Run("CL3", func(t *testing.T) {
		for name, request := range map[string]*http.Request{
			"nobody":         realmtest.Form("", realmtest.Values("token", issued.access.Reveal())),
			"only an id":     realmtest.Form("", realmtest.Values("token", issued.access.Reveal(), "client_id", "web")),
			"a wrong secret": realmtest.Form("", realmtest.Values("token", issued.access.Reveal(), "client_id", "web", "client_secret", "x")),
		} {
			t.Run(name, func(t *testing.T) {
				realmtest.Do(t, handler, request).Want(http.StatusUnauthorized, "invalid_client")
			})
		}
	})
	if !alive(w.Realm, issued.access) {
		t.Error("a refused request revoked the token")
	}
}
