package token_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// logStore keeps a revocation log as a store must. Positions may be taken
// before they become visible, as by transactions that commit late.
type logStore struct {
	store.Store
	mu       sync.Mutex
	log      map[int64]store.Revocation
	last     int64
	lifetime time.Duration // how long a revoked grant stands in the log
	page     int           // entries a read, 0 for all
	fault    error
	reads    int
}

func newLogStore() *logStore {
	return &logStore{log: map[int64]store.Revocation{}, lifetime: 10 * time.Minute}
}

// take reserves a position, put makes an entry visible there.
func (l *logStore) take() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	return l.last
}

func (l *logStore) put(position int64, entry store.Revocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log[position] = entry
}

func (l *logStore) Revocations(_ context.Context, after int64, now time.Time) ([]store.Revocation, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	if l.fault != nil {
		return nil, 0, l.fault
	}
	var entries []store.Revocation
	next := after
	for position := after + 1; position <= l.last; position++ {
		entry, visible := l.log[position]
		if !visible {
			continue
		}
		if l.page > 0 && len(entries) == l.page {
			break
		}
		next = position
		if entry.Expires.After(now) {
			entries = append(entries, entry)
		}
	}
	return entries, next, nil
}

func (l *logStore) RevokeToken(_ context.Context, realm, tokenID string, expires, _ time.Time) error {
	if l.fault != nil {
		return l.fault
	}
	l.put(l.take(), store.Revocation{Realm: realm, Kind: store.RevokedToken, Key: tokenID, Expires: expires})
	return nil
}

func (l *logStore) RevokeGrant(_ context.Context, realm, id string, now time.Time) error {
	if l.fault != nil {
		return l.fault
	}
	l.put(l.take(), store.Revocation{Realm: realm, Kind: store.RevokedGrant, Key: id, Expires: now.Add(l.lifetime)})
	return nil
}

func (l *logStore) RevokeAll(_ context.Context, reach store.Reach, now time.Time) (store.Ended, error) {
	if l.fault != nil {
		return store.Ended{}, l.fault
	}
	l.put(l.take(), reach.Revocation(now))
	return store.Ended{Grants: 1}, nil
}

func refresh(t *testing.T, r *token.Revocations, now time.Time) {
	t.Helper()
	if err := r.Refresh(context.Background(), now); err != nil {
		t.Fatal(err)
	}
}

func ready(t *testing.T, st store.Store) *token.Revocations {
	t.Helper()
	r := token.NewRevocations(st)
	refresh(t, r, start)
	return r
}

func TestRevocationsAreReadyAfterTheFirstRead(t *testing.T) {
	st := newLogStore()
	st.put(st.take(), store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: "old", Expires: start.Add(time.Hour)})
	st.fault = errors.New("no disk")
	r := token.NewRevocations(st)
	if r.Ready() {
		t.Error("ready before anything was read")
	}
	if err := r.Refresh(context.Background(), start); !errors.Is(err, st.fault) || r.Ready() {
		t.Errorf("after a failed read: %v, ready %v", err, r.Ready())
	}
	st.fault = nil
	refresh(t, r, start)
	if !r.Ready() || !r.Revoked("/", token.Lineage{ID: "old"}) {
		t.Error("the log was read, but is not in the set")
	}
}

func TestRevokedHereAtOnceAndElsewhereAfterARead(t *testing.T) {
	ctx := context.Background()
	st := newLogStore()
	here, there := ready(t, st), ready(t, st)
	if err := here.RevokeToken(ctx, "/", "jti", start.Add(time.Minute), start); err != nil {
		t.Fatal(err)
	}
	if err := here.RevokeGrant(ctx, "/", "gid", start); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		realm, tokenID, grantID string
		want                    bool
	}{
		{"/", "jti", "", true},
		{"/", "jti", "other", true},
		{"/", "other", "gid", true},
		{"/", "other", "", false},
		{"/", "other", "other", false},
		// A token's id is no grant's, and a realm is no other (AS57).
		{"/", "gid", "jti", false},
		{"/b", "jti", "gid", false},
		{"", "jti", "gid", false},
	}
	check := func(name string, r *token.Revocations) {
		for _, tt := range tests {
			if got := r.Revoked(tt.realm, token.Lineage{ID: tt.tokenID, GrantID: tt.grantID}); got != tt.want {
				t.Errorf("%s: %+v: revoked is %v", name, tt, got)
			}
		}
	}
	check("here", here)
	if there.Revoked("/", token.Lineage{ID: "jti", GrantID: "gid"}) {
		t.Error("known there before the log was read")
	}
	refresh(t, there, start.Add(time.Second))
	check("there", there)
	refresh(t, here, start.Add(time.Second))
	check("here after a read", here)
}

func TestAS61_RevocationThatWasNotStoredIsAnError(t *testing.T) {
	ctx := context.Background()
	st := newLogStore()
	r := ready(t, st)
	st.fault = errors.New("no disk")
	if err := r.RevokeToken(ctx, "/", "jti", start.Add(time.Minute), start); !errors.Is(err, st.fault) {
		t.Errorf("token: %v", err)
	}
	if err := r.RevokeGrant(ctx, "/", "gid", start); !errors.Is(err, st.fault) {
		t.Errorf("grant: %v", err)
	}
}

func TestEpochChangesWithEveryNewRevocation(t *testing.T) {
	ctx := context.Background()
	st := newLogStore()
	r := ready(t, st)
	last := r.Epoch()
	step := func(name string, changes bool, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if now := r.Epoch(); (now != last) != changes {
			t.Errorf("%s: epoch %d to %d", name, last, now)
		}
		last = r.Epoch()
	}
	expires := start.Add(time.Hour)
	step("nothing new", false, func() error { return r.Refresh(ctx, start) })
	step("token", true, func() error { return r.RevokeToken(ctx, "/", "a", expires, start) })
	step("same token", false, func() error { return r.RevokeToken(ctx, "/", "a", expires, start) })
	step("grant", true, func() error { return r.RevokeGrant(ctx, "/", "a", start) })
	step("own entries read", false, func() error { return r.Refresh(ctx, start.Add(time.Second)) })
	st.put(st.take(), store.Revocation{Realm: "/", Kind: store.RevokedGrant, Key: "b", Expires: expires})
	step("another node's entry", true, func() error { return r.Refresh(ctx, start.Add(2*time.Second)) })
}

// An entry may become visible after others that stand behind it: what was read
// lately is read again.
func TestLateCommitsAreFound(t *testing.T) {
	for _, warmUp := range []int{0, 1, 60} {
		t.Run(fmt.Sprintf("after %d s", warmUp), func(t *testing.T) {
			st := newLogStore()
			r := ready(t, st)
			now := start
			tick := func() {
				now = now.Add(time.Second)
				st.put(st.take(), store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: now.String(), Expires: now.Add(time.Hour)})
				refresh(t, r, now)
			}
			for range warmUp {
				tick()
			}
			late := st.take()
			for range 8 {
				tick()
			}
			if r.Revoked("/", token.Lineage{ID: "late"}) {
				t.Fatal("known before it was committed")
			}
			st.put(late, store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: "late", Expires: now.Add(time.Hour)})
			tick()
			if !r.Revoked("/", token.Lineage{ID: "late"}) {
				t.Error("a late commit was missed")
			}
		})
	}
}

// What has been read long enough ago is not read again.
func TestReadPositionMovesOn(t *testing.T) {
	st := newLogStore()
	r := ready(t, st)
	first := st.take()
	st.put(first, store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: "first", Expires: start.Add(time.Hour)})
	for s := range 30 {
		refresh(t, r, start.Add(time.Duration(s)*time.Second))
	}
	st.put(first, store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: "changed", Expires: start.Add(time.Hour)})
	refresh(t, r, start.Add(30*time.Second))
	if r.Revoked("/", token.Lineage{ID: "changed"}) {
		t.Error("the whole log is read each time")
	}
}

func TestClockSetBackLosesNoRevocation(t *testing.T) {
	st := newLogStore()
	r := token.NewRevocations(st)
	first := st.take()
	st.put(first, store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: "first", Expires: start.Add(time.Hour)})
	for s := range 30 {
		refresh(t, r, start.Add(time.Duration(s)*time.Second))
	}
	back := start.Add(-time.Hour)
	for s := range 30 {
		now := back.Add(time.Duration(s) * time.Second)
		key := now.String()
		st.put(st.take(), store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: key, Expires: now.Add(time.Hour)})
		refresh(t, r, now)
		if !r.Revoked("/", token.Lineage{ID: key}) {
			t.Fatalf("%d s after the jump a revocation is missed", s)
		}
	}
	// Nor does it make each read longer than the one before.
	st.put(first, store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: "changed", Expires: start.Add(time.Hour)})
	st.put(first+15, store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: "long read", Expires: start.Add(time.Hour)})
	refresh(t, r, back.Add(30*time.Second))
	if r.Revoked("/", token.Lineage{ID: "changed"}) || r.Revoked("/", token.Lineage{ID: "long read"}) {
		t.Error("the read position stands still")
	}
}

func TestLogIsReadInPages(t *testing.T) {
	st := newLogStore()
	st.page = 10
	for i := range 95 {
		st.put(st.take(), store.Revocation{Realm: "/", Kind: store.RevokedToken, Key: fmt.Sprint(i), Expires: start.Add(time.Hour)})
	}
	r := ready(t, st)
	for i := range 95 {
		if !r.Revoked("/", token.Lineage{ID: fmt.Sprint(i)}) {
			t.Fatalf("entry %d was not read", i)
		}
	}
}

func TestExpiredRevocationsAreDropped(t *testing.T) {
	ctx := context.Background()
	st := newLogStore()
	r := ready(t, st)
	expires := start.Add(10 * time.Minute)
	if err := r.RevokeToken(ctx, "/", "jti", expires, start); err != nil {
		t.Fatal(err)
	}
	// The grant's end here is a guess until the log has told it.
	if err := r.RevokeGrant(ctx, "/", "gid", start); err != nil {
		t.Fatal(err)
	}
	for now := start; now.Before(expires.Add(2 * time.Minute)); now = now.Add(time.Second) {
		refresh(t, r, now)
		if !r.Revoked("/", token.Lineage{ID: "jti"}) || !r.Revoked("/", token.Lineage{GrantID: "gid"}) {
			t.Fatalf("dropped %v after the token's expiry: clocks differ", now.Sub(expires))
		}
	}
	refresh(t, r, expires.Add(5*time.Minute))
	if r.Revoked("/", token.Lineage{ID: "jti"}) || r.Revoked("/", token.Lineage{GrantID: "gid"}) {
		t.Error("kept for ever")
	}
}

// While the store cannot be reached the last known set holds.
func TestFailedReadKeepsTheSet(t *testing.T) {
	st := newLogStore()
	r := ready(t, st)
	if err := r.RevokeGrant(context.Background(), "/", "gid", start); err != nil {
		t.Fatal(err)
	}
	st.fault = errors.New("no disk")
	if err := r.Refresh(context.Background(), start.Add(24*time.Hour)); err == nil {
		t.Fatal("no error")
	}
	if !r.Ready() || !r.Revoked("/", token.Lineage{GrantID: "gid"}) {
		t.Error("the set was lost")
	}
}

// Lookups, revocations and reads may run at once (with -race), and nobody sees
// a new epoch before the revocation that it stands for.
func TestEpochNeverRunsAheadOfTheSet(t *testing.T) {
	ctx := context.Background()
	st := newLogStore()
	r := ready(t, st)
	before := r.Epoch()
	const grants = 200
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range grants {
			if err := r.RevokeGrant(ctx, "/", fmt.Sprint(i), start); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for i := range 20 {
			if err := r.Refresh(ctx, start.Add(time.Duration(i)*time.Second)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for {
				seen := r.Epoch() - before
				if seen > 0 && !r.Revoked("/", token.Lineage{GrantID: fmt.Sprint(seen - 1)}) {
					t.Error("the epoch changed before the set")
					return
				}
				if seen == grants {
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestRevokedAllocatesNothing(t *testing.T) {
	r := ready(t, newLogStore())
	if err := r.RevokeGrant(context.Background(), "/", grantID, start); err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(1000, func() {
		_ = r.Revoked("/", token.Lineage{ID: "some-token-id", GrantID: grantID})
		_ = r.Epoch()
	})
	if allocs != 0 {
		t.Errorf("%v allocations a lookup", allocs)
	}
}
