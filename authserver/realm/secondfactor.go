package realm

import (
	"context"
	"fmt"
	"slices"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// SecondFactor says who is asked for a second factor after a password.
type SecondFactor int

const (
	// SecondFactorOptional asks whoever has one.
	SecondFactorOptional SecondFactor = iota
	// SecondFactorOff asks nobody.
	SecondFactorOff
	// SecondFactorRequired asks everybody. Who has none gets one at the next sign-in.
	SecondFactorRequired
)

// LeastLevel is how sure every sign-in of the realm has to be.
func (s *Settings) LeastLevel() login.Level {
	if s.SecondFactor == SecondFactorRequired {
		return login.LevelMultiple
	}
	return login.LevelSingle
}

// HighestLevel is how sure a sign-in of the realm can be.
func (s *Settings) HighestLevel() login.Level {
	switch {
	case !s.NoPasskeys:
		return login.LevelPhishingResistant
	case s.SecondFactor != SecondFactorOff:
		return login.LevelMultiple
	}
	return login.LevelSingle
}

// ACRValues are the acr values that a sign-in can reach, for metadata.
func (s *Settings) ACRValues() []string {
	return slices.DeleteFunc(s.ACRs.Supported(), func(acr string) bool {
		level, _ := s.ACRs.Level(acr)
		return level > s.HighestLevel()
	})
}

// checkSecondFactor refuses ways in that take a password and nothing else where
// everybody must have more.
func (s *Settings) checkSecondFactor() error {
	const cannot = "realm %s: second_factor required cannot hold with %s, which takes a password and nothing else; %s, or make it: second_factor optional"
	switch {
	case s.passwordIsEnough():
		return nil
	case slices.Contains(s.Grants, oauth.GrantPassword):
		return fmt.Errorf(cannot, s.Name, "the password grant", "take password out of grants")
	case s.JSONAuthenticate:
		return fmt.Errorf(cannot, s.Name, "json_authenticate", "take that line out")
	}
	return nil
}

// passwordIsEnough says whether there may be ways in for programs, which have a
// password and nothing else.
func (s *Settings) passwordIsEnough() bool { return s.SecondFactor != SecondFactorRequired }

// reasonSecondFactor is a right password of an account that has more, where
// nothing more can be asked for.
const reasonSecondFactor = "second_factor"

// AsksFor says whether a page asks whoever has these factors for one of them.
func (r *Realm) AsksFor(has factor.Enrolled) bool {
	if r.SecondFactor == SecondFactorOff {
		return false
	}
	codes := has.TOTP || has.RecoveryLeft > 0 && has.Any()
	passkeys := len(has.Passkeys) > 0 && !r.NoPasskeys && r.Factors.HasPasskeys()
	return codes || passkeys
}

// passwordSuffices refuses an account that a page would ask for a second factor:
// who has the password alone must not get around it. login.ErrCredentials, since
// whoever guesses is not to hear that the password is right.
func (r *Realm) passwordSuffices(ctx context.Context, account store.Account, subject string) error {
	if r.SecondFactor == SecondFactorOff {
		return nil // nothing to read
	}
	_, has, err := r.FactorsOf(ctx, account, subject, r.Factors.Of)
	if err == nil && r.AsksFor(has) {
		err = &login.Refused{Account: account, Reason: reasonSecondFactor}
	}
	return err
}

// checkACRs refuses names that no request could ask for.
func (s *Settings) checkACRs() error {
	for acr := range s.ACRs {
		if !oauth.ValidScopeToken(acr) {
			return fmt.Errorf("realm %s: acr %q: a value has no blank, quote, backslash or control character", s.Name, acr)
		}
	}
	return nil
}
