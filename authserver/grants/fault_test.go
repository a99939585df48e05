package grants_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
)

// Every step of the store fails in turn under every grant: what needs the step
// is a 503, never invalid_grant, and the proof is still good afterwards.
func TestAS61_A62_StoreFaultIs503AndSpendsNothing(t *testing.T) {
	w := newWorld(t)
	failed := map[string][]string{}
	for _, step := range realmtest.Steps {
		t.Run(step, func(t *testing.T) {
			forEvery(t, w, func(t *testing.T, grantType string, form url.Values) {
				w.Store.Fail(step)
				answer := realmtest.Do(t, w.endpoint, realmtest.Form("web", form))
				w.Store.Fail("")
				if answer.Code == http.StatusOK {
					return
				}
				failed[grantType] = append(failed[grantType], step)
				answer.Want(http.StatusServiceUnavailable, "temporarily_unavailable")
				realmtest.Do(t, w.endpoint, realmtest.Form("web", form)).Want(http.StatusOK, "")
			})
		})
	}
	for grantType, want := range map[string][]string{
		"authorization_code": {"Grant", "RedeemCode"},
		"client_credentials": nil,
		"password":           {"CreateGrant", "TakeAttempt", "ClearAttempts", "Credentials"},
		"refresh_token":      {"Grant", "RotateRefresh"},
	} {
		if !slices.Equal(failed[grantType], want) {
			t.Errorf("%s needs %q, want %q", grantType, failed[grantType], want)
		}
	}
	w.wantEvents(t)
}

// What only some requests need.
func TestAS61_StoreFaultOffTheMainPath(t *testing.T) {
	t.Run("a refresh without rotation", func(t *testing.T) {
		w := newWorld(t)
		refresh := w.family(t, "static").Text("refresh_token")
		w.Store.Fail("TouchRefresh")
		w.refresh(t, "static", refresh).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
		w.Store.Fail("")
		w.refresh(t, "static", refresh).Want(http.StatusOK, "")
	})
	t.Run("a code with a wrong verifier is burnt or not answered", func(t *testing.T) {
		w := newWorld(t)
		code := w.Code(t, w.Realm, "web", realmtest.NoChallenge)
		w.Store.Fail("RevokeGrant")
		w.exchange(t, "web", code).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
		w.Store.Fail("")
		w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
	})
	t.Run("a replay is known here or not answered", func(t *testing.T) {
		w := newWorld(t)
		first := w.family(t, "web")
		w.refresh(t, "web", first.Text("refresh_token")).Want(http.StatusOK, "")
		w.Clock.Advance(time.Minute)
		w.Store.Fail("RevokeGrant")
		w.refresh(t, "web", first.Text("refresh_token")).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
		w.Store.Fail("")
		w.refresh(t, "web", first.Text("refresh_token")).Want(http.StatusBadRequest, "invalid_grant")
	})
}

func TestFaultIsLoggedWithoutSecrets(t *testing.T) {
	w := newWorld(t)
	refresh := w.family(t, "web").Text("refresh_token")
	w.Store.Fail("RotateRefresh")
	w.refresh(t, "web", refresh).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
	logged := w.Logged()
	for _, want := range []string{realmtest.ErrFault.Error(), "endpoint=access_token", "realm=/"} {
		if !strings.Contains(logged, want) {
			t.Errorf("%q is not in %q", want, logged)
		}
	}
	for _, secret := range []string{refresh, realmtest.Secret("web")} {
		if strings.Contains(logged, secret) {
			t.Errorf("a secret is in %q", logged)
		}
	}
	if got := w.Observer.Answers(); got[len(got)-1] != "/ refresh_token temporarily_unavailable" {
		t.Errorf("counted %q", got)
	}
}
