package login

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// NIST SP 800-63B §5.2.2

const (
	// firstWait is what the first failure too many costs; each one more costs twice
	// as much, up to longestWait.
	firstWait   = time.Second
	longestWait = 5 * time.Minute
	// accountLock is how long failures from many sources keep those out who have
	// not signed in from theirs before: it is short, since the owner may be among
	// them.
	accountLock = time.Minute
	// rememberFailures is how long failures in a row count without a new one.
	rememberFailures = 24 * time.Hour
	// rememberSource is how long a source counts as known after a sign-in.
	rememberSource = 30 * 24 * time.Hour
)

// deviceSource and deviceRealm are how many wrong user codes of devices one source
// and a whole realm may send (RFC 8628 §5.1).
var (
	deviceSource = store.Limit{Count: 10, Per: time.Minute}
	deviceRealm  = store.Limit{Count: 100, Per: time.Minute}
)

// ErrLimited is a try that was not looked at, because there were too many before
// it. It may be a *Limited.
var ErrLimited = errors.New("too many attempts")

// Limited is ErrLimited with how long to wait.
type Limited struct{ RetryAfter time.Duration }

// Error implements error.
func (l *Limited) Error() string { return ErrLimited.Error() }

// Unwrap makes it ErrLimited.
func (l *Limited) Unwrap() error { return ErrLimited }

// RetryAfter is how long to wait after an error, at least a second.
func RetryAfter(err error) time.Duration {
	var limited *Limited
	if errors.As(err, &limited) {
		return max(limited.RetryAfter, time.Second)
	}
	return time.Second
}

// Limits bounds how often passwords and codes may be tried. Zero members are
// those of DefaultLimits.
type Limits struct {
	// BackoffAfter is the number of failures in a row from which on each makes the
	// next try wait, longer and longer.
	BackoffAfter int
	// LockAfter is the number from which on each makes it wait for LockFor.
	LockAfter int
	LockFor   time.Duration
	// PerSource is how many failures one source may have, whoever it tries.
	PerSource store.Limit
}

// maxLock bounds LockFor: failures are not remembered for longer.
const maxLock = rememberFailures

// DefaultLimits are those of a realm that says nothing.
func DefaultLimits() Limits {
	return Limits{BackoffAfter: 5, LockAfter: 100, LockFor: 15 * time.Minute, PerSource: store.Limit{Count: 100, Per: time.Minute}}
}

// Complete fills in what is left out.
func (l Limits) Complete() Limits {
	d := DefaultLimits()
	if l.BackoffAfter == 0 {
		l.BackoffAfter = d.BackoffAfter
		if l.LockAfter > 0 {
			l.BackoffAfter = min(l.BackoffAfter, l.LockAfter)
		}
	}
	if l.LockAfter == 0 {
		l.LockAfter = d.LockAfter
	}
	if l.LockFor == 0 {
		l.LockFor = d.LockFor
	}
	if l.PerSource.Count == 0 {
		l.PerSource = d.PerSource
	}
	return l
}

// Check finds what cannot work, or would be no limit.
func (l Limits) Check() error {
	l = l.Complete()
	switch {
	case l.BackoffAfter < 1 || l.BackoffAfter > l.LockAfter:
		return fmt.Errorf("backoff_after %d is not between 1 and lock_after %d", l.BackoffAfter, l.LockAfter)
	case l.LockAfter > 100:
		return fmt.Errorf("lock_after %d is more than the 100 failures in a row that NIST SP 800-63B allows", l.LockAfter)
	case l.LockFor < time.Second || l.LockFor > maxLock:
		return fmt.Errorf("lock_for %s is not between 1s and %s", l.LockFor, maxLock)
	case l.PerSource.Count < 1 || l.PerSource.Per < time.Second || l.PerSource.Per > maxLock:
		return fmt.Errorf("per_source %d %s is not a number over 0 and a time between 1s and %s", l.PerSource.Count, l.PerSource.Per, maxLock)
	}
	return nil
}

// Wait is how long the next try waits after so many failures in a row.
func (l Limits) Wait(failures int) time.Duration {
	switch over := failures - l.BackoffAfter; {
	case failures >= l.LockAfter:
		return l.LockFor
	case over < 0:
		return 0
	case over >= 16: // the shift has an end
		return min(longestWait, l.LockFor)
	default:
		return min(firstWait<<over, longestWait, l.LockFor)
	}
}

// anywhereWait is Wait for failures from all sources together.
func (l Limits) anywhereWait(failures int) time.Duration {
	if failures < l.LockAfter {
		return 0
	}
	return min(accountLock, l.LockFor)
}

// Locks says whether so many failures in a row are a lock, and not only a wait.
func (l Limits) Locks(failures int) bool { return failures >= l.LockAfter }

// Counters are those of a try for a name from a source, both digests.
//
// Passwords count by name and source, so that nobody locks out somebody else; by
// name alone, for those who have not signed in from their source before; and by
// source. Of the last the failures are counted when they are known, for many may
// sign in from one source at once. Codes of a second factor count by name: who
// may try them has shown a password.
func (l Limits) Counters(kind store.AttemptKind, name, source string) []store.Counter {
	key := func(name, source string) store.AttemptKey {
		return store.AttemptKey{Kind: kind, Name: name, Source: source}
	}
	from := window(key("", source), l.PerSource)
	from.AskOnly = true
	switch kind {
	case store.AttemptDevice:
		return []store.Counter{window(key("", source), deviceSource), window(key("", ""), deviceRealm)}
	case store.AttemptCode:
		return []store.Counter{inARow(key(name, ""), l.Wait), from}
	default:
		anywhere := inARow(key(name, ""), l.anywhereWait)
		anywhere.Unless = store.AttemptKey{Kind: store.SignedInFrom, Name: name, Source: source}
		return []store.Counter{anywhere, inARow(key(name, source), l.Wait), from}
	}
}

// inARow counts failures until there is a success.
func inARow(key store.AttemptKey, wait func(int) time.Duration) store.Counter {
	return store.Counter{AttemptKey: key, Forget: rememberFailures, Until: func(failures int, last time.Time) time.Time {
		if w := wait(failures); w > 0 {
			return last.Add(w)
		}
		return time.Time{}
	}}
}

// window counts failures of a span of time.
func window(key store.AttemptKey, limit store.Limit) store.Counter {
	return store.Counter{AttemptKey: key, Forget: limit.Per, Window: true, Until: func(failures int, first time.Time) time.Time {
		if failures >= limit.Count {
			return first.Add(limit.Per)
		}
		return time.Time{}
	}}
}

// KnownUntil is how long a source counts as one that somebody signs in from.
func KnownUntil(now time.Time) time.Time { return now.Add(rememberSource) }

// SourceKey is what addresses are counted as: an IPv4 address by itself, an IPv6
// address with all of its /64, which one subscriber has. What is no address is
// one source.
func SourceKey(source string) string {
	address, err := netip.ParseAddr(source)
	if err != nil {
		return ""
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	prefix, _ := address.Prefix(64) // every IPv6 address has one
	return prefix.String()
}

// NameKey is what usernames are counted as. A directory may take several spellings
// for one account (RFC 4518 §2), so these count as one: case, accents, what is the
// same letter in another form, spaces and what cannot be seen.
func NameKey(name string) string {
	return strings.ReplaceAll(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) || unicode.Is(unicode.M, r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, norm.NFKD.String(name)), "ß", "ss")
}
