package endpoint_test

import (
	"net/http"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
)

// Each flow through these endpoints tells exactly these records.
func TestF29_TheEndpointsTellEachEventOnce(t *testing.T) {
	const ofFamily = " client=web subject=demo grant=* type=authorization_code"
	for name, flow := range map[string]struct {
		run  func(t *testing.T, w *realmtest.World)
		want []string
	}{
		"a token revoked twice": {
			func(t *testing.T, w *realmtest.World) {
				given := family(t, w, "web")
				for range 2 {
					send(t, endpoint.Revocation(w.Realm), "web", "token", given.access.Reveal()).Want(http.StatusOK, "")
				}
			},
			[]string{"client token_revoked client=web subject=demo grant=* token=*"},
		},
		"a family revoked twice, and then its token": {
			func(t *testing.T, w *realmtest.World) {
				given := family(t, w, "web")
				for range 2 {
					send(t, endpoint.Revocation(w.Realm), "web", "token", given.refresh.Reveal()).Want(http.StatusOK, "")
				}
				send(t, endpoint.Revocation(w.Realm), "web", "token", given.access.Reveal()).Want(http.StatusOK, "")
			},
			[]string{"client grant_revoked" + ofFamily},
		},
		"a token of another client, and none": {
			func(t *testing.T, w *realmtest.World) {
				given := family(t, w, "web")
				send(t, endpoint.Revocation(w.Realm), "other", "token", given.access.Reveal()).Want(http.StatusBadRequest, "invalid_grant")
				send(t, endpoint.Revocation(w.Realm), "other", "token", given.refresh.Reveal()).Want(http.StatusBadRequest, "invalid_grant")
				send(t, endpoint.Revocation(w.Realm), "other", "token", "made-up").Want(http.StatusOK, "")
			}, nil,
		},
		"a revocation that is not stored": {
			func(t *testing.T, w *realmtest.World) {
				given := family(t, w, "web")
				w.Store.Fail("RevokeToken")
				send(t, endpoint.Revocation(w.Realm), "web", "token", given.access.Reveal()).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
				w.Store.Fail("RevokeGrant")
				send(t, endpoint.Revocation(w.Realm), "web", "token", given.refresh.Reveal()).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
			}, nil,
		},
		"introspection, userinfo": {
			func(t *testing.T, w *realmtest.World) {
				given := family(t, w, "web")
				send(t, endpoint.Introspection(w.Realm), "web", "token", given.access.Reveal()).Want(http.StatusOK, "")
				get(t, endpoint.UserInfo(w.Realm), http.MethodGet, "Authorization", "Bearer "+given.access.Reveal()).Want(http.StatusOK, "")
				get(t, endpoint.UserInfo(w.Realm), http.MethodGet, "Authorization", "Bearer x").Want(http.StatusUnauthorized, "invalid_token")
			}, nil,
		},
		"clients that fail": {
			func(t *testing.T, w *realmtest.World) {
				for _, handler := range []http.Handler{endpoint.Introspection(w.Realm), endpoint.Revocation(w.Realm)} {
					send(t, handler, "", "token", "x", "client_id", "web", "client_secret", "x").Want(http.StatusUnauthorized, "invalid_client")
				}
				send(t, endpoint.Introspection(w.Realm), "spa", "token", "x").Want(http.StatusUnauthorized, "invalid_client")
			},
			[]string{
				"client client_auth_failed client=web method=client_secret_post reason=wrong_secret",
				"client client_auth_failed client=web method=client_secret_post reason=wrong_secret",
				"client client_auth_failed client=spa reason=public_client",
			},
		},
		"/json/authenticate": {
			func(t *testing.T, w *realmtest.World) {
				for _, names := range [][2]string{{"demo", "Ch4ng31t"}, {"demo", "x"}, {"Ch4ng31t", "demo"}, {"mallory", "Ch4ng31t"}} {
					get(t, endpoint.JSONAuthenticate(w.Realm), http.MethodPost, "X-OpenAM-Username", names[0], "X-OpenAM-Password", names[1])
				}
				w.Store.Fail("CreateSession")
				get(t, endpoint.JSONAuthenticate(w.Realm), http.MethodPost, "X-OpenAM-Username", "demo", "X-OpenAM-Password", "Ch4ng31t")
			},
			[]string{
				"user sign_in subject=demo session=* method=json_authenticate",
				"user sign_in_failed subject=demo reason=wrong_password",
				"user sign_in_failed reason=unknown_user",
				"user sign_in_failed reason=subject_taken",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := realmtest.New(t)
			flow.run(t, w)
			w.Observer.WantTold(t, flow.want...)
		})
	}
}

func send(t *testing.T, handler http.Handler, clientID string, pairs ...string) realmtest.Answer {
	t.Helper()
	return realmtest.Do(t, handler, realmtest.Form(clientID, realmtest.Values(pairs...)))
}
