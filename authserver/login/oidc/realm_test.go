package oidc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/oidc"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// AS42: each gate of a realm asks the service, which says no once the last sign-in
// does not count any more.
func TestAS42_ARealmAsksForAccountsOfAnotherProvider(t *testing.T) {
	c := &clock{}
	provider := newFake(t, c)
	service, err := oidc.Open(oidc.Settings{Issuer: provider.URL, ClientID: "caddy", Recheck: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	w := realmtest.New(t, func(s *realm.Settings) { s.Services["corp"] = service })
	c.now = w.Clock.Now()
	ann := store.Account{Service: "corp", ID: "ann"}
	if _, err := w.Realm.Account(t.Context(), ann); !errors.Is(err, login.ErrNoAccount) {
		t.Errorf("before it was here: %v", err)
	}
	redirects := w.Realm.Services["corp"].(login.Redirects)
	location, kept, err := redirects.Depart(t.Context(), login.Departure{Callback: callback})
	if err != nil {
		t.Fatal(err)
	}
	arrival, err := redirects.Arrive(t.Context(), provider.authorize(t, location), callback, kept)
	if err != nil {
		t.Fatal(err)
	}
	if subject, err := w.Realm.SubjectOf(t.Context(), arrival.Account); err != nil || subject != "corp:ann" {
		t.Errorf("subject %q, %v", subject, err)
	}
	if account, err := w.Realm.Account(t.Context(), ann); err != nil || account.Claims["email"] != "ann@example.com" {
		t.Errorf("%+v, %v", account, err)
	}
	w.Clock.Advance(time.Hour)
	if _, err := w.Realm.Account(t.Context(), ann); !errors.Is(err, login.ErrNoAccount) {
		t.Errorf("after its recheck: %v", err)
	}

	settings := w.Settings("/", "https://auth.example.com/oauth2")
	settings.Services["corp"], settings.PasswordServices = service, []string{"corp"}
	if err := settings.Check(); err == nil || !strings.Contains(err.Error(), "cannot serve the password grant") {
		t.Errorf("it serves the password grant: %v", err)
	}
}
