package signin_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// factors keeps second factors in memory. The code is always right once.
type factors struct {
	mu    sync.Mutex
	has   map[store.Account]factor.Enrolled
	used  map[string]bool
	fault error
	// withoutPasskeys is an issuer that browsers use no passkeys with.
	withoutPasskeys bool
	// noVerification are devices that do not verify their user.
	noVerification bool
}

// rightCode is a code of every app, recoveryCode one of every account.
const (
	rightCode    = "123456"
	nextCode     = "654321"
	recoveryCode = "abcd-efgh"
)

var demoAccount = store.Account{Service: "staff", ID: "demo"}

func newFactors() *factors {
	return &factors{has: map[store.Account]factor.Enrolled{}, used: map[string]bool{}}
}

// give has an account enrol.
func (f *factors) give(account store.Account, change func(*factor.Enrolled)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	has := f.has[account]
	change(&has)
	f.has[account] = has
}

func app(has *factor.Enrolled)     { has.TOTP, has.RecoveryLeft = true, 10 }
func passkey(has *factor.Enrolled) { has.Passkeys = append(has.Passkeys, factor.Credential{ID: "k"}) }

func (f *factors) Of(_ context.Context, account store.Account) (factor.Enrolled, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.has[account], f.fault
}

// once says whether something is used for the first time.
func (f *factors) once(what string, account store.Account) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := what + " " + account.Service + " " + account.ID
	defer func() { f.used[key] = true }()
	return !f.used[key]
}

func (f *factors) NewTOTP(username string) factor.NewTOTP {
	return f.TOTPOf(username, oauth.NewSecret("JBSWY3DPEHPK3PXP"))
}

func (f *factors) TOTPOf(username string, secret oauth.Secret) factor.NewTOTP {
	return factor.NewTOTP{Secret: secret, URI: oauth.NewSecret("otpauth://totp/" + username + "?secret=" + secret.Reveal())}
}

func (f *factors) ConfirmTOTP(ctx context.Context, account store.Account, _ oauth.Secret, code, _ string) error {
	if code != rightCode {
		return factor.ErrWrongCode
	}
	f.once(code, account)
	f.give(account, func(has *factor.Enrolled) { has.TOTP = true })
	return ctx.Err()
}

func (f *factors) VerifyTOTP(_ context.Context, account store.Account, code string) error {
	if f.fault != nil {
		return f.fault
	}
	if code != rightCode && code != nextCode || !f.once(code, account) {
		return factor.ErrWrongCode
	}
	return nil
}

func (f *factors) NewRecoveryCodes(_ context.Context, account store.Account) ([]string, error) {
	f.give(account, func(has *factor.Enrolled) { has.RecoveryLeft = 1 })
	return []string{recoveryCode}, nil
}

func (f *factors) UseRecoveryCode(_ context.Context, account store.Account, code string) (int, error) {
	if code != recoveryCode || !f.once(code, account) {
		return 0, factor.ErrWrongCode
	}
	return 0, nil
}

func (f *factors) HasPasskeys() bool { return !f.withoutPasskeys }

// PasskeyRequest gives options that say what they are for. What the browser makes
// of them is the same with the account that the passkey is of.
func (f *factors) PasskeyRequest(_ context.Context, ask factor.Ask) (string, error) {
	return fmt.Sprintf("get %s %s %v", ask.Binding, ask.Account.ID, ask.Verified), nil
}

func (f *factors) VerifyPasskey(ctx context.Context, ask factor.Ask, response string) (factor.Used, error) {
	options, id, _ := strings.Cut(response, " of ")
	account := store.Account{Service: "staff", ID: id}
	want, _ := f.PasskeyRequest(ctx, ask)
	has, _ := f.Of(ctx, account)
	if options != want || len(has.Passkeys) == 0 || ask.Account.ID != "" && ask.Account != account || !f.once(response, account) {
		return factor.Used{}, factor.ErrPasskey
	}
	used := factor.Used{Account: account, AMR: []string{login.AMRSoftwareKey}}
	if used.UserVerified = ask.Verified || !f.noVerification; used.UserVerified {
		used.AMR = append(used.AMR, login.AMRUser)
	}
	return used, nil
}

func (f *factors) PasskeyCreation(_ context.Context, account store.Account, _, _, binding string) (string, error) {
	return "create " + binding + " " + account.ID, nil
}

func (f *factors) AddPasskey(ctx context.Context, account store.Account, _, response, binding string) (factor.Credential, error) {
	if want, _ := f.PasskeyCreation(ctx, account, "", "", binding); response != want {
		return factor.Credential{}, factor.ErrPasskey
	}
	f.give(account, passkey)
	return factor.Credential{ID: "k"}, nil
}

// idp is a service that signs people in at a site of its own.
type idp struct {
	now func() time.Time
	// account is who signs in there; at and amr are what it says of that.
	account string
	at      time.Time
	amr     []string
	fault   error
	gone    bool
	kept    string
	left    []login.Departure
}

func (s *idp) Label() string { return "Example Inc." }

func (s *idp) Account(_ context.Context, id string) (login.Account, error) {
	if s.gone {
		return login.Account{}, login.ErrNoAccount
	}
	return login.Account{Account: store.Account{Service: "corp", ID: id}, Username: id}, nil
}

func (s *idp) Depart(_ context.Context, d login.Departure) (string, string, error) {
	s.left = append(s.left, d)
	state := fmt.Sprint("state", len(s.left))
	return "https://idp.test/authorize?state=" + state, state + s.kept, s.fault
}

func (s *idp) Arrive(ctx context.Context, query url.Values, _, kept string) (login.Arrival, error) {
	if s.fault != nil {
		return login.Arrival{}, s.fault
	}
	if query.Get("state")+s.kept != kept || query.Get("code") == "" {
		return login.Arrival{}, &login.RedirectRefused{Reason: "state", Err: errors.New("another sign-in")}
	}
	account, err := s.Account(ctx, s.account)
	return login.Arrival{Account: account, At: s.at, AMR: slices.Clone(s.amr)}, err
}
