package login

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// NIST SP 800-63B-4 §3.1.1.2

const (
	// LeastPasswordAlone is the least length of passwords that sign in alone, in
	// characters.
	LeastPasswordAlone = 15
	// LeastPassword is that of passwords beside which a second factor is demanded.
	LeastPassword = 8
	// MostPassword is a length that every policy allows.
	MostPassword = 64
	// MaxPasswordBytes bounds a password: MostPassword characters of any script.
	MaxPasswordBytes = MostPassword * utf8.UTFMax
)

// PasswordPolicy is what a password has to be that somebody chooses. There are no
// rules of what it is composed of.
//
// A password counts as it was typed, without Unicode normalisation: hashes that
// come from elsewhere, and the password grant, know its bytes only, and a password
// that is normalised here alone would be wrong there.
type PasswordPolicy struct {
	// Least is the least number of characters.
	Least int
	// Blocked are passwords that many have; nil are those of our own list.
	Blocked *Blocklist
}

// Why a password is not good enough.
const (
	PasswordShort       = "short"
	PasswordLong        = "long"
	PasswordUnprintable = "unprintable"
	// PasswordCommon is one that many people have, or that counts or repeats.
	PasswordCommon = "common"
	// PasswordNamesAccount is the name of its user or of the site.
	PasswordNamesAccount = "names_account"
)

// WeakPassword is a password that a policy refuses.
type WeakPassword struct {
	// Reason is one of the few above.
	Reason string
	// Least and Most are the bounds of the policy, in characters.
	Least, Most int
}

// Error says how to mend it, and nothing of the password.
func (w *WeakPassword) Error() string {
	switch w.Reason {
	case PasswordShort:
		return fmt.Sprintf("the password is shorter than %d characters: choose a longer one, such as some words in a row", w.Least)
	case PasswordLong:
		return fmt.Sprintf("the password is longer than %d bytes: choose a shorter one; %d characters of any kind always fit", MaxPasswordBytes, w.Most)
	case PasswordUnprintable:
		return "the password has a control character, such as a line break, or is no UTF-8: choose one that can be typed"
	case PasswordNamesAccount:
		return "the password is the name of the user or of the site: choose one that nobody knows"
	}
	return "the password is one of those that are tried first: choose another"
}

// Check says whether a password may be chosen; a *WeakPassword if not. names are
// those that an attacker knows: of the user, the realm, the site.
func (p PasswordPolicy) Check(password oauth.Secret, names ...string) error {
	if reason := p.refuses(password.Reveal(), names); reason != "" {
		return &WeakPassword{Reason: reason, Least: p.Least, Most: MostPassword}
	}
	return nil
}

func (p PasswordPolicy) refuses(password string, names []string) string {
	switch {
	case len(password) > MaxPasswordBytes:
		return PasswordLong
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return PasswordUnprintable
	case utf8.RuneCountInString(password) < p.Least:
		return PasswordShort
	case isWalk(password):
		return PasswordCommon
	}
	known := map[string]bool{}
	for _, name := range names {
		for _, word := range words(name) {
			known[word] = true
		}
	}
	for _, guess := range guesses(password) {
		switch {
		case known[guess]:
			return PasswordNamesAccount
		case p.Blocked.has(guess), utf8.RuneCountInString(guess) >= shortestWalk && isWalk(guess):
			return PasswordCommon
		}
	}
	return ""
}

// PasswordChanger is a Service that can give its users another password.
type PasswordChanger interface {
	Passwords
	// LeastPassword is the least length of a password, in characters.
	LeastPassword() int
	// ChangePassword gives an account another password, and ends all that rests on a
	// sign-in of subject up to now, here and on every node. A *WeakPassword when the
	// policy refuses it, ErrNoAccount when there is no such account.
	ChangePassword(ctx context.Context, id, subject string, password oauth.Secret, now time.Time) error
}
