package grants_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Each flow through the token endpoint tells exactly these records.
func TestAS65_F29_TheTokenEndpointTellsEachEventOnce(t *testing.T) {
	const (
		ofCode     = " client=web subject=demo grant=* session=* type=authorization_code"
		ofPassword = " client=web subject=demo grant=* type=password"
	)
	for name, flow := range map[string]struct {
		run  func(t *testing.T, w world)
		want []string
	}{
		"a code": {
			func(t *testing.T, w world) { w.family(t, "web") },
			[]string{"client token_issued" + ofCode + " scope=openid email read"},
		},
		"a code of a public client": {
			func(t *testing.T, w world) { w.family(t, "spa") },
			[]string{"client token_issued client=spa subject=demo grant=* session=* type=authorization_code scope=openid email read"},
		},
		"a code, twice and once more": {
			func(t *testing.T, w world) {
				code := w.Code(t, w.Realm, "web")
				w.exchange(t, "web", code)
				w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
				w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
			},
			[]string{"client token_issued" + ofCode + " scope=openid email read", "client code_replay" + ofCode},
		},
		"a code of another client": {
			func(t *testing.T, w world) {
				w.exchange(t, "other", w.Code(t, w.Realm, "web")).Want(http.StatusBadRequest, "invalid_grant")
			}, nil,
		},
		"a wrong verifier, twice": {
			func(t *testing.T, w world) {
				code := w.Code(t, w.Realm, "web", realmtest.NoChallenge)
				w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
				w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
			},
			[]string{"client pkce_failed" + ofCode},
		},
		"refresh, a retry and a theft": {
			func(t *testing.T, w world) {
				first := w.family(t, "web").Text("refresh_token")
				w.refresh(t, "web", first, "scope", "read").Want(http.StatusOK, "")
				w.refresh(t, "web", first).Want(http.StatusOK, "")
				w.Clock.Advance(time.Minute)
				w.refresh(t, "web", first).Want(http.StatusBadRequest, "invalid_grant")
				w.refresh(t, "web", first).Want(http.StatusBadRequest, "invalid_grant")
			},
			[]string{
				"client token_issued" + ofCode + " scope=openid email read", "client token_refreshed" + ofCode + " scope=read",
				"client refresh_grace" + ofCode + " scope=openid email read", "client refresh_reuse" + ofCode,
			},
		},
		"refresh without rotation": {
			func(t *testing.T, w world) { w.refresh(t, "static", w.family(t, "static").Text("refresh_token")) },
			[]string{
				"client token_issued client=static subject=demo grant=* session=* type=authorization_code scope=openid email read",
				"client token_refreshed client=static subject=demo grant=* session=* type=authorization_code scope=openid email read",
			},
		},
		"client credentials": {
			func(t *testing.T, w world) { w.post(t, "machine", "grant_type", "client_credentials") },
			[]string{"client token_issued client=machine subject=machine type=client_credentials scope=read"},
		},
		"a password": {
			func(t *testing.T, w world) { w.signIn(t, "web").Want(http.StatusOK, "") },
			[]string{"user sign_in" + ofPassword, "client token_issued" + ofPassword + " scope=read"},
		},
		"a wrong password": {
			func(t *testing.T, w world) {
				w.post(t, "web", "grant_type", "password", "username", "demo", "password", "x").Want(http.StatusBadRequest, "invalid_grant")
			},
			[]string{"user sign_in_failed client=web subject=demo type=password reason=wrong_password"},
		},
		"a password where the name belongs": {
			func(t *testing.T, w world) {
				w.post(t, "web", "grant_type", "password", "username", "Ch4ng31t", "password", "demo").Want(http.StatusBadRequest, "invalid_grant")
			},
			[]string{"user sign_in_failed client=web type=password reason=unknown_user"},
		},
		"an account that bears a client's name": {
			func(t *testing.T, w world) {
				w.post(t, "web", "grant_type", "password", "username", "mallory", "password", "Ch4ng31t").Want(http.StatusBadRequest, "invalid_grant")
				w.post(t, "web", "grant_type", "password", "username", "mallory", "password", "x").Want(http.StatusBadRequest, "invalid_grant")
			},
			[]string{
				"user sign_in_failed client=web type=password reason=subject_taken",
				"user sign_in_failed client=web type=password reason=wrong_password",
			},
		},
		"clients that fail": {
			func(t *testing.T, w world) {
				for _, pairs := range [][]string{
					{"client_id", "machine", "client_secret", "wrong"}, {"client_id", "secret of machine", "client_secret", "machine"},
					{"client_id", "machine"}, {"client_id", "spa", "client_secret", "x"}, {},
				} {
					w.post(t, "", append(pairs, "grant_type", "client_credentials")...).Want(http.StatusUnauthorized, "invalid_client")
				}
				w.post(t, "", "grant_type", "canary-grant", "client_id", "machine").Want(http.StatusUnauthorized, "invalid_client")
			},
			[]string{
				"client client_auth_failed client=machine type=client_credentials method=client_secret_post reason=wrong_secret",
				"client client_auth_failed type=client_credentials method=client_secret_post reason=unknown_client",
				"client client_auth_failed client=machine type=client_credentials method=none reason=no_secret",
				"client client_auth_failed client=spa type=client_credentials method=client_secret_post reason=secret_of_public_client",
				"client client_auth_failed type=client_credentials reason=malformed",
				"client client_auth_failed client=machine type=unknown method=none reason=no_secret",
			},
		},
		"requests that are only wrong": {
			func(t *testing.T, w world) {
				w.post(t, "web", "grant_type", "refresh_token", "refresh_token", "ort_made-up").Want(http.StatusBadRequest, "invalid_grant")
				w.post(t, "web", "grant_type", "client_credentials", "scope", "x").Want(http.StatusBadRequest, "invalid_scope")
				w.exchange(t, "web", oauth.NewSecret("made-up")).Want(http.StatusBadRequest, "invalid_grant")
			}, nil,
		},
		// Issued means committed, and told means issued.
		"a store that is gone": {
			func(t *testing.T, w world) {
				code := w.Code(t, w.Realm, "web")
				w.Store.Fail("RedeemCode")
				w.exchange(t, "web", code).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
				w.Store.Fail("CreateGrant")
				w.signIn(t, "web").Want(http.StatusServiceUnavailable, "temporarily_unavailable")
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			flow.run(t, w)
			w.Observer.WantTold(t, flow.want...)
		})
	}
}
