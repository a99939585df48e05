package realm_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver of database/sql

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Where people and guessers are.
const (
	home   = "192.0.2.1"
	office = "192.0.2.2"
	evil   = "198.51.100.66"
)

// guess signs in to the realm from a source.
func guess(t testing.TB, r *realm.Realm, source, username, password string) error {
	t.Helper()
	_, _, err := r.SignIn(login.WithSource(t.Context(), source), realm.Attempt{
		Service: "staff", Username: username, Password: oauth.NewSecret(password), Record: audit.Record{ClientID: "web"},
	})
	return err
}

func wantGuess(t *testing.T, r *realm.Realm, source, username, password string, want error) {
	t.Helper()
	if err := guess(t, r, source, username, password); !errors.Is(err, want) {
		t.Fatalf("%s from %s: %v, want %v", username, source, err, want)
	}
}

// fail guesses wrong until the account waits so often, moving the clock to the end
// of each wait. It says how long that took.
func fail(t *testing.T, w *realmtest.World, source, username string, times int) time.Duration {
	t.Helper()
	begun := w.Clock.Now()
	for range times {
		err := guess(t, w.Realm, source, username, "wrong")
		if errors.Is(err, login.ErrLimited) {
			w.Clock.Advance(login.RetryAfter(err))
			err = guess(t, w.Realm, source, username, "wrong")
		}
		if !errors.Is(err, login.ErrCredentials) {
			t.Fatalf("a wrong password: %v", err)
		}
	}
	return w.Clock.Now().Sub(begun)
}

func TestAS64_BackOffFromTheFifthFailureOn(t *testing.T) {
	w := realmtest.New(t)
	for range 5 {
		wantGuess(t, w.Realm, home, "demo", "wrong", login.ErrCredentials)
	}
	for _, wait := range []time.Duration{1, 2, 4, 8} {
		calls := w.Staff.Calls()
		err := guess(t, w.Realm, home, "demo", "Ch4ng31t")
		if !errors.Is(err, login.ErrLimited) || login.RetryAfter(err) != wait*time.Second {
			t.Fatalf("%v after %s, want to wait %d s", err, login.RetryAfter(err), wait)
		}
		if w.Staff.Calls() != calls {
			t.Error("a limited try was looked at")
		}
		w.Clock.Advance(wait*time.Second - time.Second)
		if wait > 1 {
			wantGuess(t, w.Realm, home, "demo", "Ch4ng31t", login.ErrLimited)
		}
		w.Clock.Advance(time.Second)
		wantGuess(t, w.Realm, home, "demo", "wrong", login.ErrCredentials)
	}
	// A success forgets them all.
	w.Clock.Advance(time.Minute)
	wantGuess(t, w.Realm, home, "demo", "Ch4ng31t", nil)
	for range 5 {
		wantGuess(t, w.Realm, home, "demo", "wrong", login.ErrCredentials)
	}
	wantGuess(t, w.Realm, home, "demo", "wrong", login.ErrLimited)
}

func TestAS64_AHundredFailuresLockForAWhileAndUnlockByThemselves(t *testing.T) {
	w := realmtest.New(t)
	took := fail(t, w, evil, "demo", 100)
	if took < 7*time.Hour {
		t.Errorf("100 guesses took %s", took)
	}
	err := guess(t, w.Realm, evil, "demo", "Ch4ng31t")
	if login.RetryAfter(err) != 15*time.Minute {
		t.Errorf("locked for %s (%v)", login.RetryAfter(err), err)
	}
	w.Clock.Advance(15 * time.Minute)
	wantGuess(t, w.Realm, evil, "demo", "Ch4ng31t", nil)
	events := w.Observer.Events()
	if n := len(events); n < 2 || !strings.Contains(fmt.Sprint(events), string(audit.AccountLocked)) {
		t.Errorf("events %v", events)
	}
	if last := w.Observer.Last(); last.Event != audit.AccountUnlocked || last.Subject != "demo" || last.ClientID != "web" {
		t.Errorf("told %+v", last)
	}
}

func TestWhoGuessesKeepsNobodyElseOut(t *testing.T) {
	w := realmtest.New(t)
	wantGuess(t, w.Realm, home, "demo", "Ch4ng31t", nil)
	fail(t, w, evil, "demo", 99)
	// From elsewhere the owner signs in without a wait.
	wantGuess(t, w.Realm, office, "demo", "Ch4ng31t", nil)

	// With so many that the account itself is locked, who was here before still
	// does, and from new places a minute later.
	for n := range 100 {
		wantGuess(t, w.Realm, fmt.Sprintf("203.0.113.%d", n), "demo", "wrong", login.ErrCredentials)
	}
	err := guess(t, w.Realm, "203.0.113.200", "demo", "Ch4ng31t")
	if !errors.Is(err, login.ErrLimited) || login.RetryAfter(err) != time.Minute {
		t.Errorf("from a new place: %v, wait %s", err, login.RetryAfter(err))
	}
	wantGuess(t, w.Realm, home, "demo", "wrong", login.ErrCredentials)
	wantGuess(t, w.Realm, home, "demo", "Ch4ng31t", nil)
	wantGuess(t, w.Realm, "203.0.113.200", "demo", "Ch4ng31t", nil) // the success has reset it

	fail(t, w, evil, "demo", 1)
	w.Clock.Advance(time.Minute)
	wantGuess(t, w.Realm, "203.0.113.201", "demo", "Ch4ng31t", nil)
}

// Programs sign in with one user many times at once. Those who are right do not
// count each other as failures; those who guess at once are stopped where those are
// who guess in turn.
func TestManyTriesOfOneNameAtOnce(t *testing.T) {
	w := realmtest.New(t)
	atOnce := func(password string) map[error]int {
		outcomes := make(chan error)
		for range 30 {
			go func() { outcomes <- guess(t, w.Realm, home, "demo", password) }()
		}
		seen := map[error]int{}
		for range 30 {
			err := <-outcomes
			for _, kind := range []error{login.ErrLimited, login.ErrCredentials} {
				if errors.Is(err, kind) {
					err = kind
				}
			}
			seen[err]++
		}
		return seen
	}
	if seen := atOnce("Ch4ng31t"); seen[nil] != 30 {
		t.Errorf("right: %v", seen)
	}
	if seen := atOnce("wrong"); seen[login.ErrCredentials] != 5 || seen[login.ErrLimited] != 25 {
		t.Errorf("wrong: %v", seen)
	}
}

func TestOneSourceTriesNotManyNames(t *testing.T) {
	w := realmtest.New(t)
	for n := range 100 {
		wantGuess(t, w.Realm, evil, fmt.Sprint("user", n), "Password1", login.ErrCredentials)
	}
	wantGuess(t, w.Realm, evil, "demo", "Ch4ng31t", login.ErrLimited)
	wantGuess(t, w.Realm, home, "demo", "Ch4ng31t", nil)
	w.Clock.Advance(time.Minute)
	wantGuess(t, w.Realm, evil, "demo", "Ch4ng31t", nil)

	// An IPv6 subscriber has a /64.
	for n := range 100 {
		wantGuess(t, w.Realm, fmt.Sprintf("2001:db8::%x", n), fmt.Sprint("user", n), "Password1", login.ErrCredentials)
	}
	wantGuess(t, w.Realm, "2001:db8::abcd:1", "demo", "Ch4ng31t", login.ErrLimited)
	wantGuess(t, w.Realm, "2001:db8:0:1::1", "demo", "Ch4ng31t", nil)
}

// What is asked before a password is looked at knows no accounts: unknown, wrong
// and locked take the same answers in the same order, and the same hashing.
func TestAS62_PG16_LimitsAreTheSameForUnknownNames(t *testing.T) {
	answers := map[string]string{}
	for _, name := range []string{"demo", "nobody"} {
		w := realmtest.New(t)
		var said strings.Builder
		for range 40 {
			err := guess(t, w.Realm, evil, name, "wrong")
			fmt.Fprintln(&said, err, login.RetryAfter(err), w.Staff.Calls())
			w.Clock.Advance(3 * time.Second)
		}
		answers[strings.TrimSpace(said.String())] = name
	}
	if len(answers) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
}

func TestGuessesAtTheSameTimeCountEachOther(t *testing.T) {
	w := realmtest.New(t)
	var looked atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if errors.Is(guess(t, w.Realm, evil, "demo", "wrong"), login.ErrCredentials) {
				looked.Add(1)
			}
		})
	}
	all.Wait()
	if looked.Load() != 5 {
		t.Errorf("%d guesses were looked at", looked.Load())
	}
}

func TestWhatCannotBeLookedAtIsNoFailure(t *testing.T) {
	w := realmtest.New(t)
	w.Staff.Fail(errors.New("directory is down"))
	for range 20 {
		if err := guess(t, w.Realm, home, "demo", "Ch4ng31t"); err == nil || errors.Is(err, login.ErrLimited) || errors.Is(err, login.ErrCredentials) {
			t.Fatalf("a directory that is down: %v", err)
		}
	}
	w.Staff.Fail(nil)
	wantGuess(t, w.Realm, home, "demo", "Ch4ng31t", nil)
}

func TestAStoreThatCannotCountLetsNobodyTry(t *testing.T) {
	w := realmtest.New(t)
	w.Store.Fail("TakeAttempt")
	wantGuess(t, w.Realm, home, "demo", "Ch4ng31t", realmtest.ErrFault)
	if w.Staff.Calls() != 0 {
		t.Error("the password was looked at")
	}
	w.Store.Fail("ClearAttempts")
	wantGuess(t, w.Realm, home, "demo", "Ch4ng31t", realmtest.ErrFault)
	w.Store.Fail("")
	// Who hangs up is counted.
	ctx, cancel := context.WithCancel(login.WithSource(t.Context(), evil))
	err := w.Realm.Attempts.Try(ctx, store.AttemptCode, "demo", &audit.Record{}, func() error {
		cancel()
		return login.ErrCredentials
	})
	if !errors.Is(err, login.ErrCredentials) {
		t.Error(err)
	}
}

func TestAS47_WrongUserCodesOfDevices(t *testing.T) {
	w := realmtest.New(t)
	enter := func(source string, outcome error) error {
		ctx := login.WithSource(t.Context(), source)
		return w.Realm.Attempts.Try(ctx, store.AttemptDevice, "", &audit.Record{}, func() error { return outcome })
	}
	for range 30 { // right ones do not count
		if err := enter(evil, nil); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 100 {
		source := fmt.Sprintf("203.0.113.%d", n/10)
		if err := enter(source, login.ErrCredentials); !errors.Is(err, login.ErrCredentials) {
			t.Fatalf("wrong code %d: %v", n, err)
		}
		if n%10 == 9 && !errors.Is(enter(source, nil), login.ErrLimited) {
			t.Fatalf("source %s may go on", source)
		}
	}
	if err := enter(home, nil); !errors.Is(err, login.ErrLimited) || login.RetryAfter(err) != time.Minute {
		t.Errorf("after 100 in the realm: %v", err)
	}
	if got := w.Observer.Answers(); len(got) == 0 || got[0] != "/ device limited" {
		t.Errorf("counted %v", got)
	}
	w.Clock.Advance(time.Minute)
	if err := enter(home, nil); err != nil {
		t.Error(err)
	}
}

func TestResetAttempts(t *testing.T) {
	w := realmtest.New(t)
	fail(t, w, evil, "demo", 6)
	for range 2 {
		if n, err := w.Realm.Attempts.Reset(t.Context(), "Demo", ""); err != nil || n == 0 {
			t.Fatal(n, err)
		}
		wantGuess(t, w.Realm, evil, "demo", "wrong", login.ErrCredentials)
	}
	for n := range 100 {
		_ = guess(t, w.Realm, evil, fmt.Sprint("user", n), "x")
	}
	wantGuess(t, w.Realm, evil, "demo", "Ch4ng31t", login.ErrLimited)
	if n, err := w.Realm.Attempts.Reset(t.Context(), "", evil); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	wantGuess(t, w.Realm, evil, "demo", "Ch4ng31t", nil)
}

// People type passwords where names belong. Nothing of what they typed is in the
// database, nor a digest that can be guessed without the realm's key.
func TestAttemptsKeepNoNames(t *testing.T) {
	w := realmtest.New(t)
	typed := "my-Secret-Passw0rd"
	_ = guess(t, w.Realm, home, typed, "x")
	for _, line := range w.Observer.Told() {
		if strings.Contains(line, typed) {
			t.Error(line)
		}
	}
	rows := dump(t, w, "SELECT name || ' ' || source FROM attempts")
	if len(rows) != 3 {
		t.Fatalf("rows %q", rows)
	}
	other := realmtest.New(t) // the same names under another key
	_ = guess(t, other.Realm, home, typed, "x")
	again := dump(t, other, "SELECT name || ' ' || source FROM attempts")
	for n, row := range rows {
		if strings.Contains(row, typed) || strings.Contains(row, home) || row == again[n] {
			t.Errorf("row %q", row)
		}
	}
}

func dump(t *testing.T, w *realmtest.World, query string) (rows []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	backup, err := w.Store.Backup(t.Context(), w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = backup.Close() }()
	content, err := io.ReadAll(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	found, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var row string
		if err := found.Scan(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// A thousand people behind one address may come at once: of a source only the
// failures count.
func TestManySignInFromOneSourceAtOnce(t *testing.T) {
	w := realmtest.New(t, func(s *realm.Settings) {
		users := map[string]realmtest.User{}
		for n := range 300 {
			users[fmt.Sprint("user", n)] = realmtest.User{ID: fmt.Sprint("user", n), Password: "right"}
		}
		s.Services["staff"] = realmtest.NewUsers("staff", users)
	})
	var all sync.WaitGroup
	for n := range 300 {
		all.Go(func() {
			if err := guess(t, w.Realm, office, fmt.Sprint("user", n), "right"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
