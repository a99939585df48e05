package factor_test

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
)

// A store that cannot answer is no wrong code and no bad passkey, and afterwards all
// is as it was.
func TestF1_FaultsOfTheStoreAreNobodysMistake(t *testing.T) {
	w, d := newWorld(t), newDevice(t)
	secret := w.enrol(t, alice)
	w.addPasskey(t, alice, d)
	recovery := w.codes(t, alice)[0]
	w.wantTold(t, "alice factor_added kind=totp", "alice factor_added kind=passkey", "alice recovery_codes_made count=10")
	steps := map[string]func() error{
		"a code": func() error { return w.VerifyTOTP(t.Context(), alice, code(t, secret, w.clock())) },
		"an app": func() error {
			return w.ConfirmTOTP(t.Context(), bob, secret, code(t, secret, w.clock()), "")
		},
		"a recovery code": func() error { _, err := w.UseRecoveryCode(t.Context(), alice, recovery); return err },
		"recovery codes":  func() error { _, err := w.NewRecoveryCodes(t.Context(), bob); return err },
		"options":         func() error { _, err := w.PasskeyRequest(t.Context(), alices); return err },
		"a passkey": func() error {
			w.store.Fail("")
			options, err := w.PasskeyRequest(t.Context(), alices)
			must(t, err)
			w.store.Fail(w.failing)
			_, err = w.VerifyPasskey(t.Context(), alices, d.get(t, options))
			return err
		},
		"another passkey": func() error {
			w.store.Fail("")
			options, err := w.PasskeyCreation(t.Context(), bob, "bob", "", laptop)
			must(t, err)
			w.store.Fail(w.failing)
			_, err = w.AddPasskey(t.Context(), bob, "", newDevice(t).create(t, options), laptop)
			return err
		},
	}
	for _, c := range []struct{ what, failing string }{
		{"a code", "Credentials"}, {"a code", "UseCredential"}, {"an app", "AddCredential"},
		{"a recovery code", "UseRecovery"}, {"recovery codes", "ReplaceRecovery"}, {"options", "Credentials"},
		{"a passkey", "Passkey"}, {"a passkey", "Spend"}, {"a passkey", "UseCredential"},
		{"another passkey", "AddCredential"}, {"another passkey", "Spend"},
	} {
		w.failing = c.failing
		w.store.Fail(c.failing)
		err := steps[c.what]()
		wantError(t, err, realmtest.ErrFault)
		for _, verdict := range []error{factor.ErrWrongCode, factor.ErrPasskey, factor.ErrNotFound} {
			if same(err, verdict) {
				t.Errorf("%s, %s: %v", c.what, c.failing, err)
			}
		}
	}
	w.failing = ""
	w.store.Fail("")
	w.wantTold(t)
	for what, step := range steps {
		if err := step(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
