package authserver_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const day = 24 * time.Hour

func rotatingEvery(age time.Duration) func(*realm.Settings) {
	return func(s *realm.Settings) { s.KeyRotation = age }
}

// Of the nodes of an empty database, all the same key signs.
func TestAS54_FiveNodesOnAnEmptyDatabaseHaveOneActiveKey(t *testing.T) {
	w := realmtest.New(t)
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	settings := w.Settings("/customers", customersIssuer)
	signers := make([]string, 5)
	var starting sync.WaitGroup
	for i := range signers {
		starting.Go(func() {
			backend, err := authserver.OpenBackend(t.Context(), w.Store, wrapper, w.Hasher, slog.New(slog.DiscardHandler), w.Clock.Now)
			if err != nil {
				t.Error(err)
				return
			}
			server, err := authserver.New(t.Context(), authserver.Config{Realms: []realm.Settings{settings}}, backend,
				authserver.Options{Observer: w.Observer, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Error(err)
				return
			}
			served, _ := server.Realm("/customers")
			for _, algorithm := range []string{oauth.ES256, oauth.RS256} {
				signer, err := served.Keys.Signer(algorithm)
				if err != nil {
					t.Error(err)
				}
				signers[i] += " " + signer.KeyID
			}
		})
	}
	starting.Wait()
	for _, signer := range signers {
		if signer != signers[0] {
			t.Fatalf("they sign with %v", signers)
		}
	}
	rows, err := w.Store.Keys(t.Context(), "/customers")
	if err != nil {
		t.Fatal(err)
	}
	active := map[keys.Kind]int{}
	for _, key := range rows {
		if key.State == store.KeyActive {
			active[keys.Kind{Purpose: key.Purpose, Algorithm: key.Algorithm}]++
		}
	}
	for kind, n := range active {
		if n != 1 {
			t.Errorf("%d active keys of %v", n, kind)
		}
	}
}

// Ten nodes find at once that a key is old, and later that the next has waited.
func TestF18_TenNodesRotateAtOnceAndOneKeyFollows(t *testing.T) {
	w := realmtest.New(t)
	nodes := make([]*node, 10)
	for i := range nodes {
		nodes[i] = newNode(t, w, time.Duration(i-5)*6*time.Second, rotatingEvery(90*day))
	}
	together := func() {
		t.Helper()
		var working sync.WaitGroup
		for _, n := range nodes {
			working.Go(func() { tick(t, n) })
		}
		working.Wait()
		tick(t, nodes...)
	}
	first := nodes[0].signer(t)
	w.Clock.Advance(90*day + time.Minute)
	together()
	for _, n := range nodes {
		if states := n.states(); states[store.KeyActive] != 1 || states[store.KeyNext] != 1 || len(states) != 2 || n.signer(t) != first {
			t.Fatalf("a node knows %v and signs with %s", states, n.signer(t))
		}
	}
	w.Clock.Advance(12 * time.Minute)
	together()
	for _, n := range nodes {
		if states := n.states(); states[store.KeyActive] != 1 || states[store.KeyRetiring] != 1 || len(states) != 2 || n.signer(t) != nodes[0].signer(t) {
			t.Fatalf("a node knows %v and signs with %s", states, n.signer(t))
		}
	}
	if nodes[0].signer(t) == first {
		t.Error("the old key still signs")
	}
}

// F10: a node whose clock was years ahead has taken the lease of the rotation and
// died. The nodes that come after it still rotate.
func TestF10_ALeaseOfTheRotationFromTheFutureIsTakenOver(t *testing.T) {
	w := realmtest.New(t)
	astray := newNode(t, w, 10*365*day, rotatingEvery(90*day))
	tick(t, astray)
	right := newNode(t, w, 0, rotatingEvery(90*day))
	before := right.signer(t)
	pass(t, w, time.Hour, right) // what the other began goes on
	if right.signer(t) == before {
		t.Error("no key has followed")
	}
}

// F10: a node whose clock is known to be an hour ahead takes no step: by its clock
// the next key has been published for long enough, and verifiers do not have it.
func TestF10_ANodeWhoseClockIsAstrayRotatesNothing(t *testing.T) {
	w := realmtest.New(t)
	right := newNode(t, w, 0)
	if err := right.Purge(t.Context()); err != nil { // by which others know the time
		t.Fatal(err)
	}
	ahead := newNode(t, w, time.Hour)
	before := right.signer(t)
	if _, err := right.RotateKey(t.Context(), "/", signing, false); err != nil {
		t.Fatal(err)
	}
	tick(t, ahead, right)
	if right.signer(t) != before {
		t.Error("a key signs that nobody has seen yet")
	}
	pass(t, w, 12*time.Minute, ahead, right)
	if right.signer(t) == before {
		t.Error("the node that is right does not rotate either")
	}
}

// By age alone: every kind but refresh is replaced, and what was is retired when
// nothing that it made can be alive.
func TestAS54_KeysAreReplacedByAge(t *testing.T) {
	w := realmtest.New(t)
	n := newNode(t, w, 0, rotatingEvery(2*day))
	if _, err := n.AssertionKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	nonce, err := n.NonceKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pass(t, w, 2*day+20*time.Minute, n)
	for _, ring := range n.KeyRings() {
		states := map[string]int{}
		for _, key := range ring.Rows {
			states[string(key.Purpose)+" "+key.Algorithm+" "+key.State.String()]++
		}
		want := map[string]int{"nonce HS256 active": 1}
		switch ring.Realm {
		case "/":
			want = map[string]int{
				"sign ES256 active": 1, "sign ES256 retiring": 1, "sign RS256 active": 1, "sign RS256 retiring": 1,
				"access XC20P active": 1, "access XC20P retiring": 1, "form HS256 active": 1, "form HS256 retiring": 1, "refresh HS256 active": 1,
				"factor HS256 active": 1,
			}
		case "identity-assertion":
			want = map[string]int{"sign ES256 active": 1}
		}
		if len(states) != len(want) {
			t.Errorf("realm %q has %v", ring.Realm, states)
		}
		for what, count := range want {
			if states[what] != count {
				t.Errorf("realm %q has %d of %s, want %d", ring.Realm, states[what], what, count)
			}
		}
	}
	pass(t, w, 25*time.Hour, n)
	if states := n.states(); states[store.KeyRetiring] != 0 || states[store.KeyRetired] != 1 {
		t.Errorf("a day and an hour later: %v", states)
	}
	// Those of no realm are replaced when they are 90 days old.
	w.Clock.Advance(90 * day)
	tick(t, n)
	w.Clock.Advance(2 * time.Minute)
	tick(t, n)
	if now, err := n.NonceKey(t.Context()); err != nil || string(now) == string(nonce) {
		t.Errorf("the key of nonces is the same after 90 days: %v", err)
	}
}

// A clock that leaps, either way and back again, costs no valid token.
func TestALeapOfTheClockRetiresNothingAndRotatesOnce(t *testing.T) {
	for _, leap := range []time.Duration{time.Hour, 3650 * day, -time.Hour, -3650 * day} {
		w := realmtest.New(t)
		n := newNode(t, w, 0, rotatingEvery(90*day))
		text, _ := n.mint(t, oauth.FormatJWT, store.MaxAccessTokenLifetime)
		if _, err := n.RotateKey(t.Context(), "/", signing, true); err != nil {
			t.Fatal(err)
		}
		tick(t, n)
		w.Clock.Advance(leap)
		for range 5 {
			tick(t, n)
		}
		if states := n.states(); states[store.KeyActive] != 1 || states[store.KeyNext] > 1 || states[store.KeyRetiring] != 1 || states[store.KeyRetired] != 0 {
			t.Errorf("after a leap of %v: %v", leap, states)
		}
		w.Clock.Advance(-leap)
		for range 5 {
			tick(t, n)
		}
		if !n.opens(text) {
			t.Errorf("after a leap of %v and back a valid token is refused", leap)
		}
		// What was begun under the wrong clock comes to its end.
		pass(t, w, 3*time.Hour, n)
		if states := n.states(); states[store.KeyActive] != 1 || states[store.KeyNext] != 0 {
			t.Errorf("three hours after a leap of %v: %v", leap, states)
		}
	}
}

// A node that was not given the new encryption key goes on with what it has, and
// says how to mend it; with the key it catches up.
func TestAS53_ANodeWithTheOldEncryptionKeyGoesOn(t *testing.T) {
	w := realmtest.New(t)
	old := newNode(t, w, 0)
	kid := old.signer(t)
	rewrapping := newNode(t, w, 0)
	newKey := make([]byte, 32)
	newKey[0] = 1
	wrapper, err := keys.NewWrapper(newKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := rewrapping.UseEncryptionKey(t.Context(), wrapper); err != nil {
		t.Fatal(err)
	}
	if n, err := rewrapping.RewrapKeys(t.Context()); err != nil || n == 0 {
		t.Fatalf("%d keys, %v", n, err)
	}
	tick(t, old, rewrapping) // it knows what was wrapped
	if _, err := rewrapping.RotateKey(t.Context(), "/", signing, true); err != nil {
		t.Fatal(err)
	}
	err = old.Tick(t.Context())
	if err == nil || !strings.Contains(err.Error(), "put that into the configuration of this node") {
		t.Errorf("it says %v", err)
	}
	text, _ := old.mint(t, oauth.FormatJWT, time.Hour)
	if old.signer(t) != kid || !old.opens(text) || !rewrapping.opens(text) {
		t.Error("its tokens are not good")
	}
	if _, err := old.RotateKey(t.Context(), "/", signing, false); err == nil {
		t.Error("it stores a key that others cannot open")
	}
	if err := old.UseEncryptionKey(t.Context(), wrapper); err != nil {
		t.Fatal(err)
	}
	tick(t, old)
	if old.signer(t) != rewrapping.signer(t) {
		t.Error("it has not caught up")
	}
}

// One node has an external key in its configuration first, the other follows.
func TestAS54_AnExternalKeySignsOnNoNodeBeforeOthersCanKnowIt(t *testing.T) {
	w := realmtest.New(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	external, err := keys.NewExternal("", private)
	if err != nil {
		t.Fatal(err)
	}
	withSigner := func(s *realm.Settings) { s.Signers = []keys.External{external} }
	without := newNode(t, w, 0)
	first := newNode(t, w, 30*time.Second, withSigner)
	elsewhere := &remote{t: t, nodes: parties([]*node{first})}
	if first.signer(t) != without.signer(t) {
		t.Error("it signs before anybody knows it")
	}
	text, _ := first.mint(t, oauth.FormatJWT, time.Hour)
	if !elsewhere.opens(w.Clock.Now(), text) {
		t.Error("refused")
	}
	pass(t, w, 5*time.Minute, first, without)
	second := newNode(t, w, 0, withSigner)
	pass(t, w, 7*time.Minute, first, second)
	for _, n := range []*node{first, second} {
		text, _ := n.mint(t, oauth.FormatJWT, time.Hour)
		if n.signer(t) != external.KeyID() || !first.opens(text) || !second.opens(text) || !elsewhere.opens(w.Clock.Now(), text) {
			t.Errorf("%s signs", n.signer(t))
		}
	}
}

// broken is a key service that cannot be reached.
type broken struct{ *ecdsa.PrivateKey }

func (broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("canary: connection refused")
}

func TestAS61_AnExternalKeyThatCannotSignIs503(t *testing.T) {
	w := realmtest.New(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	external, err := keys.NewExternal("", broken{private})
	if err != nil {
		t.Fatal(err)
	}
	var id string
	n := newNode(t, w, 0, func(s *realm.Settings) {
		s.Signers = []keys.External{external}
		id = s.Clients[0].ID
	})
	pass(t, w, 12*time.Minute, n)
	request := httptest.NewRequest(http.MethodPost, "/oauth2/access_token", strings.NewReader("grant_type=client_credentials"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(realmtest.Secret(id)))
	recorder := httptest.NewRecorder()
	n.server.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusServiceUnavailable || recorder.Header().Get("Retry-After") == "" || strings.Contains(recorder.Body.String(), "canary") {
		t.Errorf("%d %v %s", recorder.Code, recorder.Header(), recorder.Body)
	}
}

// Every algorithm that a realm can sign with is verified by another's library.
func TestEveryAlgorithmIsVerifiedByItsPublishedKey(t *testing.T) {
	w := realmtest.New(t)
	algorithms := []string{oauth.RS256, oauth.PS256, oauth.ES256, oauth.ES384, oauth.EdDSA}
	n := newNode(t, w, 0, func(s *realm.Settings) {
		for i, algorithm := range algorithms {
			client := s.Clients[0]
			client.ID += algorithm
			client.IDTokenAlgorithm = algorithms[i]
			s.Clients = append(s.Clients, client)
		}
	})
	for _, algorithm := range algorithms {
		text, err := n.realm.Tokens.MintID(idTokenAt(n.now()), algorithm)
		if err != nil || !verifies(n.keySet(t), text) {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}
