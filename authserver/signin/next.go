package signin

import (
	"slices"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OpenID Connect Core §3.1.2.1 and §5.5.1.1, RFC 9470 §4

// step is what has to happen next.
type step int

const (
	// done is a sign-in that is as sure as it has to be.
	done step = iota
	// askFactor asks for a second factor that the account has, askPasskey for a
	// passkey.
	askFactor
	askPasskey
	// enrolTOTP and enrolPasskey have the user make one.
	enrolTOTP
	enrolPasskey
	// signInAgain begins with the first factor: what is there is too old to give
	// the account another factor.
	signInAgain
	// unmet cannot be reached here.
	unmet
)

// situation is all that the next step rests on.
type situation struct {
	// amr is what was proven so far; fresh says that it was in this sign-in, and not
	// in an earlier one.
	amr   []string
	fresh bool
	// has is what there is besides a password, of the account owner; passkeys says that they can be used here.
	owner    store.Account
	has      factor.Enrolled
	passkeys bool
	policy   realm.SecondFactor
	// least must be reached, the first of preferred that can be is asked for.
	least     login.Level
	preferred []login.Level
}

// LevelOf is how sure a sign-in is that did take place: one at another site that
// says nothing of how is one factor.
func LevelOf(amr []string) login.Level {
	return max(login.LevelSingle, login.LevelOf(amr))
}

// next finds the next step.
func (s situation) next() step {
	level, reach, aim := LevelOf(s.amr), s.reach(), s.aim()
	switch {
	case level >= aim:
		return done
	case aim > reach && !s.fresh:
		return signInAgain
	case aim > reach && level < min(reach, login.LevelMultiple), aim <= reach && aim < login.LevelPhishingResistant:
		// Also before another factor is made: who knows the password alone must not
		// be able to go around the factor that there is.
		return askFactor
	case aim <= reach:
		return askPasskey
	case aim == login.LevelMultiple && s.policy != realm.SecondFactorOff:
		return enrolTOTP
	case s.passkeys && (level >= login.LevelMultiple || !s.has.Any()):
		// A factor that is there and not asked for any more is not gone around either.
		return enrolPasskey
	default:
		return unmet
	}
}

// codes says whether the account has codes that are asked for here.
func (s situation) codes() bool {
	return s.policy != realm.SecondFactorOff && (s.has.TOTP || s.has.RecoveryLeft > 0 && s.has.Any())
}

// hasPasskey says whether the account has a passkey that can be used here.
func (s situation) hasPasskey() bool { return s.passkeys && len(s.has.Passkeys) > 0 }

// reach is how sure a sign-in can become with what the account has.
func (s situation) reach() login.Level {
	reach := LevelOf(s.amr)
	if s.codes() {
		reach = max(reach, login.LevelMultiple)
	}
	if s.hasPasskey() {
		reach = max(reach, login.LevelPhishingResistant)
	}
	return reach
}

// aim is how sure this sign-in has to become.
func (s situation) aim() login.Level {
	aim, reach := s.least, s.reach()
	// Who has a second factor is asked for it.
	if s.policy != realm.SecondFactorOff && (s.codes() || s.hasPasskey()) {
		aim = max(aim, login.LevelMultiple)
	}
	if s.policy == realm.SecondFactorRequired {
		aim = max(aim, login.LevelMultiple)
	}
	// acr_values is a wish: what cannot be had is passed over.
	if i := slices.IndexFunc(s.preferred, func(level login.Level) bool { return level <= reach }); i >= 0 {
		aim = max(aim, s.preferred[i])
	}
	return aim
}
