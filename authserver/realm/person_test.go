package realm_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// named is a realm with a username of one service, one of another and one of both,
// and one whose subject is a client's.
func named(t *testing.T) (*realmtest.World, *realm.Realm, *realmtest.Users) {
	t.Helper()
	w := realmtest.New(t)
	ldap := realmtest.NewUsers("ldap", map[string]realmtest.User{"ann": {ID: "a"}, "zoe": {ID: "z"}})
	settings := w.Settings("/", "https://auth.example.com/oauth2")
	settings.Services = map[string]login.Service{
		"staff": realmtest.NewUsers("staff", map[string]realmtest.User{"bob": {ID: "1001"}, "ann": {ID: "1002"}, "eve": {ID: "web"}}), "ldap": ldap,
	}
	return w, w.Open(t, settings), ldap
}

func TestOperatorsNamePeopleByTheirUsernames(t *testing.T) {
	_, r, ldap := named(t)
	for username, want := range map[string][]string{
		"bob": {"1001"}, "zoe": {"ldap:z"}, "ann": {"ldap:a", "1002"}, "1001": nil, "eve": nil, "": nil,
	} {
		if got, err := r.Named(t.Context(), username); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, %v; want %v", username, got, err, want)
		}
	}
	ldap.Fail(realmtest.ErrFault)
	if got, err := r.Named(t.Context(), "bob"); !errors.Is(err, realmtest.ErrFault) || !slices.Equal(got, []string{"1001"}) {
		t.Errorf("without the directory it is %v, %v", got, err)
	}
}

// What a subject has left is of it when the account is gone, and who cannot be
// asked may have an account.
func TestASubjectOfWhichNothingIsKnown(t *testing.T) {
	w, r, ldap := named(t)
	code := func(subject string) { w.Code(t, r, "web", func(g *store.Grant) { g.Subject = subject }) }
	code("left")
	if err := w.Store.AddCredential(t.Context(), store.Credential{
		Realm: r.Name, Account: store.Account{Service: "staff", ID: "phone"}, Kind: store.CredentialTOTP, ID: "totp", Data: "x", Created: w.Clock.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Store.CreateSession(t.Context(), store.Session{
		Digest: "d", ID: "sid", Realm: r.Name, Kind: store.SessionJSON, Account: store.Account{Service: "staff", ID: "there"}, Subject: "there",
		AuthTime: w.Clock.Now(), Created: w.Clock.Now(), IdleExpires: w.Clock.Now().Add(time.Hour), Expires: w.Clock.Now().Add(time.Hour),
	}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Store.AddConsents(t.Context(), []store.Consent{{Realm: r.Name, Subject: "agreed", ClientID: "web", Scope: []string{"read"}, Updated: w.Clock.Now()}}); err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]bool{
		"bob": true, "ldap:bob": true, "none:z": true, "z": true,
		"1001": false, "ldap:z": false, "web": false, "left": false, "phone": false, "there": false, "agreed": false,
	} {
		if got := r.Unknown(t.Context(), subject); got != want {
			t.Errorf("%s: %v", subject, got)
		}
	}
	ldap.Fail(realmtest.ErrFault)
	if r.Unknown(t.Context(), "ldap:bob") {
		t.Error("nobody can say that the directory does not know it")
	}
}

// Codes count by the subject, which an operator need not know.
func TestAResetByUsernameForgetsWrongCodes(t *testing.T) {
	_, r, ldap := named(t)
	wrong := func(subject string) error {
		return r.Attempts.Try(t.Context(), store.AttemptCode, subject, &audit.Record{}, func() error { return login.ErrCredentials })
	}
	for _, subject := range []string{"1001", "1002"} {
		for range 5 {
			_ = wrong(subject)
		}
		if err := wrong(subject); !errors.Is(err, login.ErrLimited) {
			t.Fatalf("%s: %v", subject, err)
		}
	}
	ldap.Fail(realmtest.ErrFault) // it keeps only its own waiting
	if n, err := r.Attempts.Reset(t.Context(), "bob", ""); n != 1 || !errors.Is(err, realmtest.ErrFault) {
		t.Errorf("forgot %d: %v", n, err)
	}
	if err := wrong("1001"); !errors.Is(err, login.ErrCredentials) {
		t.Errorf("after the reset: %v", err)
	}
	ldap.Fail(nil)
	if err := wrong("1002"); !errors.Is(err, login.ErrLimited) {
		t.Errorf("somebody else: %v", err)
	}
	if n, err := r.Attempts.Reset(t.Context(), "1002", ""); n != 1 || err != nil {
		t.Errorf("by the subject: forgot %d: %v", n, err)
	}
	if err := wrong("1002"); !errors.Is(err, login.ErrCredentials) {
		t.Errorf("after the reset: %v", err)
	}
}
