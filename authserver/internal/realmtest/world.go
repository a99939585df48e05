package realmtest

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// World is a realm and all that it stands on.
type World struct {
	Realm    *realm.Realm
	Store    *Store
	Hasher   *hashing.Hasher
	Clock    *Clock
	Observer *Observer
	// Staff is the realm's default service, LDAP the other that its password
	// grant may use, Guests one that it may not.
	Staff, LDAP, Guests *Users

	logged      *syncBuffer
	revocations *token.Revocations
	wrapper     *keys.Wrapper
}

// New makes a World with the root realm of Settings, changed by adjust.
func New(t testing.TB, adjust ...func(*realm.Settings)) *World {
	t.Helper()
	sql, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sql.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &World{
		Store:    &Store{Store: sql},
		Hasher:   hashing.New(),
		Clock:    &Clock{now: time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC)},
		Observer: &Observer{},
		logged:   &syncBuffer{},
		Staff: NewUsers("staff", map[string]User{
			"demo": {ID: "demo", Password: "Ch4ng31t", Claims: map[string]any{
				"name": "Demo User", "email": "demo@example.com", "email_verified": true, "locale": "en", "desk": "4b",
			}},
			// Its id is a client's: no token may ever bear it as its subject.
			"mallory": {ID: "web", Password: "Ch4ng31t"},
		}),
		LDAP:   NewUsers("ldap", map[string]User{"demo": {ID: "demo", Password: "ldap-Ch4ng31t"}}),
		Guests: NewUsers("guests", map[string]User{"guest": {ID: "guest", Password: "guest"}}),
	}
	if w.wrapper, err = keys.NewWrapper(make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	w.revocations = token.NewRevocations(w.Store)
	if err := w.revocations.Refresh(t.Context(), w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	settings := w.Settings("/", "https://auth.example.com/oauth2")
	for _, change := range adjust {
		change(&settings)
	}
	w.Realm = w.Open(t, settings)
	return w
}

// Open makes another realm over the same store, with keys of its own; or the
// same one with changed settings, as a new configuration would.
func (w *World) Open(t testing.TB, settings realm.Settings) *realm.Realm {
	t.Helper()
	if err := settings.Check(); err != nil {
		t.Fatal(err)
	}
	algorithms := make([]string, 0, 1+len(settings.Clients))
	algorithms = append(algorithms, oauth.ES256)
	for i := range settings.Clients {
		algorithms = append(algorithms, settings.Clients[i].IDTokenAlgorithm)
	}
	ring, err := keys.Open(t.Context(), w.Store, w.wrapper, settings.Name, algorithms, w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return realm.New(settings, realm.Parts{
		Store: w.Store, Keys: ring, Revocations: w.revocations, Hasher: w.Hasher,
		Observer: w.Observer, Audit: w.Observer, Log: slog.New(slog.NewTextHandler(w.logged, nil)), Now: w.Clock.Now, Wait: w.Clock.Wait,
	})
}

// Settings are those of a realm with every grant, the services of the World and
// the clients of Clients.
func (w *World) Settings(name, issuer string) realm.Settings {
	return realm.Settings{
		Name:   name,
		Issuer: issuer,
		Grants: []string{
			oauth.GrantAuthorizationCode, oauth.GrantClientCredentials, oauth.GrantPassword,
			oauth.GrantRefreshToken, oauth.GrantImplicit,
		},
		Resources:        []string{API},
		Clients:          w.clients(),
		Defaults:         defaults(issuer),
		Services:         map[string]login.Service{"staff": w.Staff, "ldap": w.LDAP, "guests": w.Guests},
		DefaultService:   "staff",
		PasswordServices: []string{"staff", "ldap"},
		Session:          login.SessionPolicy{Lifetime: 12 * time.Hour, Idle: time.Hour},
		JSONAuthenticate: true,
	}
}

// defaults is what stored clients of a realm are laid over.
func defaults(issuer string) registration.Defaults {
	out, err := registration.RealmTokens{Issuer: issuer, Resources: []string{API}}.Defaults()
	if err != nil {
		panic(err) // it says nothing that could be wrong
	}
	return out
}

// Logged is everything that was logged so far.
func (w *World) Logged() string { return w.logged.String() }

type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
