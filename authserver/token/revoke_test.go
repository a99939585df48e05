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

// bornAt is a token of everything that can be revoked: granted, issued and
// signed in for so many seconds after start.
func bornAt(signedIn, granted, issued int) token.Lineage {
	return token.Lineage{
		ID: "jti", GrantID: token.NewGrantID(after(granted)), Subject: "alice", ClientID: "web", SessionID: "s1",
		IssuedAt: after(issued).Unix(), AuthTime: after(signedIn).Unix(),
	}
}

func after(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// What was given up to the second of a revocation is dead, and what is given in
// the next lives: a token says the time in whole seconds.
func TestCL12_RevokedAllUpToTheSecond(t *testing.T) {
	for name, c := range map[string]struct {
		reach store.Reach
		cause store.RevocationKind
		token token.Lineage
		dead  bool
	}{
		"subject, token of before":                      {store.Reach{Subject: "alice"}, store.RevokedSubject, bornAt(90, 95, 99), true},
		"subject, token of that second":                 {store.Reach{Subject: "alice"}, store.RevokedSubject, bornAt(100, 100, 100), true},
		"subject, token of the next":                    {store.Reach{Subject: "alice"}, store.RevokedSubject, bornAt(101, 101, 101), false},
		"subject, refreshed elsewhere after":            {store.Reach{Subject: "alice"}, store.RevokedSubject, bornAt(90, 95, 101), true},
		"subject, granted after by an old session":      {store.Reach{Subject: "alice"}, store.RevokedSubject, bornAt(90, 101, 101), true},
		"another subject":                               {store.Reach{Subject: "bob"}, 0, bornAt(90, 95, 99), false},
		"client, token of before":                       {store.Reach{ClientID: "web"}, store.RevokedClient, bornAt(90, 95, 99), true},
		"client, token of that second":                  {store.Reach{ClientID: "web"}, store.RevokedClient, bornAt(90, 100, 100), true},
		"client, refreshed elsewhere after":             {store.Reach{ClientID: "web"}, store.RevokedClient, bornAt(90, 100, 101), true},
		"client, granted after: the session is no part": {store.Reach{ClientID: "web"}, store.RevokedClient, bornAt(90, 101, 101), false},
		"another client":                                {store.Reach{ClientID: "alice"}, 0, bornAt(90, 95, 99), false},
		"session, whenever granted":                     {store.Reach{SessionID: "s1"}, store.RevokedSession, bornAt(101, 101, 101), true},
		"another session":                               {store.Reach{SessionID: "s2"}, 0, bornAt(90, 95, 99), false},
		"consent, granted before":                       {store.Reach{Subject: "alice", ClientID: "web"}, store.RevokedConsent, bornAt(90, 100, 101), true},
		"consent, granted after":                        {store.Reach{Subject: "alice", ClientID: "web"}, store.RevokedConsent, bornAt(90, 101, 101), false},
		"consent for another client":                    {store.Reach{Subject: "alice", ClientID: "spa"}, 0, bornAt(90, 95, 99), false},
		"consent of another subject":                    {store.Reach{Subject: "web", ClientID: "alice"}, 0, bornAt(90, 95, 99), false},
	} {
		t.Run(name, func(t *testing.T) {
			c.reach.Realm = "/"
			st := newLogStore()
			here, there := ready(t, st), ready(t, st)
			if _, err := here.RevokeAll(context.Background(), c.reach, after(100)); err != nil {
				t.Fatal(err)
			}
			refresh(t, there, after(101))
			for node, r := range map[string]*token.Revocations{"here": here, "there": there} {
				if got := r.Revoked("/", c.token); got != c.dead {
					t.Errorf("%s: revoked is %v", node, got)
				}
				if got := r.Cause("/", c.token); got != c.cause && c.dead || got != 0 && !c.dead {
					t.Errorf("%s: the cause is %d", node, got)
				}
				if r.Revoked("/b", c.token) {
					t.Errorf("AS57: %s: dead in another realm", node)
				}
			}
		})
	}
}

// A token of client credentials has no grant, and one of an older program may
// have a grant with another kind of id.
func TestTokensWithoutATimeOfGrantAreAsOldAsTheySay(t *testing.T) {
	r := ready(t, newLogStore())
	if _, err := r.RevokeClient(context.Background(), "/", "machine", after(100)); err != nil {
		t.Fatal(err)
	}
	for _, grantID := range []string{"", "x", "zz", "0195520f7e807000800000000000000Z"} {
		for issued, dead := range map[int]bool{99: true, 100: true, 101: false} {
			of := token.Lineage{ID: "jti", GrantID: grantID, Subject: "machine", ClientID: "machine", IssuedAt: after(issued).Unix()}
			if r.Revoked("/", of) != dead {
				t.Errorf("grant %q, issued at %d: revoked is not %v", grantID, issued, dead)
			}
		}
	}
}

// A revocation of the same again moves its time on, wherever it comes from and in
// whatever order.
func TestRevokedAgainNeverGoesBack(t *testing.T) {
	ctx := context.Background()
	st := newLogStore()
	r := ready(t, st)
	for _, now := range []int{100, 300, 200} {
		if _, err := r.RevokeSubject(ctx, "/", "alice", after(now)); err != nil {
			t.Fatal(err)
		}
	}
	refresh(t, r, after(301))
	late := ready(t, st)
	for _, node := range []*token.Revocations{r, late} {
		if !node.Revoked("/", bornAt(300, 300, 300)) || node.Revoked("/", bornAt(301, 301, 301)) {
			t.Error("the latest revocation does not hold")
		}
	}
}

func TestAS61_RevocationOfAllThatWasNotStoredIsAnError(t *testing.T) {
	st := newLogStore()
	r := ready(t, st)
	st.fault = errors.New("no disk")
	if _, err := r.RevokeSession(context.Background(), "/", "s1", start); !errors.Is(err, st.fault) {
		t.Errorf("got %v", err)
	}
	if r.Revoked("/", bornAt(0, 0, 0)) {
		t.Error("what is not durable counts")
	}
}

// An entry outlives every token that it speaks of, and no longer: the memory of
// a node that runs for years has an end.
func TestRevokedAllIsForgottenWhenNoTokenCanBeAlive(t *testing.T) {
	st := newLogStore()
	r := ready(t, st)
	if _, err := r.RevokeClient(context.Background(), "/", "web", start); err != nil {
		t.Fatal(err)
	}
	refresh(t, r, start.Add(store.MaxAccessTokenLifetime))
	if !r.Revoked("/", bornAt(0, 0, 0)) {
		t.Error("forgotten too soon")
	}
	refresh(t, r, start.Add(store.MaxAccessTokenLifetime+time.Hour))
	if r.Revoked("/", bornAt(0, 0, 0)) {
		t.Error("kept for ever")
	}
	// And is found when it comes again.
	now := start.Add(48 * time.Hour)
	if _, err := r.RevokeClient(context.Background(), "/", "web", now); err != nil {
		t.Fatal(err)
	}
	if !r.Revoked("/", bornAt(0, 0, 0)) {
		t.Error("revoked again, and not dead")
	}
}

// Readers, writers and the reader of the log may meet (with -race): whoever was
// told that a subject is revoked finds it so.
func TestRevokedAllAtOnce(t *testing.T) {
	ctx := context.Background()
	st := newLogStore()
	r := ready(t, st)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 50 {
				of := bornAt(0, 0, 0)
				of.Subject = fmt.Sprint(n, "-", i)
				if _, err := r.RevokeSubject(ctx, "/", of.Subject, start); err != nil {
					t.Error(err)
				}
				if !r.Revoked("/", of) {
					t.Errorf("%s lives on", of.Subject)
				}
				if i%10 == 0 {
					refresh(t, r, after(i))
				}
			}
		})
	}
	wg.Wait()
}

func TestRevokedAllAllocatesNothing(t *testing.T) {
	r := ready(t, newLogStore())
	ctx := context.Background()
	for _, reach := range []store.Reach{
		{Realm: "/", Subject: "bob"}, {Realm: "/", ClientID: "spa"}, {Realm: "/", SessionID: "s2"}, {Realm: "/", Subject: "alice", ClientID: "spa"},
	} {
		if _, err := r.RevokeAll(ctx, reach, start); err != nil {
			t.Fatal(err)
		}
	}
	of := bornAt(0, 0, 0)
	if allocs := testing.AllocsPerRun(1000, func() {
		if r.Revoked("/", of) {
			t.Error("revoked")
		}
	}); allocs != 0 {
		t.Errorf("%v allocations a lookup", allocs)
	}
}
