package authserver_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// party is a node as those know it who make tokens at it and ask it about them.
type party interface {
	mint(t testing.TB, format string, lifetime time.Duration) (oauth.Secret, time.Time)
	opens(text oauth.Secret) bool
	keySet(t testing.TB) jwk.Set
}

// parties are nodes without HTTP.
func parties(nodes []*node) (all []party) {
	for _, n := range nodes {
		all = append(all, n)
	}
	return all
}

// remote is a verifier that knows our key set as HTTP caches do: it asks one
// node or the other again when max-age is over, and never before.
type remote struct {
	t     testing.TB
	nodes []party

	mu      sync.Mutex
	fetched time.Time
	asked   int
	set     jwk.Set
}

func (r *remote) opens(now time.Time, text oauth.Secret) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !now.Before(r.fetched.Add(keys.CacheTime)) {
		r.asked++
		r.set, r.fetched = r.nodes[r.asked%len(r.nodes)].keySet(r.t), now
	}
	return verifies(r.set, text)
}

// load mints on one node and verifies on the other and remotely, without end.
type load struct {
	w      *realmtest.World
	nodes  []party
	remote *remote

	// standing is held for reading while a token must not expire under the check.
	standing sync.RWMutex

	mu     sync.Mutex
	alive  []issued
	checks atomic.Int64
}

type issued struct {
	text    oauth.Secret
	jwt     bool
	expires time.Time
}

// round mints one token and verifies it, and one that was minted before.
func (l *load) round(t testing.TB, i int) {
	l.standing.RLock()
	defer l.standing.RUnlock()
	format, lifetime := oauth.FormatJWT, store.MaxAccessTokenLifetime
	if i%2 == 1 {
		lifetime = 10 * time.Minute
	}
	if i%5 == 4 {
		format = oauth.FormatOpaque
	}
	text, expires := l.nodes[i%2].mint(t, format, lifetime)
	made := issued{text, format == oauth.FormatJWT, expires}
	l.mu.Lock()
	const kept = 4096
	if len(l.alive) < kept {
		l.alive = append(l.alive, made)
	} else {
		l.alive[i%kept] = made
	}
	earlier := l.alive[(i*2654435761)%len(l.alive)]
	l.mu.Unlock()
	for _, one := range []issued{made, earlier} {
		// The clocks of the nodes are apart.
		if now := l.w.Clock.Now(); one.expires.Sub(now) > time.Minute {
			l.verify(t, one, now)
		}
	}
}

func (l *load) verify(t testing.TB, one issued, now time.Time) {
	l.checks.Add(1)
	for i, n := range l.nodes {
		if !n.opens(one.text) {
			t.Errorf("node %d refuses a token that is valid until %v, at %v", i, one.expires, now)
		}
	}
	if one.jwt && !l.remote.opens(now, one.text) {
		t.Errorf("the remote verifier refuses a token that is valid until %v, at %v", one.expires, now)
	}
}

// One rotation is begun on either node, 100 times, while tokens are minted and
// verified. The clocks of the nodes are half a minute apart.
func TestF18_AHundredRotationsUnderLoadRefuseNoValidToken(t *testing.T) {
	w := realmtest.New(t)
	nodes := []*node{newNode(t, w, 0), newNode(t, w, 30*time.Second)}
	rotateUnderLoad(t, w, nodes, parties(nodes), 100)
}

// rotateUnderLoad begins rotations on either of two nodes while tokens are minted
// and verified.
func rotateUnderLoad(t *testing.T, w *realmtest.World, nodes []*node, parties []party, rotations int) {
	t.Helper()
	l := &load{w: w, nodes: parties, remote: &remote{t: t, nodes: parties}}
	done, rounds := make(chan struct{}), make(chan struct{})
	var working sync.WaitGroup
	for worker := range 2 {
		working.Go(func() {
			for i := worker; ; i += 2 {
				l.round(t, i)
				select {
				case <-done:
					return
				case rounds <- struct{}{}:
				}
			}
		})
	}
	used := map[string]bool{nodes[0].signer(t): true}
	for round := range rotations {
		for _, kind := range []keys.Kind{signing, {Purpose: store.KeyAccess, Algorithm: "XC20P"}} {
			if _, err := nodes[round%2].RotateKey(t.Context(), nodes[0].realm.Name, kind, false); err != nil {
				t.Fatal(err)
			}
		}
		for range 31 {
			l.standing.Lock()
			w.Clock.Advance(time.Minute)
			l.standing.Unlock()
			tick(t, nodes...) // under load
			<-rounds
		}
		used[nodes[0].signer(t)] = true
		if t.Failed() {
			break
		}
	}
	close(done)
	working.Wait()
	if len(used) != rotations+1 {
		t.Errorf("%d keys have signed, want %d", len(used), rotations+1)
	}
	// A day after it was replaced a key is retired, and that is 46 rotations later.
	if states := nodes[0].states(); states[store.KeyActive] != 1 || states[store.KeyRetiring] > 50 || states[store.KeyRetired] < rotations-60 {
		t.Errorf("in the end there are %v", states)
	}
	t.Logf("%d rotations, 0 valid tokens refused in %d verifications on two nodes and remotely", rotations, l.checks.Load())
}

// Removed in an emergency, a key is refused by the node that removed it at once,
// by the other when it has read the change, and remotely when the cache is over.
func TestF18_ARemovedKeyIsRefusedWithinItsBound(t *testing.T) {
	w := realmtest.New(t)
	nodes := []*node{newNode(t, w, 0), newNode(t, w, 30*time.Second)}
	removeUnderEyes(t, w, nodes, parties(nodes), 20)
}

// removeUnderEyes removes the key that signs, again and again.
func removeUnderEyes(t *testing.T, w *realmtest.World, nodes []*node, parties []party, removals int) {
	t.Helper()
	elsewhere := &remote{t: t, nodes: parties}
	var removed []oauth.Secret
	for round := range removals {
		text, _ := parties[round%2].mint(t, oauth.FormatJWT, time.Hour)
		if !elsewhere.opens(w.Clock.Now(), text) {
			t.Fatal("refused before")
		}
		before := []uint64{nodes[0].realm.Keys.Generation(), nodes[1].realm.Keys.Generation()}
		if err := nodes[0].RemoveKey(t.Context(), "/", nodes[0].signer(t)); err != nil {
			t.Fatal(err)
		}
		removed = append(removed, text)
		if parties[0].opens(text) {
			t.Fatal("the node that removed it takes it")
		}
		nodes[1].Read(t.Context())
		if parties[1].opens(text) {
			t.Fatal("the other node takes it")
		}
		for i, n := range nodes {
			if n.realm.Keys.Generation() == before[i] {
				t.Errorf("node %d: verdicts that rest on the key stay", i)
			}
			fresh, _ := parties[i].mint(t, oauth.FormatJWT, time.Hour)
			if !parties[0].opens(fresh) || !parties[1].opens(fresh) {
				t.Errorf("node %d makes tokens that are refused", i)
			}
		}
		w.Clock.Advance(keys.CacheTime)
		for i, text := range removed {
			if elsewhere.opens(w.Clock.Now(), text) || parties[0].opens(text) || parties[1].opens(text) {
				t.Errorf("token %d of a removed key is accepted after the bound", i)
			}
		}
	}
	if states := nodes[0].states(); states[store.KeyActive] != 1 || states[store.KeyRetired] != removals {
		t.Errorf("in the end there are %v", states)
	}
}
