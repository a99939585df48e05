package realm_test

import (
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
