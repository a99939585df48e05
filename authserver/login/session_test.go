package login_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// memory keeps sessions. careless makes it hand out any session of the digest,
// so that only what package login checks itself holds.
type memory struct {
	store.Store
	sessions map[string]store.Session
	careless bool
	touches  int
	reads    int
	fault    error
	revoked  []store.Reach
}

func newMemory() *memory { return &memory{sessions: map[string]store.Session{}} }

func (m *memory) CreateSession(_ context.Context, session store.Session, replaces string) error {
	if m.fault != nil {
		return m.fault
	}
	delete(m.sessions, replaces)
	m.sessions[session.Digest] = session
	return nil
}

func (m *memory) RevokeAll(_ context.Context, reach store.Reach, _ time.Time) (store.Ended, error) {
	m.revoked = append(m.revoked, reach)
	return store.Ended{}, m.fault
}

func (m *memory) Session(_ context.Context, realm, digest string, now time.Time) (store.Session, error) {
	m.reads++
	if m.fault != nil {
		return store.Session{}, m.fault
	}
	session, ok := m.sessions[digest]
	live := session.Realm == realm && now.Before(session.IdleExpires) && now.Before(session.Expires)
	if !ok || !live && !m.careless {
		return store.Session{}, store.ErrNotFound
	}
	return session, nil
}

func (m *memory) TouchSession(_ context.Context, realm, digest string, idleExpires, _ time.Time) error {
	m.touches++
	session, ok := m.sessions[digest]
	if !ok || session.Realm != realm {
		return store.ErrNotFound
	}
	session.IdleExpires = idleExpires
	m.sessions[digest] = session
	return nil
}

var (
	start    = time.Date(2026, 3, 1, 12, 0, 0, 987654321, time.UTC)
	policy   = login.SessionPolicy{Lifetime: 8 * time.Hour, Idle: 30 * time.Minute}
	signedIn = login.SignedIn{
		Account: store.Account{Service: "staff", ID: "1001"}, Subject: "1001",
		ACR: login.ACRPassword, AMR: []string{login.AMRPassword},
	}
)

func begin(t *testing.T, s *login.Sessions, kind store.SessionKind, previous oauth.Secret) (oauth.Secret, store.Session) {
	t.Helper()
	cookie, session, err := s.Start(t.Context(), kind, signedIn, previous, start)
	if err != nil {
		t.Fatal(err)
	}
	return cookie, session
}

func digestOf(cookie oauth.Secret) string {
	sum := sha256.Sum256([]byte(cookie.Reveal()))
	return hex.EncodeToString(sum[:])
}

func TestPG6_StoreNeverSeesTheCookie(t *testing.T) {
	m := newMemory()
	cookie, session := begin(t, login.NewSessions(m, "/", policy), store.SessionBrowser, oauth.Secret{})
	random, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Reveal())
	if err != nil || len(random) != 32 {
		t.Fatalf("the cookie holds %d bytes, %v; want 256 bits of base64url", len(random), err)
	}
	second := start.Truncate(time.Second)
	want := store.Session{
		Digest: digestOf(cookie), ID: session.ID, Realm: "/", Kind: store.SessionBrowser,
		Account: signedIn.Account, Subject: "1001",
		AuthTime: second, ACR: login.ACRPassword, AMR: []string{login.AMRPassword},
		Created: second, IdleExpires: second.Add(30 * time.Minute), Expires: second.Add(8 * time.Hour),
	}
	if !reflect.DeepEqual(session, want) {
		t.Errorf("session %+v\nwant    %+v", session, want)
	}
	if stored := m.sessions[session.Digest]; !reflect.DeepEqual(stored, want) {
		t.Errorf("stored %+v", stored)
	}
	if len(session.ID) < 22 || strings.Contains(cookie.Reveal(), session.ID) || session.ID == session.Digest {
		t.Errorf("sid %q is short or comes from the cookie", session.ID)
	}
}

func TestPG6_SignInRotatesTheSession(t *testing.T) {
	m := newMemory()
	s := login.NewSessions(m, "/", policy)
	first, before := begin(t, s, store.SessionBrowser, oauth.Secret{})
	second, after := begin(t, s, store.SessionBrowser, first)
	if first.Equal(second) || before.Digest == after.Digest {
		t.Error("the second sign-in kept the cookie")
	}
	// The public name opens nothing. Clients know the session by it, and hear of its
	// end under it, however often its user signs in again.
	if before.ID != after.ID || len(m.revoked) != 0 {
		t.Errorf("sid %q became %q, %v was revoked", before.ID, after.ID, m.revoked)
	}
	if _, err := s.Find(t.Context(), store.SessionBrowser, first, start); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the first cookie still works: %v", err)
	}
	if _, err := s.Find(t.Context(), store.SessionBrowser, second, start); err != nil {
		t.Errorf("the second cookie does not: %v", err)
	}
	// A cookie that somebody planted names no session and becomes none.
	planted := oauth.NewSecret(strings.Repeat("A", 43))
	third, _ := begin(t, s, store.SessionBrowser, planted)
	if third.Equal(planted) || len(m.sessions) != 2 {
		t.Errorf("a planted cookie changed what is stored: %d sessions", len(m.sessions))
	}
	// Somebody else at the same browser ends what was there.
	other := signedIn
	other.Account.ID, other.Subject = "1002", "1002"
	_, theirs, err := s.Start(t.Context(), store.SessionBrowser, other, second, start)
	if err != nil || theirs.ID == after.ID || !reflect.DeepEqual(m.revoked, []store.Reach{{Realm: "/", SessionID: after.ID}}) {
		t.Errorf("another user got sid %q after %q, %v was revoked (%v)", theirs.ID, after.ID, m.revoked, err)
	}
}

func TestPG7_IdleAndAbsoluteEnd(t *testing.T) {
	for _, careless := range []bool{false, true} {
		m := newMemory()
		m.careless = careless
		s := login.NewSessions(m, "/", policy)
		cookie, session := begin(t, s, store.SessionBrowser, oauth.Secret{})
		find := func(after time.Duration) error {
			_, err := s.Find(t.Context(), store.SessionBrowser, cookie, session.Created.Add(after))
			return err
		}
		if err := find(30*time.Minute - time.Second); err != nil {
			t.Errorf("inside the idle time: %v", err)
		}
		// The use before has moved the idle end.
		if err := find(45 * time.Minute); err != nil {
			t.Errorf("inside the idle time of the last use: %v", err)
		}
		for now := 70 * time.Minute; now < 8*time.Hour; now += 25 * time.Minute {
			if err := find(now); err != nil {
				t.Fatalf("used all the time, after %v: %v", now, err)
			}
		}
		if err := find(8 * time.Hour); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("used all the time, at the end of its life: %v", err)
		}
		if end := m.sessions[session.Digest].IdleExpires; end.After(session.Expires) {
			t.Errorf("the idle end %v is after the end %v", end, session.Expires)
		}

		cookie, session = begin(t, s, store.SessionBrowser, oauth.Secret{})
		if err := find(30 * time.Minute); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unused for the idle time: %v", err)
		}
	}
}

func TestPG7_AShorterLifetimeHoldsForSessionsThatAreThere(t *testing.T) {
	m := newMemory()
	cookie, _ := begin(t, login.NewSessions(m, "/", policy), store.SessionBrowser, oauth.Secret{})
	shorter := login.NewSessions(m, "/", login.SessionPolicy{Lifetime: 10 * time.Minute, Idle: 30 * time.Minute})
	if _, err := shorter.Find(t.Context(), store.SessionBrowser, cookie, start.Add(9*time.Minute)); err != nil {
		t.Errorf("before its end: %v", err)
	}
	if _, err := shorter.Find(t.Context(), store.SessionBrowser, cookie, start.Add(11*time.Minute)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after its end: %v", err)
	}
}

func TestIdleEndIsWrittenNowAndThen(t *testing.T) {
	for _, test := range []struct {
		idle, every time.Duration
		finds       int
		touches     int
	}{
		{30 * time.Minute, time.Second, 59, 0},
		{30 * time.Minute, time.Second, 60, 1},
		{30 * time.Minute, time.Second, 600, 10},
		{30 * time.Minute, 10 * time.Minute, 6, 6},
		// A short idle time is written more often, or it would end under a user.
		{2 * time.Minute, time.Second, 120, 10},
		{0, time.Minute, 60, 0},
	} {
		m := newMemory()
		s := login.NewSessions(m, "/", login.SessionPolicy{Lifetime: 8 * time.Hour, Idle: test.idle})
		cookie, session := begin(t, s, store.SessionBrowser, oauth.Secret{})
		for i := range test.finds {
			now := session.Created.Add(time.Duration(i+1) * test.every)
			found, err := s.Find(t.Context(), store.SessionBrowser, cookie, now)
			if err != nil {
				t.Fatal(err)
			}
			if !found.IdleExpires.Equal(m.sessions[session.Digest].IdleExpires) {
				t.Fatalf("found idle end %v, stored %v", found.IdleExpires, m.sessions[session.Digest].IdleExpires)
			}
		}
		if m.touches != test.touches {
			t.Errorf("idle %v, %d uses every %v: %d writes, want %d", test.idle, test.finds, test.every, m.touches, test.touches)
		}
	}
}

// A clock that goes back must not shorten or renew anything.
func TestIdleEndNeverMovesBack(t *testing.T) {
	m := newMemory()
	s := login.NewSessions(m, "/", policy)
	cookie, session := begin(t, s, store.SessionBrowser, oauth.Secret{})
	found, err := s.Find(t.Context(), store.SessionBrowser, cookie, start.Add(-10*time.Minute))
	if err != nil || !found.IdleExpires.Equal(session.IdleExpires) || m.touches != 0 {
		t.Errorf("idle end %v after %d writes, %v", found.IdleExpires, m.touches, err)
	}
}

func TestSessionKindsStayApart(t *testing.T) {
	m := newMemory()
	s := login.NewSessions(m, "/", policy)
	kinds := []store.SessionKind{store.SessionBrowser, store.SessionJSON}
	for _, kind := range kinds {
		cookie, _ := begin(t, s, kind, oauth.Secret{})
		for _, asked := range kinds {
			_, err := s.Find(t.Context(), asked, cookie, start)
			if kind == asked && err != nil || kind != asked && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("session of kind %d asked for as %d: %v", kind, asked, err)
			}
		}
	}
}

func TestAS57_SessionOfAnotherRealm(t *testing.T) {
	for _, careless := range []bool{false, true} {
		m := newMemory()
		m.careless = careless
		cookie, _ := begin(t, login.NewSessions(m, "/", policy), store.SessionBrowser, oauth.Secret{})
		_, err := login.NewSessions(m, "/customers", policy).Find(t.Context(), store.SessionBrowser, cookie, start)
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("careless %v: %v, want ErrNotFound", careless, err)
		}
	}
}

func TestFindOfWhatIsNoCookieReadsNothing(t *testing.T) {
	m := newMemory()
	s := login.NewSessions(m, "/", policy)
	for _, cookie := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("A", 1<<20)} {
		if _, err := s.Find(t.Context(), store.SessionBrowser, oauth.NewSecret(cookie), start); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%d bytes: %v", len(cookie), err)
		}
	}
	if m.reads != 0 {
		t.Errorf("%d reads of the store", m.reads)
	}
}

func TestAS61_StoreFaultIsNoVerdict(t *testing.T) {
	m := newMemory()
	s := login.NewSessions(m, "/", policy)
	cookie, _ := begin(t, s, store.SessionBrowser, oauth.Secret{})
	m.fault = errors.New("disk full")
	if got, _, err := s.Start(t.Context(), store.SessionBrowser, signedIn, cookie, start); !errors.Is(err, m.fault) || !got.Empty() {
		t.Errorf("Start gave a cookie (%v) and %v", !got.Empty(), err)
	}
	if _, err := s.Find(t.Context(), store.SessionBrowser, cookie, start); !errors.Is(err, m.fault) {
		t.Errorf("Find: %v", err)
	}
	m.fault = nil
	if _, err := s.Find(t.Context(), store.SessionBrowser, cookie, start); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A session that is ended while it is being found is not found.
func TestFindRacesWithSignOut(t *testing.T) {
	m := newMemory()
	s := login.NewSessions(&ending{m}, "/", policy)
	cookie, _ := begin(t, s, store.SessionBrowser, oauth.Secret{})
	if _, err := s.Find(t.Context(), store.SessionBrowser, cookie, start.Add(5*time.Minute)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// ending loses each session right after it is read.
type ending struct{ *memory }

func (e *ending) Session(ctx context.Context, realm, digest string, now time.Time) (store.Session, error) {
	session, err := e.memory.Session(ctx, realm, digest, now)
	delete(e.sessions, digest)
	return session, err
}
