package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

const (
	// deafAfter is how long a node may have heard nothing before it reads all
	// clients anew: of those removed meanwhile nothing may be left to hear of.
	deafAfter = 30 * time.Minute
	// codesWithin is how old a code can be that is still good, whatever the clock
	// of the node that made it.
	codesWithin = 10 * time.Minute
)

// Clients changes the clients and switches that live in the store, and tells the
// realms of the changes, those of other nodes included.
type Clients struct {
	store  store.Store
	hasher *hashing.Hasher
	now    func() time.Time
	// revocations end what deleted clients were given.
	revocations *token.Revocations

	mu       sync.Mutex // one change or reading at a time, told in their order
	position int64
	switched int64
	heard    time.Time

	books struct {
		sync.Mutex
		byRealm map[string]*realm.Book
	}
}

// Clients gives the clients of the store.
func (b *Backend) Clients() *Clients { return b.clients }

func newClients(st store.Store, revocations *token.Revocations, hasher *hashing.Hasher, now func() time.Time) *Clients {
	c := &Clients{store: st, hasher: hasher, now: now, revocations: revocations}
	c.books.byRealm = map[string]*realm.Book{}
	return c
}

// book gives what the store says of a realm, kept for all configurations.
func (c *Clients) book(name string) *realm.Book {
	c.books.Lock()
	defer c.books.Unlock()
	if c.books.byRealm[name] == nil {
		c.books.byRealm[name] = realm.NewBook(c.hasher)
	}
	return c.books.byRealm[name]
}

// all gives every book there is.
func (c *Clients) all() map[string]*realm.Book {
	c.books.Lock()
	defer c.books.Unlock()
	out := make(map[string]*realm.Book, len(c.books.byRealm))
	for name, book := range c.books.byRealm {
		out[name] = book
	}
	return out
}

// refresh reads what other nodes have changed.
func (c *Clients) refresh(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(ctx)
}

// positions are how far the changes of clients and of switches were read.
func (c *Clients) positions() (clients, switches int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.position, c.switched
}

// rewind has the next reading read all anew.
func (c *Clients) rewind() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.position, c.switched, c.heard = 0, 0, time.Time{}
}

func (c *Clients) read(ctx context.Context) error {
	// By the clock on the wall: a machine that slept has not counted that time.
	now := c.now().Round(0)
	anew := c.heard.IsZero() || now.Sub(c.heard).Abs() > deafAfter
	after := c.position
	if anew {
		after = 0
	}
	changes, next, err := c.store.ClientChanges(ctx, after)
	if err != nil {
		return err
	}
	byRealm := map[string][]store.StoredClient{}
	for i := range changes {
		byRealm[changes[i].Realm] = append(byRealm[changes[i].Realm], changes[i])
	}
	if anew {
		for name, book := range c.all() {
			book.Replace(byRealm[name])
			delete(byRealm, name)
		}
	}
	for name, some := range byRealm {
		c.book(name).Apply(some)
	}
	c.position, c.heard = next, now
	switches, next, err := c.store.SwitchChanges(ctx, c.switched)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for i := range switches {
		c.book(switches[i].Realm).Switch(switches[i])
		told[switches[i].Realm] = true
	}
	if c.switched == 0 { // these are all that there are
		for name, book := range c.all() {
			if !told[name] {
				book.Switch(store.Switches{})
			}
		}
	}
	c.switched = next
	return nil
}

// change takes a step of the store and tells what it changed. A step that is
// committed is done, and its caller must know, even when this node cannot read it
// at once: it reads again within a second.
func (c *Clients) change(ctx context.Context, step func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := step(); err != nil {
		return err
	}
	_ = c.read(ctx)
	return nil
}

// Create stores a new client. When it returns without error the client is
// durable, and known to this node. store.ErrExists when its id is taken.
func (c *Clients) Create(ctx context.Context, realmName string, written registration.Client, secrets []store.StoredSecret) (store.StoredClient, error) {
	row, err := c.row(realmName, written)
	if err != nil {
		return row, err
	}
	row.Secrets, row.Created = secrets, row.Updated
	return row, c.change(ctx, func() (err error) {
		row.Version, err = c.store.CreateClient(ctx, row)
		return err
	})
}

// Replace puts another registration in the place of the one that has version, or
// of any when that is 0. Codes that were given out for other redirect URIs,
// grants or ways to authenticate end with it (CL11). store.ErrConflict and
// store.ErrNotFound as the store gives them.
func (c *Clients) Replace(ctx context.Context, realmName string, written registration.Client, version int64) (store.StoredClient, error) {
	row, err := c.row(realmName, written)
	if err != nil {
		return row, err
	}
	before, err := c.store.StoredClient(ctx, realmName, row.ID)
	if err != nil {
		return row, err
	}
	if version != 0 && version != before.Version {
		return row, store.ErrConflict
	}
	codesFrom := c.codesFrom(before, &written)
	// What was compared is what is replaced.
	row.Version = before.Version
	err = c.change(ctx, func() (err error) {
		row.Version, err = c.store.ReplaceClient(ctx, row, codesFrom)
		return err
	})
	if err != nil {
		return row, err
	}
	return c.store.StoredClient(ctx, realmName, row.ID)
}

// codesFrom is from which grant on codes end when written takes the place of what
// was registered before; "" is none.
func (c *Clients) codesFrom(before store.StoredClient, written *registration.Client) string {
	var old registration.Client
	if err := json.Unmarshal([]byte(before.Registration), &old); err == nil && !registration.EndsCodes(&old, written) {
		return ""
	}
	return token.GrantIDFrom(c.now().Add(-codesWithin))
}

// row is a registration as it is stored. Secrets lie apart.
func (c *Clients) row(realmName string, written registration.Client) (store.StoredClient, error) {
	written.Secrets = nil
	text, err := json.Marshal(written)
	if err != nil {
		return store.StoredClient{}, fmt.Errorf("a registration as JSON: %w", err)
	}
	return store.StoredClient{
		Realm: realmName, ID: written.ID, Registration: string(text), Updated: c.now().UTC().Truncate(time.Second),
	}, nil
}

// Delete removes the client that has version, or any when that is 0, and with it
// its grants and tokens, for good: a client that later takes its id gets none of
// them (CL12).
func (c *Clients) Delete(ctx context.Context, realmName, id string, version int64) error {
	row, err := c.store.StoredClient(ctx, realmName, id)
	if err != nil {
		return err
	}
	if version != 0 && version != row.Version {
		return store.ErrConflict
	}
	now := c.now()
	if err := c.change(ctx, func() error { return c.store.DeleteClient(ctx, realmName, id, version, now) }); err != nil {
		return err
	}
	// What the store has revoked is known here at once, and its last grants end. It
	// is done without: the log tells it, and the upkeep ends them.
	_, _ = c.revocations.RevokeClient(ctx, realmName, id, now)
	return nil
}

// AddSecret gives a client one more secret. store.ErrExists when it has two that
// have not expired.
func (c *Clients) AddSecret(ctx context.Context, realmName, id string, secret store.StoredSecret) error {
	return c.change(ctx, func() error { return c.store.AddSecret(ctx, realmName, id, secret) })
}

// RemoveSecret takes a secret off a client.
func (c *Clients) RemoveSecret(ctx context.Context, realmName, id, secretID string) error {
	return c.change(ctx, func() error { return c.store.RemoveSecret(ctx, realmName, id, secretID) })
}

// Get reads a client as the store has it.
func (c *Clients) Get(ctx context.Context, realmName, id string) (store.StoredClient, error) {
	return c.store.StoredClient(ctx, realmName, id)
}

// List reads up to limit clients of a realm by id, those after one.
func (c *Clients) List(ctx context.Context, realmName, after string, limit int) ([]store.StoredClient, error) {
	return c.store.StoredClients(ctx, realmName, after, limit)
}

// Switch puts the switches of a realm in the place of those that have
// switches.Version, or of any when that is 0.
func (c *Clients) Switch(ctx context.Context, switches store.Switches) (store.Switches, error) {
	switches.Updated = c.now().UTC().Truncate(time.Second)
	return switches, c.change(ctx, func() (err error) {
		switches.Version, err = c.store.PutSwitches(ctx, switches)
		return err
	})
}

// noteUses tells the store when secrets were used last.
func (c *Clients) noteUses(ctx context.Context) error {
	books := c.all()
	errs := make([]error, 0, len(books))
	for name, book := range books {
		errs = append(errs, book.Uses(func(use realm.Use, at time.Time) error {
			return c.store.TouchSecret(ctx, name, use.ClientID, use.SecretID, at)
		}))
	}
	return errors.Join(errs...)
}
