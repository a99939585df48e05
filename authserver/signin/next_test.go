package signin

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func TestNextStep(t *testing.T) {
	const single, multiple, resistant = login.LevelSingle, login.LevelMultiple, login.LevelPhishingResistant
	var (
		nothing = factor.Enrolled{}
		app     = factor.Enrolled{TOTP: true}
		key     = factor.Enrolled{Passkeys: make([]factor.Credential, 1)}
		both    = factor.Enrolled{TOTP: true, Passkeys: make([]factor.Credential, 1)}
		codes   = factor.Enrolled{RecoveryLeft: 8}
	)
	var (
		password = []string{"pwd"}
		code     = []string{"pwd", "otp", "mfa"}
		touched  = []string{"pwd", "hwk", "mfa"}
		passkey  = []string{"hwk", "user"}
	)
	wants := func(levels ...login.Level) []login.Level { return levels }
	for _, test := range []struct {
		name string
		s    situation
		want step
	}{
		{"a password, and there is no more", situation{amr: password, has: nothing}, done},
		{"another site that says nothing of how", situation{has: nothing, least: single}, done},
		{"who has an app is asked", situation{amr: password, has: app}, askFactor},
		{"who has a passkey is asked", situation{amr: password, has: key}, askFactor},
		{"recovery codes alone are no factor", situation{amr: password, has: codes}, done},
		{"after a code", situation{amr: code, has: both}, done},
		{"after a passkey as the second factor", situation{amr: touched, has: key}, done},
		{"a passkey that verified its user needs no more", situation{amr: passkey, has: both}, done},
		{"two factors at another site", situation{amr: []string{"mfa"}, has: app}, done},

		{"off: nobody is asked", situation{amr: password, has: both, policy: realm.SecondFactorOff}, done},
		{"off, and a request that a code would do for", situation{
			amr: password, has: app, policy: realm.SecondFactorOff, least: multiple,
		}, unmet},
		{"off, and nothing is there to go around", situation{
			amr: password, has: nothing, policy: realm.SecondFactorOff, least: resistant,
		}, enrolPasskey},
		{"off, and a request that a passkey does for", situation{
			amr: password, has: key, policy: realm.SecondFactorOff, least: multiple,
		}, askFactor},

		{"required: who has none makes one", situation{amr: password, has: nothing, policy: realm.SecondFactorRequired}, enrolTOTP},
		{"required: who has one is asked", situation{amr: password, has: app, policy: realm.SecondFactorRequired}, askFactor},
		{"required, and a passkey came first", situation{amr: passkey, has: key, policy: realm.SecondFactorRequired}, done},

		{"a wish that can be had", situation{amr: code, has: both, preferred: wants(resistant)}, askPasskey},
		{"a wish that cannot be had", situation{amr: password, has: nothing, preferred: wants(resistant, multiple)}, done},
		{"the first wish that can be had", situation{amr: code, has: app, preferred: wants(resistant, multiple)}, done},
		{"the first wish decides", situation{amr: code, has: both, preferred: wants(multiple, resistant)}, done},

		{"what must be is asked for", situation{amr: password, has: key, least: resistant}, askPasskey},
		{"what must be is made", situation{amr: password, has: nothing, least: resistant}, enrolPasskey},
		{"what must be is made for two factors", situation{amr: password, has: nothing, least: multiple}, enrolTOTP},
		{"a factor that is there comes before a new one", situation{amr: password, has: app, least: resistant}, askFactor},
		{"and then the new one", situation{amr: code, has: app, least: resistant}, enrolPasskey},
	} {
		test.s.fresh, test.s.passkeys = true, true
		if got := test.s.next(); got != test.want {
			t.Errorf("%s: step %d, want %d", test.name, got, test.want)
		}
	}
	for _, test := range []struct {
		name string
		s    situation
		want step
	}{
		{"without passkeys", situation{fresh: true, amr: code, has: both, least: resistant}, unmet},
		{"without passkeys, off", situation{fresh: true, amr: password, has: both, least: multiple, policy: realm.SecondFactorOff}, unmet},
		{"a passkey is no factor then", situation{fresh: true, amr: password, has: key}, done},
		{"nor required to be one", situation{fresh: true, amr: password, has: key, policy: realm.SecondFactorRequired}, enrolTOTP},
		{"an old session is asked for what is missing", situation{passkeys: true, amr: password, has: app, least: multiple}, askFactor},
		{"an old session makes no factor", situation{passkeys: true, amr: password, has: nothing, least: multiple}, signInAgain},
		{"not even a second one", situation{passkeys: true, amr: code, has: app, least: resistant}, signInAgain},
	} {
		if got := test.s.next(); got != test.want {
			t.Errorf("%s: step %d, want %d", test.name, got, test.want)
		}
	}
}
