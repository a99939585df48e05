package realm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Book is what the store says of a realm: the clients that were registered while
// the server runs, and the switches. It outlives configurations. Whoever reads
// the store writes it, one at a time; reading it takes no lock.
type Book struct {
	hasher   *hashing.Hasher
	clients  atomic.Pointer[storedClients]
	switches atomic.Pointer[store.Switches]

	// usage is what clients have used of their limits.
	usage usage

	mu sync.Mutex
	// uses are those of secrets that the store shall hear of.
	uses map[Use]time.Time
}

// Use names a secret of a stored client.
type Use struct{ ClientID, SecretID string }

// storedClients are the clients at one moment, with what can be said of all of
// them.
type storedClients struct {
	byID    map[string]*storedClient
	origins map[string]bool
	decoy   decoy
}

// storedClient is one client, and what has been made of it. It is few pieces of
// memory and as little as can be, for the garbage collector looks at ten thousand
// of them again and again: what its registration says is read from the text when
// it is asked for under a new configuration.
type storedClient struct {
	registration string // the JSON text
	fault        error  // why it could not be read
	created      time.Time
	secrets      []storedSecret
	digests      []store.SecretDigest // of the secrets, in their order
	dearest      hashing.Kind         // of the digests
	origins      []string             // none while it is disabled
	algorithm    string               // of its ID tokens, "" where it says nothing
	resolved     atomic.Pointer[resolvedClient]
}

// storedSecret is one secret of a client.
type storedSecret struct {
	id       string
	expires  time.Time    // zero for never
	lastUsed atomic.Int64 // seconds; 0 for never, as far as is known
}

// resolvedClient is a stored client over the defaults of one configuration.
type resolvedClient struct {
	defaults *registration.Defaults
	client   store.Client
	fault    error
	until    time.Time // when the next secret expires; zero for never
}

// NewBook makes an empty book.
func NewBook(hasher *hashing.Hasher) *Book {
	b := &Book{hasher: hasher, uses: map[Use]time.Time{}}
	b.clients.Store(&storedClients{})
	b.switches.Store(&store.Switches{})
	return b
}

// Switch puts the switches that hold from now on.
func (b *Book) Switch(switches store.Switches) { b.switches.Store(&switches) }

// Switches are those that hold now.
func (b *Book) Switches() store.Switches { return *b.switches.Load() }

// Replace puts all clients, Apply the changes of some.
func (b *Book) Replace(clients []store.StoredClient) {
	b.put(make(map[string]*storedClient, len(clients)), clients)
}

// Apply puts changes over what is there.
func (b *Book) Apply(changes []store.StoredClient) {
	byID := make(map[string]*storedClient, len(b.clients.Load().byID)+len(changes))
	maps.Copy(byID, b.clients.Load().byID)
	b.put(byID, changes)
}

func (b *Book) put(byID map[string]*storedClient, changes []store.StoredClient) {
	for i := range changes {
		if changes[i].Removed {
			delete(byID, changes[i].ID)
			b.usage.forget(changes[i].ID)
			continue
		}
		byID[changes[i].ID] = b.read(changes[i])
	}
	next := &storedClients{byID: byID, origins: map[string]bool{}}
	for _, client := range byID {
		for _, origin := range client.origins {
			next.origins[origin] = true
		}
		next.decoy = next.decoy.or(decoy{client.dearest, client.digests})
	}
	b.clients.Store(next)
}

// read takes a row as it is kept in memory.
func (b *Book) read(row store.StoredClient) *storedClient {
	c := &storedClient{
		registration: row.Registration, created: row.Created,
		secrets: make([]storedSecret, len(row.Secrets)), digests: make([]store.SecretDigest, len(row.Secrets)),
	}
	written, err := c.written()
	if err == nil && written.ID != row.ID {
		err = errors.New("it is that of another client")
	}
	if err != nil {
		c.fault = fmt.Errorf("its registration in the store cannot be read; replace it: %w", err)
		written = registration.Client{}
	}
	if !written.Disabled {
		c.origins = written.CORSOrigins
	}
	if written.IDToken != nil {
		c.algorithm = written.IDToken.Algorithm
	}
	for i, secret := range row.Secrets {
		c.digests[i] = secret.Digest
		c.secrets[i].id, c.secrets[i].expires = secret.ID, secret.Expires
		if !secret.LastUsed.IsZero() {
			c.secrets[i].lastUsed.Store(secret.LastUsed.Unix())
		}
	}
	c.dearest = decoyOf(c.digests, b.hasher).kind
	return c
}

// written is what the registration says.
func (c *storedClient) written() (written registration.Client, err error) {
	err = json.Unmarshal([]byte(c.registration), &written)
	return written, err
}

// find gives a stored client, nil when there is none.
func (b *Book) find(id string) *storedClient { return b.clients.Load().byID[id] }

// Has says whether the store has a client, of whatever state.
func (b *Book) Has(id string) bool { return b.find(id) != nil }

// Created is when a stored client was registered: what was agreed to before was
// agreed to with another (CL12). Zero when there is none.
func (b *Book) Created(id string) time.Time {
	if client := b.find(id); client != nil {
		return client.created
	}
	return time.Time{}
}

// Algorithms are those that the stored clients have their ID tokens signed with,
// where they say so.
func (b *Book) Algorithms() []string {
	var out []string
	for _, client := range b.clients.Load().byID {
		if client.algorithm != "" {
			out = append(out, client.algorithm)
		}
	}
	return out
}

// over gives the client over the defaults of a configuration, as it is now.
func (c *storedClient) over(defaults *registration.Defaults, now time.Time) *resolvedClient {
	known := c.resolved.Load()
	if known != nil && known.defaults == defaults && (known.until.IsZero() || now.Before(known.until)) {
		return known
	}
	next := &resolvedClient{defaults: defaults, fault: c.fault}
	if next.fault == nil {
		var written registration.Client
		if written, next.fault = c.written(); next.fault == nil {
			next.client, next.fault = written.Resolve(*defaults)
		}
	}
	next.client.Secrets, next.until = c.current(now)
	c.resolved.Store(next)
	return next
}

// current are the digests of the secrets that have not expired: those authenticate
// nobody any more (CL5). until is when the next does; zero for never.
func (c *storedClient) current(now time.Time) (digests []store.SecretDigest, until time.Time) {
	for i := range c.secrets {
		expires := c.secrets[i].expires
		if !expires.IsZero() && !now.Before(expires) {
			continue
		}
		if digests = append(digests, c.digests[i]); until.IsZero() || !expires.IsZero() && expires.Before(until) {
			until = expires
		}
	}
	if len(digests) == len(c.digests) {
		digests = c.digests // one piece of memory for both
	}
	return digests, until
}

// useInterval is how often the store hears of the use of a secret (CL5).
const useInterval = time.Hour

// used notes the use of a secret.
func (b *Book) used(clientID string, digest store.SecretDigest, now time.Time) {
	client := b.find(clientID)
	if client == nil {
		return
	}
	for i, known := range client.digests {
		if known != digest {
			continue
		}
		secret := &client.secrets[i]
		last := secret.lastUsed.Load()
		if now.Unix()-last < int64(useInterval/time.Second) || !secret.lastUsed.CompareAndSwap(last, now.Unix()) {
			continue
		}
		b.mu.Lock()
		b.uses[Use{clientID, secret.id}] = now
		b.mu.Unlock()
	}
}

// Uses gives each use that the store shall hear of to tell, and forgets those
// that it took.
func (b *Book) Uses(tell func(use Use, at time.Time) error) error {
	b.mu.Lock()
	uses := maps.Clone(b.uses)
	b.mu.Unlock()
	for use, at := range uses {
		if err := tell(use, at); err != nil {
			return err
		}
		b.mu.Lock()
		if b.uses[use].Equal(at) {
			delete(b.uses, use)
		}
		b.mu.Unlock()
	}
	return nil
}
