package authserver_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// signing is what access tokens are signed with.
var signing = keys.Kind{Purpose: store.KeySign, Algorithm: oauth.ES256}

// node is one of several over a store, with a clock that is off by ahead.
type node struct {
	*authserver.Backend
	realm  *realm.Realm
	server *authserver.Server
	now    func() time.Time
}

// newNode opens a node whose realm is the root realm of the World.
func newNode(t testing.TB, w *realmtest.World, ahead time.Duration, adjust ...func(*realm.Settings)) *node {
	t.Helper()
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{now: func() time.Time { return w.Clock.Now().Add(ahead) }}
	n.Backend, err = authserver.OpenBackend(t.Context(), w.Store, wrapper, w.Hasher, slog.New(slog.DiscardHandler), n.now)
	if err != nil {
		t.Fatal(err)
	}
	settings := w.Settings("/", rootIssuer)
	for _, change := range adjust {
		change(&settings)
	}
	server, err := authserver.New(t.Context(), authserver.Config{Realms: []realm.Settings{settings}}, n.Backend,
		authserver.Options{Observer: w.Observer, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	n.server = server
	n.realm, _ = server.Realm("/")
	return n
}

// tick does the background work of nodes once.
func tick(t testing.TB, nodes ...*node) {
	t.Helper()
	for _, n := range nodes {
		if err := n.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// pass lets time go by, a minute at a time.
func pass(t testing.TB, w *realmtest.World, span time.Duration, nodes ...*node) {
	t.Helper()
	for range int(span / time.Minute) {
		w.Clock.Advance(time.Minute)
		tick(t, nodes...)
	}
}

// mint makes an access token.
func (n *node) mint(t testing.TB, format string, lifetime time.Duration) (oauth.Secret, time.Time) {
	t.Helper()
	now := n.now()
	text, access, err := n.realm.Tokens.MintAccess(token.Access{
		Subject: "web", ClientID: "web", Audience: []string{realmtest.API}, IssuedAt: now, Expires: now.Add(lifetime),
	}, format)
	if err != nil {
		t.Error(err)
	}
	return text, access.Expires
}

func (n *node) opens(text oauth.Secret) bool {
	_, err := n.realm.Tokens.OpenAccess(text, n.now())
	return err == nil
}

func (n *node) signer(t testing.TB) string {
	t.Helper()
	signer, err := n.realm.Keys.Signer(signing.Algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return signer.KeyID
}

// states counts the keys that sign access tokens.
func (n *node) states() map[store.KeyState]int {
	out := map[store.KeyState]int{}
	for _, key := range n.realm.Keys.Rows() {
		if key.Purpose == signing.Purpose && key.Algorithm == signing.Algorithm {
			out[key.State]++
		}
	}
	return out
}

// verifies says whether somebody else's library takes a token by a key set.
func verifies(set jwk.Set, text oauth.Secret) bool {
	_, err := jws.Verify([]byte(text.Reveal()), jws.WithKeySet(set, jws.WithInferAlgorithmFromKey(false)))
	return err == nil
}

func (n *node) keySet(t testing.TB) jwk.Set {
	t.Helper()
	document, _ := n.realm.Keys.JWKS()
	set, err := jwk.Parse(document)
	if err != nil {
		t.Error(err)
	}
	return set
}

func idTokenAt(now time.Time) token.IDToken {
	return token.IDToken{Subject: "demo", ClientID: "web", AuthTime: now, IssuedAt: now, Expires: now.Add(time.Hour)}
}
