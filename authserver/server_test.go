package authserver_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	rootIssuer      = "https://auth.example.com/oauth2"
	customersIssuer = rootIssuer + "/realms/root/realms/customers"
	scriptOrigin    = "https://spa.example.com"
)

// house is a backend with a configuration of two realms over it.
type house struct {
	*realmtest.World
	backend *authserver.Backend
	config  authserver.Config
	server  *authserver.Server
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{World: realmtest.New(t)}
	h.backend = h.open(t, 0)
	root, customers := h.Settings("/", rootIssuer), h.Settings("/customers", customersIssuer)
	customers.JSONAuthenticate = false
	root.Clients[0].CORSOrigins = []string{scriptOrigin}
	h.config = authserver.Config{Realms: []realm.Settings{root, customers}}
	if err := h.config.Check(); err != nil {
		t.Fatal(err)
	}
	h.server = h.serve(t, h.config)
	return h
}

func (h *house) open(t testing.TB, keyByte byte) *authserver.Backend {
	t.Helper()
	backend, err := h.tryOpen(t, keyByte)
	if err != nil {
		t.Fatal(err)
	}
	return backend
}

func (h *house) tryOpen(t testing.TB, keyByte byte) (*authserver.Backend, error) {
	t.Helper()
	key := make([]byte, 32)
	key[0] = keyByte
	wrapper, err := keys.NewWrapper(key)
	if err != nil {
		t.Fatal(err)
	}
	return authserver.OpenBackend(t.Context(), h.Store, wrapper, h.Hasher, slog.New(slog.DiscardHandler), h.Clock.Now)
}

func (h *house) serve(t testing.TB, config authserver.Config) *authserver.Server {
	t.Helper()
	server, err := authserver.New(t.Context(), config, h.backend, authserver.Options{
		Observer: h.Observer, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// post sends a form of a confidential client to a path.
func (h *house) post(server *authserver.Server, path string, adjust func(*http.Request), pairs ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(realmtest.Values(pairs...).Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	id := h.config.Realms[0].Clients[0].ID
	request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(realmtest.Secret(id)))
	if adjust != nil {
		adjust(request)
	}
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, request)
	return recorder
}

func (h *house) keySet(t *testing.T, server *authserver.Server, path string) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	if recorder.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, recorder.Code, recorder.Body)
	}
	return recorder.Body.String()
}

func TestAS60_EarlyDataIsTooEarly(t *testing.T) {
	h := newHouse(t)
	early := func(r *http.Request) { r.Header.Set("Early-Data", "1") }
	for _, path := range []string{"/oauth2/access_token", "/oauth2/token/revoke", "/oauth2/introspect", "/oauth2/authorize"} {
		if answer := h.post(h.server, path, early, "grant_type", "client_credentials"); answer.Code != http.StatusTooEarly {
			t.Errorf("%s: status %d, want 425", path, answer.Code)
		}
	}
	for complete, want := range map[bool]bool{false: true, true: false} {
		over := func(r *http.Request) { r.TLS = &tls.ConnectionState{HandshakeComplete: complete} }
		answer := h.post(h.server, "/oauth2/access_token", over, "grant_type", "client_credentials")
		if early := answer.Code == http.StatusTooEarly; early != want {
			t.Errorf("handshake complete %v: status %d", complete, answer.Code)
		}
	}
	if answer := h.post(h.server, "/oauth2/access_token", nil, "grant_type", "client_credentials"); answer.Code == http.StatusTooEarly {
		t.Error("a request after the handshake is too early")
	}
}

func TestAS16_ScriptsOfListedOriginsReadTokensAndNobodyTheAuthorizationEndpoint(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		path, origin, method string
		want                 string
	}{
		{"/oauth2/access_token", scriptOrigin, http.MethodPost, scriptOrigin},
		{"/oauth2/access_token", scriptOrigin, http.MethodOptions, scriptOrigin},
		{"/oauth2/access_token", "https://evil.test", http.MethodPost, ""},
		{"/oauth2/access_token", "https://evil.test", http.MethodOptions, ""},
		{"/oauth2/access_token", "null", http.MethodPost, ""},
		{"/oauth2/realms/root/realms/customers/access_token", scriptOrigin, http.MethodPost, ""},
		{"/oauth2/introspect", scriptOrigin, http.MethodPost, ""},
		{"/oauth2/authorize", scriptOrigin, http.MethodPost, ""},
		{"/oauth2/authorize", scriptOrigin, http.MethodOptions, ""},
		{"/oauth2/login", scriptOrigin, http.MethodPost, ""},
		{"/oauth2/consent", scriptOrigin, http.MethodPost, ""},
		{"/json/authenticate", scriptOrigin, http.MethodPost, ""},
		{"/oauth2/connect/jwk_uri", "https://anyone.test", http.MethodGet, "https://anyone.test"},
		{"/oauth2/.well-known/openid-configuration", "https://anyone.test", http.MethodGet, "https://anyone.test"},
	} {
		answer := h.post(h.server, c.path, func(r *http.Request) {
			r.Method = c.method
			r.Header.Set("Origin", c.origin)
			r.Header.Set("Access-Control-Request-Method", http.MethodPost)
		})
		if got := answer.Header().Get("Access-Control-Allow-Origin"); got != c.want {
			t.Errorf("%s %s from %s: allowed %q, want %q", c.method, c.path, c.origin, got, c.want)
		}
		if answer.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s: credentials are allowed", c.method, c.path)
		}
	}
}

func TestAS57_RealmsHaveKeysOfTheirOwn(t *testing.T) {
	h := newHouse(t)
	root := h.keySet(t, h.server, "/oauth2/connect/jwk_uri")
	if customers := h.keySet(t, h.server, "/oauth2/customers/connect/jwk_uri"); root == customers {
		t.Error("two realms publish the same keys")
	}
}

func TestAS56_EveryFormOfTheMetadataAddressGivesTheSameDocument(t *testing.T) {
	h := newHouse(t)
	for issuer, paths := range map[string][]string{
		rootIssuer: {
			"/oauth2/.well-known/openid-configuration", "/oauth2/.well-known/oauth-authorization-server",
			"/.well-known/openid-configuration/oauth2", "/.well-known/oauth-authorization-server/oauth2",
			"/oauth2/realms/root/.well-known/openid-configuration",
		},
		customersIssuer: {
			"/oauth2/realms/root/realms/customers/.well-known/openid-configuration",
			"/oauth2/customers/.well-known/openid-configuration",
			"/oauth2/.well-known/openid-configuration?realm=/customers",
			"/.well-known/oauth-authorization-server/oauth2/realms/root/realms/customers",
		},
	} {
		for _, path := range paths {
			if document := h.keySet(t, h.server, path); !strings.Contains(document, `"issuer":"`+issuer+`"`) {
				t.Errorf("%s: %s", path, document)
			}
		}
	}
}

func TestASecondServerOverTheSameBackendKeepsItsKeys(t *testing.T) {
	h := newHouse(t)
	before := h.keySet(t, h.server, "/oauth2/connect/jwk_uri")
	if after := h.keySet(t, h.serve(t, h.config), "/oauth2/connect/jwk_uri"); after != before {
		t.Error("a new configuration made new keys")
	}
	// One algorithm more makes one key more and leaves the others.
	h.config.Realms[0].Clients[0].IDTokenAlgorithm = oauth.ES384
	more := h.keySet(t, h.serve(t, h.config), "/oauth2/connect/jwk_uri")
	if !strings.Contains(more, "ES384") || len(more) <= len(before) {
		t.Errorf("no key for ES384: %s", more)
	}
}

func TestAnotherEncryptionKeyIsRefusedWithItsReason(t *testing.T) {
	h := newHouse(t)
	if _, err := h.tryOpen(t, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := h.tryOpen(t, 1); err == nil || !strings.Contains(err.Error(), "encryption key is not the one") {
		t.Errorf("got %v", err)
	}
}

func TestAStoreThatCannotBeReadOpensNoBackend(t *testing.T) {
	h := newHouse(t)
	h.Store.Fail("Revocations")
	if _, err := h.tryOpen(t, 0); err == nil || !strings.Contains(err.Error(), "revocation log") {
		t.Errorf("got %v", err)
	}
}

func TestTwoRealmsNeverShareAnIssuerOrAName(t *testing.T) {
	w := realmtest.New(t)
	twice := authserver.Config{Realms: []realm.Settings{w.Settings("/", rootIssuer), w.Settings("/", rootIssuer)}}
	if err := twice.Check(); err == nil || !strings.Contains(err.Error(), "there twice") {
		t.Errorf("got %v", err)
	}
	if err := (authserver.Config{}).Check(); err == nil {
		t.Error("a configuration without realms passes")
	}
}

// counting is a store that only counts what the background work asks of it.
type counting struct {
	store.Store
	revocations, purges int
	expired             int           // rows that can be deleted
	takes               time.Duration // how long a deletion takes
	lost                bool          // whether another node holds the lease
}

// Changed implements store.Store: nobody else writes.
func (*counting) Changed() <-chan struct{} { return nil }

// Restored implements store.Store: it was not.
func (*counting) Restored(context.Context, bool, time.Time, time.Time) (store.Restoration, error) {
	return store.Restoration{}, nil
}

// LeasedUntil implements store.Store: never before.
func (*counting) LeasedUntil(context.Context, string) (time.Time, error) { return time.Time{}, nil }

// Clock implements store.Store: there is none.
func (*counting) Clock(context.Context) (time.Time, error) { return time.Time{}, nil }

func (c *counting) Remember(_ context.Context, _, value string) (string, error) { return value, nil }

func (c *counting) Revocations(context.Context, int64, time.Time) ([]store.Revocation, int64, error) {
	c.revocations++
	return nil, 0, nil
}

// ClientChanges and SwitchChanges give nothing.
func (*counting) ClientChanges(context.Context, int64) ([]store.StoredClient, int64, error) {
	return nil, 0, nil
}

func (*counting) SwitchChanges(context.Context, int64) ([]store.Switches, int64, error) {
	return nil, 0, nil
}

// LogEnds implements store.Store: nothing was lost.
func (*counting) LogEnds(context.Context) (store.LogEnds, error) {
	return store.LogEnds{Denials: math.MaxInt64}, nil
}

func (*counting) KeyChanges(_ context.Context, after int64) ([]string, int64, error) {
	return nil, after, nil
}

func (c *counting) Lease(context.Context, string, string, time.Time, time.Time) (bool, error) {
	return !c.lost, nil
}

func (c *counting) DeleteExpired(ctx context.Context, _ time.Time, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c.purges++
	<-time.After(c.takes)
	deleted := min(limit, c.expired)
	c.expired -= deleted
	return deleted, nil
}

func TestTheBackgroundWorkReadsRevocationsAndPurgesUntilItIsToldToStop(t *testing.T) {
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			st := &counting{lost: lost, expired: 175}
			runAMinute(t, st)
			if st.revocations != 1+60 {
				t.Errorf("the revocation log was read %d times in a minute, want once at first and once a second", st.revocations)
			}
			if want := map[bool]int{false: 3 + 12, true: 0}[lost]; st.purges != want {
				t.Errorf("another node has the lease: %v; %d purges in a minute, want %d: one each 5 s, and three at once for 175 rows", lost, st.purges, want)
			}
		})
	}
}

func TestDeletionsLeaveTheStoreToRequests(t *testing.T) {
	for _, takes := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 2 * time.Second, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			st := &counting{expired: math.MaxInt32, takes: takes}
			runAMinute(t, st)
			if share := time.Duration(st.purges) * takes; share < 15*time.Second || share > 20*time.Second {
				t.Errorf("with no end of expired rows %d deletions of %s took %s of a minute, want about a third of it", st.purges, takes, share)
			}
		})
	}
}

func runAMinute(t *testing.T, st *counting) {
	t.Helper()
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	backend, err := authserver.OpenBackend(t.Context(), st, wrapper, hashing.New(), slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Millisecond)
	defer cancel()
	backend.Run(ctx)
}
