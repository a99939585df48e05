package realm_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// required is a realm whose users must all have a second factor.
func required(s *realm.Settings) {
	s.SecondFactor, s.JSONAuthenticate, s.PasswordServices = realm.SecondFactorRequired, false, nil
	password := func(grant string) bool { return grant == oauth.GrantPassword }
	s.Grants = slices.DeleteFunc(s.Grants, password)
	for i := range s.Clients {
		s.Clients[i].Grants = slices.DeleteFunc(slices.Clone(s.Clients[i].Grants), password)
	}
}

func TestWaysInForAPasswordAloneAndARequiredSecondFactorExcludeEachOther(t *testing.T) {
	for want, change := range map[string]func(*realm.Settings){
		"":                   func(*realm.Settings) {},
		"the password grant": func(s *realm.Settings) { s.Grants = append(s.Grants, oauth.GrantPassword) },
		"json_authenticate":  func(s *realm.Settings) { s.JSONAuthenticate = true },
	} {
		settings := realmtest.New(t).Settings("/", "https://auth.example.com/oauth2")
		required(&settings)
		change(&settings)
		err := settings.Check()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "second_factor optional")) {
			t.Errorf("%q: %v", want, err)
		}
		settings.SecondFactor = realm.SecondFactorOptional
		if err := settings.Check(); err != nil {
			t.Errorf("optional, with %q: %v", want, err)
		}
	}
}

// A switch that was set before the configuration asked for second factors must
// not undo it.
func TestASwitchDoesNotLetAPasswordAloneIn(t *testing.T) {
	on := true
	r := realmtest.New(t, required).Realm
	switches := store.Switches{JSONAuthenticate: &on, Grants: map[string]bool{oauth.GrantPassword: true}}
	for _, one := range []store.Switches{{JSONAuthenticate: &on}, {Grants: switches.Grants}} {
		if err := r.CheckSwitches(one); err == nil || !strings.Contains(err.Error(), "second_factor required") {
			t.Errorf("%+v: %v", one, err)
		}
	}
	r.Book.Switch(switches)
	if r.JSONAuthenticates() || r.AllowsGrantType(oauth.GrantPassword) {
		t.Error("a password alone gets in")
	}
}

func TestMetadataNamesTheACRValuesThatCanBeReached(t *testing.T) {
	for _, test := range []struct {
		settings realm.Settings
		want     []string
	}{
		{realm.Settings{}, []string{login.ACRMultiple, login.ACRPassword, login.ACRPhishingResistant}},
		{realm.Settings{NoPasskeys: true}, []string{login.ACRMultiple, login.ACRPassword}},
		{realm.Settings{NoPasskeys: true, SecondFactor: realm.SecondFactorOff}, []string{login.ACRPassword}},
		{realm.Settings{NoPasskeys: true, ACRs: login.ACRs{"gold": login.LevelMultiple, "aurum": login.LevelPhishingResistant}}, []string{"gold"}},
	} {
		if got := test.settings.ACRValues(); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.settings, got, test.want)
		}
	}
}

func TestNamesOfACRValues(t *testing.T) {
	settings := realmtest.New(t).Settings("/", "https://auth.example.com/oauth2")
	for acr, good := range map[string]bool{"gold": true, "urn:mace:incommon:iap:silver": true, "": false, "two words": false, `qu"ote`: false} {
		settings.ACRs = login.ACRs{acr: login.LevelSingle}
		if err := settings.Check(); (err == nil) != good {
			t.Errorf("%q: %v", acr, err)
		}
	}
}

// Where nothing but a password can be asked for, who has more does not get in by
// it, and who guesses does not hear that it was right.
func TestAPasswordAloneDoesNotGetAroundASecondFactor(t *testing.T) {
	for name, change := range map[string]func(*realm.Settings){
		"wrong password": func(*realm.Settings) {},
		"":               func(s *realm.Settings) { s.SecondFactor = realm.SecondFactorOff },
	} {
		w := realmtest.New(t, change)
		attempt := realm.Attempt{Service: "staff", Username: "demo", Password: oauth.NewSecret("Ch4ng31t"), Alone: true}
		if _, _, err := w.Realm.SignIn(t.Context(), attempt); err != nil {
			t.Fatalf("without a factor: %v", err)
		}
		account := store.Account{Service: "staff", ID: "demo"}
		err := w.Store.AddCredential(t.Context(), store.Credential{
			Realm: w.Realm.Name, Account: account, Kind: store.CredentialTOTP, ID: "totp", Data: "sealed", Created: w.Clock.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = w.Realm.SignIn(t.Context(), attempt); errors.Is(err, login.ErrCredentials) != (name != "") {
			t.Errorf("%q: %v", name, err)
		}
		if name != "" {
			w.Observer.WantTold(t, "user sign_in_failed subject=demo reason=second_factor")
		}
		attempt.Alone = false
		if _, _, err = w.Realm.SignIn(t.Context(), attempt); err != nil {
			t.Errorf("%q: the page, which asks for more: %v", name, err)
		}
	}
}
