package caddymodule

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// brokenStore is a store that remembers proofs as a test says.
type brokenStore struct {
	store.Store
	spend func() error
}

func (s *brokenStore) Spend(context.Context, string, time.Time) error { return s.spend() }

// over is an app without realms that is running over a store.
func over(t *testing.T, st store.Store) *App {
	t.Helper()
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	backend, err := authserver.OpenBackend(t.Context(), st, wrapper, hasher(), log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server, err := authserver.New(t.Context(), authserver.Config{}, backend, authserver.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	app := &App{backend: &pooledBackend{idle: make(chan struct{}, 1)}}
	app.backend.backend.Store(backend)
	app.server.Store(server)
	return app
}

// vouching is an issuer for which every token is good, and bound to its key.
type vouching struct{ key *dpoptest.Key }

func (v vouching) Introspect(context.Context, oauth.Secret) (*introspect.Token, error) {
	jkt := v.key.Thumbprint()
	return &introspect.Token{
		Issuer: "https://idp.test", Subject: "frida", Audience: []string{"https://api.test"}, Expires: time.Now().Add(24 * time.Hour).Unix(),
		Confirmation: introspect.Confirmation{Key: jkt}, Claims: introspect.ClaimsOf(map[string]any{"cnf": map[string]any{"jkt": jkt}}),
	}, nil
}

func (vouching) Current(*introspect.Token) bool { return true }

// proofHandler is a bearer_auth with dpop over an app, which takes the tokens of
// vouching.
func proofHandler(t *testing.T, app *App, key *dpoptest.Key, dpop BearerDPoP, now func() time.Time) *BearerAuth {
	t.Helper()
	b := &BearerAuth{Audience: []string{"https://api.test"}, DPoP: &dpop, log: slog.New(slog.DiscardHandler)}
	config := introspect.Config{
		Issuers:   []introspect.Issuer{{Name: "corp", URL: "https://idp.test", Source: vouching{key}, Opaque: func(string) bool { return true }}},
		Audiences: b.Audience, Leeway: 10 * time.Second, Now: now,
	}
	var err error
	if b.rules, _, err = introspect.NewRules(nil); err != nil {
		t.Fatal(err)
	}
	if err := b.provisionProof(app, &config); err != nil {
		t.Fatal(err)
	}
	if b.introspector, err = introspect.New(config); err != nil {
		t.Fatal(err)
	}
	return b
}

// throughProof sends a request with a new proof through the handler.
func throughProof(b *BearerAuth, key *dpoptest.Key, nonce string, now time.Time) (status int, answer http.Header, passed bool) {
	recorder := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "DPoP opaque")
	r.Header.Set("DPoP", key.Sign(dpoptest.Proof{Method: "GET", Target: "https://api.test/", Token: "opaque", Nonce: nonce, At: now}))
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), recorder, nil)
	err := b.ServeHTTP(recorder, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { passed = true; return nil }))
	var refused caddyhttp.HandlerError
	if errors.As(err, &refused) {
		return refused.StatusCode, recorder.Header(), passed
	}
	return http.StatusOK, recorder.Header(), passed
}

// A store that cannot tell is 503, and a panic in it 500. Neither lets a request
// in.
func TestG77_F33_RS39_NoRequestPassesWithoutTheRegister(t *testing.T) {
	db, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	st, key := &brokenStore{Store: db}, dpoptest.NewKey()
	app := over(t, st)
	b := proofHandler(t, app, key, BearerDPoP{}, time.Now)
	for name, c := range map[string]struct {
		spend  func() error
		status int
	}{
		"good":    {func() error { return nil }, http.StatusOK},
		"spent":   {func() error { return store.ErrExists }, http.StatusUnauthorized},
		"fault":   {func() error { return errors.New("database is gone") }, http.StatusServiceUnavailable},
		"verdict": {func() error { return store.ErrNotFound }, http.StatusServiceUnavailable},
		"panic":   {func() error { panic("secret") }, http.StatusInternalServerError},
	} {
		st.spend = c.spend
		status, answer, passed := throughProof(b, key, "", time.Now())
		if status != c.status || passed != (c.status == http.StatusOK) {
			t.Errorf("%s: status %d, want %d; passed: %v", name, status, c.status, passed)
		}
		if told := answer.Get("WWW-Authenticate"); status == http.StatusServiceUnavailable && (answer.Get("Retry-After") == "" || told != "") {
			t.Errorf("%s: headers %v", name, answer)
		}
	}
	if users := app.backend.users.Load(); users != 0 {
		t.Errorf("%d uses of the store were not given back", users)
	}
	st.spend = func() error { return nil }
	app.backend.closed.Store(true)
	if status, _, passed := throughProof(b, key, "", time.Now()); status != http.StatusServiceUnavailable || passed {
		t.Errorf("with the store closed: status %d, passed: %v", status, passed)
	}
}

// RFC 9449 §8.2: a client need not fail to learn of the next nonce.
func TestRFC9449_8_ASuccessBringsTheNextNonceBeforeTheOldOneEnds(t *testing.T) {
	db, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	key, now := dpoptest.NewKey(), time.Now().Truncate(time.Hour)
	b := proofHandler(t, over(t, db), key, BearerDPoP{Nonce: caddy.Duration(5 * time.Minute)}, func() time.Time { return now })
	_, answer, _ := throughProof(b, key, "", now)
	nonce, began := answer.Get("DPoP-Nonce"), now
	for minutes, want := range map[int]struct {
		status int
		next   bool
	}{4: {200, false}, 6: {200, true}, 11: {401, true}} {
		now = began.Add(time.Duration(minutes) * time.Minute)
		status, answer, _ := throughProof(b, key, nonce, now)
		next := answer.Get("DPoP-Nonce")
		if status != want.status || (next != "") != want.next || next == nonce {
			t.Errorf("after %d minutes: status %d, next nonce %q", minutes, status, next)
		}
		if exposed := strings.Join(answer.Values("Access-Control-Expose-Headers"), ","); strings.Contains(exposed, "DPoP-Nonce") != want.next {
			t.Errorf("after %d minutes: exposed to scripts: %q", minutes, exposed)
		}
	}
}

// A gateway without realms has no store until dpop needs one.
func TestAGatewayOpensTheStoreWhenAProofNeedsIt(t *testing.T) {
	for option, opens := range map[string]bool{``: false, `,"dpop":{}`: true} {
		w := newWorld(t)
		app := w.load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},"apps":{` +
			`"oauth2":{"storage":{"module":"sqlite","path":` + strconv.Quote(w.database()) + `}},` +
			`"http":{"servers":{"x":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"bearer_auth","issuers":["https://idp.test"],"audience":["https://api.test"]` + option + `}]}]}}}}}`))
		if open := app.backend != nil && app.backend.backend.Load() != nil; open != opens || hasContent(w.database()) != opens {
			t.Errorf("%q: the store is open: %v, want %v", option, open, opens)
		}
		w.stop()
		if left := w.references(); left != 0 {
			t.Errorf("%q: %d uses of the store are left", option, left)
		}
	}
}
