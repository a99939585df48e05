package realm

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// busyRetry is how long those shall wait who try while too many others do.
const busyRetry = 10 * time.Second

// Attempts bounds how often passwords, codes of second factors and user codes of
// devices can be tried, on all nodes together.
type Attempts struct {
	realm *Realm
	turns turns
}

// try is one try that was let in.
type try struct {
	realm    *Realm
	kind     store.AttemptKind
	counters []store.Counter
	taken    store.Taken
	mark     store.AttemptKey
}

// Try lets somebody try: name is the username (AttemptPassword) or the subject
// (AttemptCode) that is tried, "" for AttemptDevice; the source is that of ctx. It
// asks by what was typed, whether or not there is such an account (AS62, PG16). A
// *login.Limited says how long to wait; any other error without a check that the
// store cannot say, or that too many tries of the name wait already, and nobody may
// try.
//
// check says how it went: nil for a success, login.ErrCredentials for a failure,
// and anything else for what could not be looked at, which counts as neither. Try
// gives that back, or what kept a success from being noted: then it is none. record
// is what is told of an account that is locked by the failure, or unlocked by the
// success, but for its event; check may fill it in.
//
// A try counts as a failure from its beginning, so that tries at the same time, on
// several nodes too, count each other. At one node those of one name from one source
// wait for each other, so that many that are right are not taken for many that
// failed.
func (a *Attempts) Try(ctx context.Context, kind store.AttemptKind, name string, record *audit.Record, check func() error) error {
	by, from := a.digest("name", login.NameKey(name)), a.digest("source", login.SourceKey(login.Source(ctx)))
	if kind != store.AttemptDevice { // their counters are windows, which take many
		leave, err := a.turns.wait(ctx, store.AttemptKey{Kind: kind, Name: by, Source: from})
		if err != nil {
			return busy(err)
		}
		defer leave()
	}
	begun, err := a.begin(ctx, kind, by, from)
	if err != nil {
		return err
	}
	return begun.end(ctx, busy(check()), record)
}

// busy sends away for longer whom the hasher, or a turn, had no time for: those
// who come back at once would be as many again.
func busy(err error) error {
	if !errors.Is(err, hashing.ErrBusy) {
		return err
	}
	away := oauth.Unavailable(err)
	away.RetryAfter = busyRetry
	return away
}

func (a *Attempts) begin(ctx context.Context, kind store.AttemptKind, by, from string) (*try, error) {
	r := a.realm
	now := r.Now()
	try := &try{realm: r, kind: kind, counters: r.Limits.Complete().Counters(kind, by, from)}
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

func (t *try) end(ctx context.Context, err error, record *audit.Record) error {
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

func (t *try) succeed(ctx context.Context, record *audit.Record) error {
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

func (t *try) fail(ctx context.Context, err error, record *audit.Record) error {
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
func (t *try) locking(less int) bool {
	limits := t.realm.Limits.Complete()
	for i := range t.counters {
		if failures := t.taken.Failures[i]; !t.counters[i].Window && failures > 0 && limits.Locks(failures-less) {
			return true
		}
	}
	return false
}

func (t *try) tell(ctx context.Context, event audit.Event, reason string, record *audit.Record) {
	told := *record
	told.Event, told.Actor = event, audit.ByUser
	t.realm.Tell(ctx, told.With(audit.Reason, reason))
}

// Reset forgets the failures of a username, whatever the source: passwords by the
// name, and codes by the subjects that it stands for or by itself, since a subject
// may be given in its place. When name is "" it forgets those of a source, whoever
// it tried. It says how many counters there were.
func (a *Attempts) Reset(ctx context.Context, name, source string) (int, error) {
	r := a.realm
	if name == "" {
		return a.reset(ctx, "", a.digest("source", login.SourceKey(source)), store.AttemptPassword, store.AttemptCode, store.AttemptDevice)
	}
	total, err := a.reset(ctx, a.digest("name", login.NameKey(name)), "", store.AttemptPassword, store.AttemptCode)
	if err != nil {
		return total, err
	}
	// What a service cannot say now keeps nobody else waiting.
	subjects, away := r.Named(ctx, name)
	for _, subject := range subjects {
		removed, err := a.reset(ctx, a.digest("name", login.NameKey(subject)), "", store.AttemptCode)
		total += removed
		if err != nil {
			return total, err
		}
	}
	return total, away
}

func (a *Attempts) reset(ctx context.Context, by, from string, kinds ...store.AttemptKind) (total int, err error) {
	for _, kind := range kinds {
		removed, err := a.realm.Store.ResetAttempts(ctx, a.realm.Name, kind, by, from)
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
