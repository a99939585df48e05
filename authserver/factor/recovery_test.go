package factor_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// codes gives an account recovery codes.
func (w *world) codes(t *testing.T, account store.Account) []string {
	t.Helper()
	codes, err := w.NewRecoveryCodes(t.Context(), account)
	must(t, err)
	return codes
}

func TestRecoveryCodesWorkOnceHoweverTheyAreTyped(t *testing.T) {
	w := newWorld(t)
	codes := w.codes(t, alice)
	w.wantTold(t, "alice recovery_codes_made count=10")
	form := regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){2}$`)
	seen := map[string]bool{}
	for _, code := range codes {
		seen[code] = true
		if !form.MatchString(code) || strings.Contains(w.stored(t, alice), code) {
			t.Errorf("%s", code)
		}
	}
	if len(seen) != 10 {
		t.Fatalf("%d codes", len(seen))
	}
	mistyped := strings.NewReplacer("0", "O", "1", "l")
	for n, typed := range []string{
		codes[0], strings.ToUpper(codes[1]), " " + strings.ReplaceAll(codes[2], "-", " ") + " ",
		strings.ReplaceAll(codes[3], "-", ""), strings.ReplaceAll(codes[4], "-", "–"), mistyped.Replace(codes[5]),
	} {
		left, err := w.UseRecoveryCode(t.Context(), alice, typed)
		if err != nil || left != 9-n {
			t.Errorf("%q: %d left, %v", typed, left, err)
		}
		_, err = w.UseRecoveryCode(t.Context(), alice, codes[n])
		wantError(t, err, factor.ErrWrongCode)
	}
	w.mu.Lock()
	if len(w.told) != 6 || w.told[5] != "alice recovery_code_used count=4" {
		t.Errorf("told %q", w.told)
	}
	w.mu.Unlock()
	for name, tt := range map[string]struct {
		f       *factor.Factors
		account store.Account
		code    string
	}{
		"another's":      {w.Factors, bob, codes[9]},
		"another realm":  {w.other, alice, codes[9]},
		"nothing":        {w.Factors, alice, ""},
		"one too short":  {w.Factors, alice, codes[9][:13]},
		"one too long":   {w.Factors, alice, codes[9] + "0"},
		"a long text":    {w.Factors, alice, codes[9] + strings.Repeat(" ", 1<<20)},
		"other letters":  {w.Factors, alice, "uuuu-uuuu-uuuu"},
		"not UTF-8":      {w.Factors, alice, codes[9] + "\xff"},
		"one that never": {w.Factors, alice, "0000-0000-0000"},
	} {
		if _, err := tt.f.UseRecoveryCode(t.Context(), tt.account, tt.code); !same(err, factor.ErrWrongCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Who can write to the database cannot give one account the codes of another.
	rows, err := w.store.Credentials(t.Context(), "/", alice)
	must(t, err)
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	must(t, w.store.ReplaceRecovery(t.Context(), "/", bob, ids, start))
	_, err = w.UseRecoveryCode(t.Context(), bob, codes[9])
	wantError(t, err, factor.ErrWrongCode)
	// New ones take the place of the old.
	again := w.codes(t, alice)
	_, err = w.UseRecoveryCode(t.Context(), alice, codes[9])
	wantError(t, err, factor.ErrWrongCode)
	// A code outlives its key.
	w.rotate(t)
	_, err = w.UseRecoveryCode(t.Context(), alice, again[0])
	must(t, err)
}

func TestOf16WithOneRecoveryCodeOneIsIn(t *testing.T) {
	w := newWorld(t)
	one := w.codes(t, alice)[0]
	var all sync.WaitGroup
	errs := make([]error, 16)
	for n := range errs {
		all.Go(func() { _, errs[n] = w.UseRecoveryCode(context.Background(), alice, one) })
	}
	all.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		}
	}
	if in != 1 {
		t.Errorf("%d are in", in)
	}
}

func TestWhatAnAccountHasIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.enrol(t, alice)
	device := newDevice(t)
	added := w.addPasskey(t, alice, device)
	w.codes(t, alice)
	w.wantTold(t, "alice factor_added kind=totp", "alice factor_added kind=passkey", "alice recovery_codes_made count=10")
	has := func(passkeys, codes int, totp bool) {
		t.Helper()
		e, err := w.Of(t.Context(), alice)
		must(t, err)
		if e.TOTP != totp || len(e.Passkeys) != passkeys || e.RecoveryLeft != codes {
			t.Errorf("%+v", e)
		}
	}
	has(1, 10, true)
	wantError(t, w.Remove(t.Context(), bob, added.ID), factor.ErrNotFound)
	wantError(t, w.other.Remove(t.Context(), alice, added.ID), factor.ErrNotFound)
	wantError(t, w.Rename(t.Context(), bob, added.ID, "mine"), factor.ErrNotFound)
	must(t, w.Rename(t.Context(), alice, added.ID, strings.Repeat("ü", 100)+"\u202e"))
	e, err := w.Of(t.Context(), alice)
	must(t, err)
	if e.Passkeys[0].Label != strings.Repeat("ü", 64) {
		t.Errorf("renamed to %q", e.Passkeys[0].Label)
	}
	must(t, w.Remove(t.Context(), alice, "totp"))
	has(1, 10, false)
	must(t, w.Remove(t.Context(), alice, added.ID))
	has(0, 0, false)
	w.wantTold(t, "alice factor_removed kind=totp", "alice factor_removed kind=passkey")
	w.codes(t, alice)
	w.removeAll(t, alice)
	w.removeAll(t, alice)
	has(0, 0, false)
	w.wantTold(t, "alice recovery_codes_made count=10", "alice factor_removed kind=all count=10")
}
