package factor_test

import (
	"context"
	"encoding/base32"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// code is what an app shows at a moment.
func code(t testing.TB, secret oauth.Secret, at time.Time) string {
	t.Helper()
	text, err := totp.GenerateCode(secret.Reveal(), at)
	must(t, err)
	return text
}

// enrol gives an account an app, some time ago.
func (w *world) enrol(t testing.TB, account store.Account) oauth.Secret {
	t.Helper()
	secret := w.NewTOTP(account.ID).Secret
	must(t, w.ConfirmTOTP(t.Context(), account, secret, code(t, secret, w.clock()), "Phone"))
	w.pass(5 * time.Minute)
	return secret
}

// The vectors of appendix B that are SHA-1, by their last six digits.
func TestRFC6238_CodesAreThoseOfTheVectors(t *testing.T) {
	secret := oauth.NewSecret(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		w := newWorld(t)
		w.now = time.Unix(at, 0)
		wantError(t, w.ConfirmTOTP(t.Context(), alice, secret, "000000", ""), factor.ErrWrongCode)
		if err := w.ConfirmTOTP(t.Context(), alice, secret, want, ""); err != nil {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

func TestAnAppIsEnrolledByItsFirstCode(t *testing.T) {
	w := newWorld(t)
	made := w.NewTOTP("alice@example.com")
	key, err := otp.NewKeyFromURL(made.URI.Reveal())
	must(t, err)
	if key.Issuer() != "Example  Inc." || key.AccountName() != "alice@example.com" || key.Secret() != made.Secret.Reveal() ||
		key.Digits() != otp.DigitsSix || key.Period() != 30 || key.Algorithm() != otp.AlgorithmSHA1 {
		t.Errorf("the QR code says %s", made.URI.Reveal())
	}
	if strings.ReplaceAll(made.Groups(), " ", "") != made.Secret.Reveal() || len(made.Groups()) != 32+7 {
		t.Errorf("for typing: %s", made.Groups())
	}
	if again := w.TOTPOf("alice@example.com", made.Secret); again.URI.Reveal() != made.URI.Reveal() {
		t.Error("the page shows another address the second time")
	}
	wantError(t, w.ConfirmTOTP(t.Context(), alice, made.Secret, "123", "Phone"), factor.ErrWrongCode)
	wantError(t, w.ConfirmTOTP(t.Context(), alice, oauth.NewSecret("MFRGG"), code(t, made.Secret, start), "Phone"), factor.ErrWrongCode)
	w.wantTold(t)

	must(t, w.ConfirmTOTP(t.Context(), alice, made.Secret, code(t, made.Secret, start), "  Phone\x1b  "))
	w.wantTold(t, "alice factor_added kind=totp")
	has, err := w.Of(t.Context(), alice)
	must(t, err)
	want := factor.Credential{ID: "totp", Kind: factor.TOTP, Label: "Phone", Added: start, LastUsed: start}
	if !has.TOTP || !has.Any() || has.App != want || len(has.All()) != 1 {
		t.Errorf("%+v", has)
	}
	// The code that confirmed it is used.
	wantError(t, w.VerifyTOTP(t.Context(), alice, code(t, made.Secret, start)), factor.ErrWrongCode)
}

func TestRFC6238_CodesWorkOnceAndInTime(t *testing.T) {
	w := newWorld(t)
	secret := w.enrol(t, alice)
	now := w.clock()
	at := func(steps int) string { return code(t, secret, now.Add(time.Duration(steps)*30*time.Second)) }
	for _, tt := range []struct {
		name, code string
		want       error
	}{
		{"two steps late", at(-2), factor.ErrWrongCode},
		{"two steps early", at(2), factor.ErrWrongCode},
		{"none", "", factor.ErrWrongCode},
		{"of another length", at(0) + "0", factor.ErrWrongCode},
		{"the step before, for a slow phone", at(-1), nil},
		{"again", at(-1), factor.ErrWrongCode},
		{"this step, with a blank", " " + at(0)[:3] + " " + at(0)[3:], nil},
		{"again", at(0), factor.ErrWrongCode},
		{"the step to come, for a fast phone", at(1), nil},
		{"this step after that", at(0), factor.ErrWrongCode},
	} {
		if err := w.VerifyTOTP(t.Context(), alice, tt.code); !same(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	wantError(t, w.VerifyTOTP(t.Context(), bob, at(1)), factor.ErrWrongCode)
	wantError(t, w.other.VerifyTOTP(t.Context(), alice, at(1)), factor.ErrWrongCode)
}

func same(err, want error) bool { return err == want } //nolint:errorlint // exactly

func TestOf16WithOneCodeOneIsIn(t *testing.T) {
	w := newWorld(t)
	secret := w.enrol(t, alice)
	var all sync.WaitGroup
	errs := make([]error, 16)
	for n := range errs {
		all.Go(func() { errs[n] = w.VerifyTOTP(context.Background(), alice, code(t, secret, w.clock())) })
	}
	all.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		} else {
			wantError(t, err, factor.ErrWrongCode)
		}
	}
	if in != 1 {
		t.Errorf("%d are in", in)
	}
}

// Another app takes the place of the first, and codes that were used stay so.
func TestAnAppTakesThePlaceOfAnother(t *testing.T) {
	w := newWorld(t)
	first := w.enrol(t, alice)
	second := w.enrol(t, alice)
	wantError(t, w.VerifyTOTP(t.Context(), alice, code(t, first, w.clock())), factor.ErrWrongCode)
	must(t, w.VerifyTOTP(t.Context(), alice, code(t, second, w.clock())))
	// The page of the enrolment sent once more.
	must(t, w.ConfirmTOTP(t.Context(), alice, second, code(t, second, w.clock()), "Phone"))
	wantError(t, w.VerifyTOTP(t.Context(), alice, code(t, second, w.clock())), factor.ErrWrongCode)
}

func TestSecretsOfAppsAreSealedAndBoundToTheirAccount(t *testing.T) {
	w := newWorld(t)
	secret := w.enrol(t, alice)
	raw, err := base32.StdEncoding.DecodeString(secret.Reveal())
	must(t, err)
	text := w.stored(t, alice)
	for _, plain := range []string{secret.Reveal(), string(raw), url.QueryEscape(string(raw))} {
		if strings.Contains(text, plain) {
			t.Error("the database has the secret")
		}
	}
	// Who can write to the database cannot give one account the app of another.
	rows, err := w.store.Credentials(t.Context(), "/", alice)
	must(t, err)
	stolen := rows[0]
	stolen.Account = bob
	must(t, w.store.AddCredential(t.Context(), stolen))
	if err := w.VerifyTOTP(t.Context(), bob, code(t, secret, w.clock())); err == nil || same(err, factor.ErrWrongCode) {
		t.Errorf("got %v", err)
	}
}

func TestSecretsOutliveTheirKeysAndMoveToTheNext(t *testing.T) {
	w := newWorld(t)
	secret := w.enrol(t, alice)
	old := w.ring.Secret(store.KeyFactor).ID
	w.rotate(t)
	must(t, w.VerifyTOTP(t.Context(), alice, code(t, secret, w.clock())))
	if strings.Contains(w.stored(t, alice), old) {
		t.Error("it is sealed with the old key")
	}
	must(t, w.ring.Remove(t.Context(), old, w.clock()))
	w.pass(time.Minute)
	must(t, w.VerifyTOTP(t.Context(), alice, code(t, secret, w.clock())))

	// Without its key it is a fault, and the account has a second factor still.
	must(t, w.ring.Remove(t.Context(), w.ring.Secret(store.KeyFactor).ID, w.clock()))
	w.pass(time.Minute)
	err := w.VerifyTOTP(t.Context(), alice, code(t, secret, w.clock()))
	if err == nil || same(err, factor.ErrWrongCode) || !strings.Contains(err.Error(), "remove the account's factors") {
		t.Errorf("got %v", err)
	}
	if has, err := w.Of(t.Context(), alice); err != nil || !has.Any() {
		t.Errorf("%+v, %v", has, err)
	}
}

// Keys that are gone for everybody seal nothing.
func TestWithoutAKeyNothingIsSealed(t *testing.T) {
	w := newWorld(t)
	f := factor.New(factor.Parts{Store: w.store, Keys: keys.NewRing(w.store, nil, "/"), Realm: "/", Issuer: issuer, Now: w.clock})
	secret := f.NewTOTP("alice").Secret
	_, codes := f.NewRecoveryCodes(t.Context(), alice)
	_, options := f.PasskeyRequest(t.Context(), factor.Ask{Binding: laptop})
	for what, err := range map[string]error{
		"an app": f.ConfirmTOTP(t.Context(), alice, secret, code(t, secret, start), ""), "codes": codes, "a challenge": options,
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
