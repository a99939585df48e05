package login

import (
	"maps"
	"slices"
)

// OpenID Connect Core §2 (acr, amr), RFC 8176, RFC 9470

// Authentication methods, as amr names them (RFC 8176 §2).
const (
	// AMRPassword is a password.
	AMRPassword = "pwd"
	// AMROTP is a one-time code, of an app or a recovery code.
	AMROTP = "otp"
	// AMRHardwareKey and AMRSoftwareKey are passkeys, bound to a device and not.
	AMRHardwareKey = "hwk"
	AMRSoftwareKey = "swk"
	// AMRUser is a person whom the passkey's device verified.
	AMRUser = "user"
	// AMRMultiple stands for more than one factor.
	AMRMultiple = "mfa"
)

// Level is how sure a sign-in is. A higher one satisfies a lower one.
type Level int

const (
	// LevelNone is no sign-in.
	LevelNone Level = iota
	// LevelSingle is one factor: a password, or a passkey without user verification.
	LevelSingle
	// LevelMultiple is two factors: a password and a code, or a passkey whose device
	// verified the user.
	LevelMultiple
	// LevelPhishingResistant is two factors that cannot be given to another site: a
	// passkey whose device verified the user.
	LevelPhishingResistant
)

// The acr values of the levels, unless a realm names others.
const (
	ACRPassword          = "urn:caddy-oauth2:acr:password"
	ACRMultiple          = "urn:caddy-oauth2:acr:mfa"
	ACRPhishingResistant = "urn:caddy-oauth2:acr:phishing-resistant"
)

// LevelOf is how sure a sign-in with these methods is.
func LevelOf(amr []string) Level {
	has := func(method string) bool { return slices.Contains(amr, method) }
	passkey := has(AMRHardwareKey) || has(AMRSoftwareKey)
	switch {
	case passkey && has(AMRUser):
		return LevelPhishingResistant
	case has(AMRMultiple), has(AMRPassword) && (has(AMROTP) || passkey):
		return LevelMultiple
	case len(amr) > 0:
		return LevelSingle
	}
	return LevelNone
}

// ACRs are the acr values of a realm with what they ask for. The zero value is
// the three of ours.
type ACRs map[string]Level

func (a ACRs) values() ACRs {
	if len(a) > 0 {
		return a
	}
	return ACRs{ACRPassword: LevelSingle, ACRMultiple: LevelMultiple, ACRPhishingResistant: LevelPhishingResistant}
}

// Level is what an acr value asks for.
func (a ACRs) Level(acr string) (Level, bool) {
	level, ok := a.values()[acr]
	return level, ok
}

// Name is the acr of a sign-in: the highest value that it satisfies, "" when
// there is none. Of several names for one level it is the first in the alphabet.
func (a ACRs) Name(reached Level) string {
	name, best := "", LevelNone
	for acr, level := range a.values() {
		if level <= reached && (level > best || level == best && acr < name) {
			name, best = acr, level
		}
	}
	return name
}

// Supported are the values in order, for metadata (acr_values_supported).
func (a ACRs) Supported() []string {
	return slices.Sorted(maps.Keys(a.values()))
}
