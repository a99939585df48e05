package factor_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

const (
	issuer = "https://auth.example.com/oauth2"
	origin = "https://auth.example.com"
	rpID   = "auth.example.com"
	laptop = "cookie of the laptop"
)

var (
	start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	alice = store.Account{Service: "staff", ID: "alice"}
	bob   = store.Account{Service: "staff", ID: "bob"}
)

// world is the factors of two realms over one store, with a clock.
type world struct {
	*factor.Factors
	other *factor.Factors
	store *realmtest.Store
	ring  *keys.Ring

	mu   sync.Mutex
	now  time.Time
	told []string
	// failing is the step of the store that fails.
	failing string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	st, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	must(t, err)
	w := &world{store: &realmtest.Store{Store: st}, now: start}
	open := func(realm string) *factor.Factors {
		ring, err := keys.Open(t.Context(), st, wrapper, realm, nil, start)
		must(t, err)
		if realm == "/" {
			w.ring = ring
		}
		return factor.New(factor.Parts{
			Store: w.store, Keys: ring, Realm: realm, Issuer: issuer, Name: "Example: Inc.", Now: w.clock, Tell: w.tell,
		})
	}
	w.Factors, w.other = open("/"), open("/other")
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) tell(_ context.Context, account store.Account, event audit.Event, details ...audit.Detail) {
	w.mu.Lock()
	defer w.mu.Unlock()
	line := account.ID + " " + string(event)
	for _, detail := range details {
		line += fmt.Sprintf(" %s=%s", detail.Key, detail.Value)
	}
	w.told = append(w.told, line)
}

// wantTold compares what was told since the last call.
func (w *world) wantTold(t *testing.T, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.told, want) {
		t.Errorf("told %q, want %q", w.told, want)
	}
	w.told = nil
}

// rotate gives the realm another factor key at once.
func (w *world) rotate(t *testing.T) {
	t.Helper()
	_, err := w.ring.Rotate(t.Context(), keys.Kind{Purpose: store.KeyFactor, Algorithm: "HS256"}, true, w.clock())
	must(t, err)
}

// stored is all that the database says of an account, as text.
func (w *world) stored(t *testing.T, account store.Account) string {
	t.Helper()
	rows, err := w.store.Credentials(t.Context(), "/", account)
	must(t, err)
	var text strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&text, "%+v\n", row)
	}
	return text.String()
}

// removeAll takes all that an account has.
func (w *world) removeAll(t *testing.T, account store.Account) {
	t.Helper()
	_, err := w.RemoveAll(t.Context(), account)
	must(t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
