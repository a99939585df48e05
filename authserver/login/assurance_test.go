package login_test

import (
	"slices"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

func TestLevelsOfSignIns(t *testing.T) {
	for _, test := range []struct {
		amr  []string
		want login.Level
	}{
		{nil, login.LevelNone},
		{[]string{"pwd"}, login.LevelSingle},
		{[]string{"hwk"}, login.LevelSingle},
		{[]string{"otp"}, login.LevelSingle},
		{[]string{"pwd", "otp", "mfa"}, login.LevelMultiple},
		{[]string{"pwd", "otp"}, login.LevelMultiple},
		{[]string{"pwd", "swk"}, login.LevelMultiple},
		{[]string{"mfa"}, login.LevelMultiple},
		{[]string{"swk", "user"}, login.LevelPhishingResistant},
		{[]string{"pwd", "hwk", "user", "mfa"}, login.LevelPhishingResistant},
	} {
		if got := login.LevelOf(test.amr); got != test.want {
			t.Errorf("%v: level %d, want %d", test.amr, got, test.want)
		}
	}
}

func TestACRsOfARealm(t *testing.T) {
	own := login.ACRs{"silver": login.LevelSingle, "gold": login.LevelMultiple, "aurum": login.LevelMultiple}
	for _, test := range []struct {
		acrs    login.ACRs
		reached login.Level
		want    string
	}{
		{nil, login.LevelNone, ""},
		{nil, login.LevelSingle, login.ACRPassword},
		{nil, login.LevelMultiple, login.ACRMultiple},
		{nil, login.LevelPhishingResistant, login.ACRPhishingResistant},
		{own, login.LevelSingle, "silver"},
		{own, login.LevelMultiple, "aurum"},
		{own, login.LevelPhishingResistant, "aurum"},
		{login.ACRs{"gold": login.LevelMultiple}, login.LevelSingle, ""},
	} {
		if got := test.acrs.Name(test.reached); got != test.want {
			t.Errorf("%v at level %d: %q, want %q", test.acrs, test.reached, got, test.want)
		}
	}
	if _, known := own.Level(login.ACRPassword); known {
		t.Error("a realm with names of its own has ours, too")
	}
	if got := own.Supported(); !slices.Equal(got, []string{"aurum", "gold", "silver"}) {
		t.Errorf("supported: %v", got)
	}
}
