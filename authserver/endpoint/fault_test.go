package endpoint_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// Every step of the store fails in turn under every endpoint: what needs the
// step is a 503, never a verdict on the token.
func TestAS61_A62_StoreFaultIsNoVerdict(t *testing.T) {
	w := realmtest.New(t)
	for _, test := range []struct {
		name  string
		ask   func(testing.TB) realmtest.Answer
		needs []string
	}{
		{"introspect an access token", func(t testing.TB) realmtest.Answer {
			return introspect(t, w.Realm, "web", family(t, w, "web").access)
		}, []string{"Grant"}},
		{"introspect a refresh token", func(t testing.TB) realmtest.Answer {
			return introspect(t, w.Realm, "web", family(t, w, "web").refresh)
		}, []string{"Grant"}},
		{"introspect a token of a client", func(t testing.TB) realmtest.Answer {
			return introspect(t, w.Realm, "machine", clientToken(t, w, "machine", realmtest.API))
		}, nil},
		{"revoke an access token", func(t testing.TB) realmtest.Answer {
			return revoke(t, w.Realm, "web", family(t, w, "web").access)
		}, []string{"RevokeToken"}},
		{"revoke a refresh token", func(t testing.TB) realmtest.Answer {
			return revoke(t, w.Realm, "web", family(t, w, "web").refresh)
		}, []string{"Grant", "RevokeGrant"}},
		{"userinfo", func(t testing.TB) realmtest.Answer {
			return get(t, endpoint.UserInfo(w.Realm), http.MethodGet, "Authorization", "Bearer "+family(t, w, "web").access.Reveal())
		}, []string{"Grant"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var needs []string
			for _, step := range realmtest.Steps {
				w.Store.Fail(step)
				answer := test.ask(t)
				w.Store.Fail("")
				if answer.Code != http.StatusOK {
					needs = append(needs, step)
					answer.Want(http.StatusServiceUnavailable, "temporarily_unavailable")
				}
			}
			if !slices.Equal(needs, test.needs) {
				t.Errorf("needs %q, want %q", needs, test.needs)
			}
			test.ask(t).Want(http.StatusOK, "")
		})
	}
	if logged := w.Logged(); !strings.Contains(logged, realmtest.ErrFault.Error()) || !strings.Contains(logged, "endpoint=token/revoke") {
		t.Errorf("logged %q", logged)
	}
}

// Until the revocation log has been read nobody can say what is alive.
func TestAS61_NoVerdictBeforeTheRevocationLogIsRead(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	unready := realm.New(w.Realm.Settings, realm.Parts{
		Store: w.Store, Keys: w.Realm.Keys, Revocations: token.NewRevocations(w.Store), Hasher: w.Hasher,
		Observer: w.Observer, Log: w.Realm.Log, Now: w.Clock.Now,
	})
	introspect(t, unready, "web", issued.access).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
	get(t, endpoint.UserInfo(unready), http.MethodGet, "Authorization", "Bearer "+issued.access.Reveal()).
		Want(http.StatusServiceUnavailable, "temporarily_unavailable")
	// Revoking needs to know nothing.
	wantRevoked(t, revoke(t, unready, "web", issued.access))
	if alive(w.Realm, issued.access) {
		// Another node hears of it with its next reading of the log.
		if err := w.Realm.Revocations.Refresh(t.Context(), w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if alive(w.Realm, issued.access) {
		t.Error("it is still good")
	}
}

func TestAS42_AccountServiceFaultIsNoVerdict(t *testing.T) {
	w := realmtest.New(t)
	issued := family(t, w, "web")
	w.Staff.Fail(realmtest.ErrFault)
	introspect(t, w.Realm, "web", issued.access).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
	introspect(t, w.Realm, "web", issued.refresh).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
	// A token can be revoked whoever cannot answer.
	wantRevoked(t, revoke(t, w.Realm, "web", issued.refresh))
}
