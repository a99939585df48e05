package keys_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// memory keeps keys as a store must. Every other method panics.
type memory struct {
	store.Store
	mu   sync.Mutex
	rows []store.Key
	// listed, when set, runs after each listing: races are made with it.
	listed func()
	fault  error
}

func (m *memory) Keys(_ context.Context, realm string) ([]store.Key, error) {
	m.mu.Lock()
	var rows []store.Key
	for _, row := range m.rows {
		if row.Realm == realm {
			row.Wrapped = slices.Clone(row.Wrapped)
			rows = append(rows, row)
		}
	}
	m.mu.Unlock()
	if m.listed != nil {
		m.listed()
	}
	return rows, m.fault
}

func (m *memory) CreateKey(_ context.Context, key store.Key) (store.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range m.rows {
		if row.Realm == key.Realm && row.Purpose == key.Purpose && row.Algorithm == key.Algorithm && row.State == store.KeyActive {
			return row, nil
		}
	}
	m.rows = append(m.rows, key)
	return key, nil
}

// find gives the row of a purpose and algorithm to look at or to change.
func (m *memory) find(t *testing.T, purpose store.KeyPurpose, algorithm string) *store.Key {
	t.Helper()
	for i := range m.rows {
		if row := &m.rows[i]; row.Purpose == purpose && (algorithm == "" || row.Algorithm == algorithm) {
			return row
		}
	}
	t.Fatalf("no %s key %s is stored", purpose, algorithm)
	return nil
}

var (
	start = time.Unix(1_800_000_000, 0)
	// everyAlgorithm is what Open can make.
	everyAlgorithm = []string{oauth.RS256, oauth.PS256, oauth.ES256, oauth.ES384, oauth.EdDSA}
	fastAlgorithms = []string{oauth.ES256, oauth.EdDSA}
)

func wrapperOf(t testing.TB, fill byte) *keys.Wrapper {
	t.Helper()
	wrapper, err := keys.NewWrapper(slices.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return wrapper
}

func open(t testing.TB, st store.Store, wrapper *keys.Wrapper, realm string, algorithms ...string) *keys.Ring {
	t.Helper()
	ring, err := keys.Open(context.Background(), st, wrapper, realm, algorithms, start)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// fullRows are the stored keys of realm "/" with every algorithm, made once:
// RSA keys take long.
var fullRows = sync.OnceValue(func() []store.Key {
	st := &memory{}
	wrapper, err := keys.NewWrapper(slices.Repeat([]byte{1}, 32))
	if err != nil {
		panic(err)
	}
	if _, err := keys.Open(context.Background(), st, wrapper, "/", everyAlgorithm, start); err != nil {
		panic(err)
	}
	return st.rows
})

// full is a store with keys of every algorithm, wrapped by wrapperOf(1).
func full() *memory { return &memory{rows: slices.Clone(fullRows())} }
