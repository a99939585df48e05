package caddymodule

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func TestSignInSettings(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  realm.Settings
	}{
		{nil, realm.Settings{}},
		{[]string{"second_factor optional", "passkeys on"}, realm.Settings{}},
		{[]string{"second_factor off", "passkeys off"}, realm.Settings{SecondFactor: realm.SecondFactorOff, NoPasskeys: true}},
		{[]string{"second_factor required"}, realm.Settings{SecondFactor: realm.SecondFactorRequired}},
	} {
		got := settingsOf(t, shared{}, nil, test.lines...)
		if got.SecondFactor != test.want.SecondFactor || got.NoPasskeys != test.want.NoPasskeys || len(got.ACRs) != 0 {
			t.Errorf("%v: %v %v %v", test.lines, got.SecondFactor, got.NoPasskeys, got.ACRs)
		}
	}
	got := settingsOf(t, shared{}, nil, "acr silver password", "acr gold mfa", "acr platinum phishing_resistant")
	for acr, want := range map[string]login.Level{
		"silver": login.LevelSingle, "gold": login.LevelMultiple, "platinum": login.LevelPhishingResistant, login.ACRMultiple: login.LevelNone,
	} {
		if level, _ := got.ACRs.Level(acr); level != want {
			t.Errorf("%s stands for %d, want %d", acr, level, want)
		}
	}
}
