package oidc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/oidc"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const callback = "https://auth.example.com/oauth2/login/callback"

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.FieldsFunc(l.text.String(), func(r rune) bool { return r == '\n' })
}

// memory is a store of the two steps alone. What it gives has been JSON, as with
// every other.
type memory struct {
	store.Store

	mu       sync.Mutex
	accounts map[store.Account]store.SeenAccount
	fault    error
}

func (m *memory) RememberAccount(_ context.Context, seen store.SeenAccount) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, err := json.Marshal(seen.Claims)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	seen.Claims = nil
	if err := decoder.Decode(&seen.Claims); err != nil {
		return err
	}
	if m.fault == nil {
		m.accounts[seen.Account] = seen
	}
	return m.fault
}

func (m *memory) SeenAccount(_ context.Context, realm string, account store.Account) (store.SeenAccount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen, there := m.accounts[account]
	if m.fault == nil && (!there || seen.Realm != realm) {
		return store.SeenAccount{}, store.ErrNotFound
	}
	return seen, m.fault
}

// world is a provider and a realm that uses it.
type world struct {
	*fake
	service login.Redirects
	store   *memory
	logged  *logged
	clock   *clock
}

func newWorld(t *testing.T, adjust ...func(*oidc.Settings)) *world {
	t.Helper()
	st := &memory{accounts: map[store.Account]store.SeenAccount{}}
	c := &clock{now: time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC)}
	w := &world{fake: newFake(t, c), store: st, logged: new(logged), clock: c}
	w.service = w.open(t, adjust...)
	return w
}

// open makes the service anew, as a new configuration or another node would.
func (w *world) open(t *testing.T, adjust ...func(*oidc.Settings)) login.Redirects {
	t.Helper()
	settings := oidc.Settings{Issuer: w.URL, ClientID: "caddy", ClientSecret: oauth.NewSecret("s e:cret")}
	for _, change := range adjust {
		change(&settings)
	}
	service, err := oidc.Open(settings)
	if err != nil {
		t.Fatal(err)
	}
	return service.Bind("corp", login.Binding{
		Realm: "/", Store: w.store, Log: slog.New(slog.NewTextHandler(w.logged, nil)), Now: w.clock.Now,
	}).(login.Redirects)
}

// depart begins a sign-in.
func (w *world) depart(t *testing.T, d login.Departure) (location, kept string) {
	t.Helper()
	d.Callback = callback
	location, kept, err := w.service.Depart(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) > login.MaxKept {
		t.Fatalf("%d bytes to keep", len(kept))
	}
	return location, kept
}

// signIn goes all the way; the browser may change the answer that it brings.
func (w *world) signIn(t *testing.T, changes ...func(url.Values)) (login.Arrival, error) {
	t.Helper()
	location, kept := w.depart(t, login.Departure{})
	answer := w.authorize(t, location)
	for _, change := range changes {
		change(answer)
	}
	return w.service.Arrive(t.Context(), answer, callback, kept)
}

// wantFault is an error that is not the user's doing and says so.
func wantFault(t *testing.T, what string, err error, says string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s: somebody is signed in", what)
	case errors.Is(err, login.ErrCredentials), errors.Is(err, login.ErrNoAccount):
		t.Errorf("%s: is told as wrong credentials: %v", what, err)
	case !strings.Contains(err.Error(), says):
		t.Errorf("%s: %v\nwant it to say %q", what, err, says)
	case oauth.AsError(err).Status != 503:
		t.Errorf("%s: status %d", what, oauth.AsError(err).Status)
	}
}

// wantRefused is a sign-in that did not come about, for a fixed reason.
func wantRefused(t *testing.T, what string, err error, reason string) {
	t.Helper()
	var no *login.RedirectRefused
	if !errors.As(err, &no) || !errors.Is(err, login.ErrCredentials) || no.Reason != reason {
		t.Errorf("%s: %v\nwant the reason %s", what, err, reason)
	}
}

func account(ctx context.Context, w *world, id string) error {
	_, err := w.service.Account(ctx, id)
	return err
}
