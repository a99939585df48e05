package realm

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Attempts bounds how often passwords, codes of second factors and user codes of
// devices can be tried, on all nodes together. SignIn asks it for passwords; who
// takes codes does so like this:
//
//	try, err := r.Attempts.Begin(ctx, store.AttemptCode, subject)
//	if err != nil {
//		return err // login.ErrLimited, or a fault of the store
//	}
//	err = check(code)
//	return try.End(ctx, err, record)
//
// A try counts as a failure from its beginning, so that tries at the same time
// count each other, and has to be ended.
type Attempts struct{ realm *Realm }

// Try is one try that was let in.
type Try struct {
	realm    *Realm
	kind     store.AttemptKind
	counters []store.Counter
	taken    store.Taken
	mark     store.AttemptKey
}

// Begin asks whether somebody may try now: name is the username (AttemptPassword)
// or the subject (AttemptCode) that is tried, "" for AttemptDevice; the source is
// that of ctx. It asks by what was typed, whether or not there is such an account
// (AS62, PG16). A *login.Limited says how long to wait; any other error means that
// the store cannot say, and nobody may try.
func (a *Attempts) Begin(ctx context.Context, kind store.AttemptKind, name string) (*Try, error) {
	r := a.realm
	now := r.Now()
	by, from := a.digest("name", login.NameKey(name)), a.digest("source", login.SourceKey(login.Source(ctx)))
	try := &Try{realm: r, kind: kind, counters: r.Limits.Complete().Counters(kind, by, from)}
	if kind == store.AttemptPassword {
		try.mark = store.AttemptKey{Kind: store.SignedInFrom, Name: by, Source: from}
	}
	taken, err := r.Store.TakeAttempt(ctx, r.Name, try.counters, now)
	if err != nil {
		return nil, err
	}
	if !taken.Until.IsZero() {
		r.Observer.AttemptLimited(r.Name, kind.String())
		return nil, &login.Limited{RetryAfter: taken.Until.Sub(now.Truncate(time.Second))}
	}
	try.taken = taken
	return try, nil
}

// End says how a try went: err is nil for a success, login.ErrCredentials for a
// failure, and anything else for what could not be looked at, which counts as
// neither. It gives err back, or what kept a success from being noted: then it is
// none. record is what is told of an account that is locked by the failure, or
// unlocked by the success, but for its event.
func (t *Try) End(ctx context.Context, err error, record audit.Record) error {
	// Whoever hangs up early is counted all the same.
	ctx = context.WithoutCancel(ctx)
	switch {
	case err == nil:
		return t.succeed(ctx, record)
	case errors.Is(err, login.ErrCredentials):
		return t.fail(ctx, err, record)
	}
	// If that fails it counts as a failure, which is on the safe side.
	_ = t.realm.Store.ReturnAttempt(ctx, t.realm.Name, t.counters, t.taken)
	return err
}

func (t *Try) succeed(ctx context.Context, record audit.Record) error {
	r := t.realm
	var keys []store.AttemptKey
	var windows []store.Counter
	var taken store.Taken
	for i := range t.counters {
		if c := &t.counters[i]; !c.Window {
			keys = append(keys, c.AttemptKey)
		} else if t.taken.Failures[i] > 0 {
			windows, taken.Failures = append(windows, *c), append(taken.Failures, t.taken.Failures[i])
		}
	}
	if len(windows) > 0 {
		if err := r.Store.ReturnAttempt(ctx, r.Name, windows, taken); err != nil {
			return err
		}
	}
	if len(keys) > 0 {
		if err := r.Store.ClearAttempts(ctx, r.Name, keys, t.mark, login.KnownUntil(r.Now())); err != nil {
			return err
		}
	}
	if t.locking(1) {
		t.tell(ctx, audit.AccountUnlocked, "signed_in", record)
	}
	return nil
}

func (t *Try) fail(ctx context.Context, err error, record audit.Record) error {
	r := t.realm
	var late []store.Counter
	for _, c := range t.counters {
		if c.AskOnly {
			c.AskOnly = false
			late = append(late, c)
		}
	}
	if len(late) > 0 {
		// What has to wait by now has enough failures without this one.
		if _, fault := r.Store.TakeAttempt(ctx, r.Name, late, r.Now()); fault != nil {
			return fault
		}
	}
	if t.locking(0) {
		var refused *login.Refused
		if errors.As(err, &refused) {
			record.Subject, _ = r.Subject(refused.Account)
		}
		t.tell(ctx, audit.AccountLocked, t.kind.String()+"_failures", record)
	}
	return err
}

// locking says whether the failures in a row before this try, and it with less
// taken off, are a lock.
func (t *Try) locking(less int) bool {
	limits := t.realm.Limits.Complete()
	for i := range t.counters {
		if failures := t.taken.Failures[i]; !t.counters[i].Window && failures > 0 && limits.Locks(failures-less) {
			return true
		}
	}
	return false
}

func (t *Try) tell(ctx context.Context, event audit.Event, reason string, record audit.Record) {
	record.Event, record.Actor = event, audit.ByUser
	t.realm.Tell(ctx, record.With(audit.Reason, reason))
}

// Reset forgets the failures of a username or subject, whatever the source, or
// those of a source whoever it tried, when name is "". It says how many counters
// there were.
func (a *Attempts) Reset(ctx context.Context, name, source string) (int, error) {
	r := a.realm
	by, from := "", ""
	if name != "" {
		by = a.digest("name", login.NameKey(name))
	} else {
		from = a.digest("source", login.SourceKey(source))
	}
	total := 0
	for _, kind := range []store.AttemptKind{store.AttemptPassword, store.AttemptCode, store.AttemptDevice} {
		removed, err := r.Store.ResetAttempts(ctx, r.Name, kind, by, from)
		total += removed
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// digest is what the store knows of a name or source: nothing without the realm's
// key, for people type passwords where names belong. When the key is replaced,
// what was counted is forgotten.
func (a *Attempts) digest(what, text string) string {
	mac := hmac.New(sha256.New, a.realm.Keys.Secret(store.KeyForm).Key)
	mac.Write([]byte("attempts\x00" + what + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}
