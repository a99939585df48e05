package realm

import (
	"context"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// clients are those of the configuration, and of the store behind them: a client
// of the configuration wins.
type clients struct {
	realm      *Realm
	configured map[string]*store.Client
	origins    map[string]bool
	decoy      decoy
	// defaults is what stored clients are laid over. Its address tells
	// configurations apart.
	defaults *registration.Defaults
}

func newClients(r *Realm, hasher *hashing.Hasher) *clients {
	c := &clients{
		realm:      r,
		configured: make(map[string]*store.Client, len(r.Clients)),
		origins:    map[string]bool{},
		defaults:   new(registration.Defaults),
	}
	*c.defaults = r.Defaults
	for i := range r.Clients {
		client := &r.Clients[i]
		c.configured[client.ID] = client
		c.decoy = c.decoy.or(decoyOf(client.Secrets, hasher))
		for _, origin := range client.CORSOrigins {
			c.origins[origin] = true
		}
	}
	return c
}

// Client finds a client that is not disabled.
func (c *clients) Client(id string) (*store.Client, bool) {
	if client, ok := c.configured[id]; ok {
		return client, !client.Disabled
	}
	stored := c.realm.Book.find(id)
	if stored == nil {
		return nil, false
	}
	before := stored.resolved.Load()
	resolved := stored.over(c.defaults, c.realm.Now())
	if resolved.fault != nil {
		if before != resolved {
			c.realm.Log.Error("a client of the store cannot be used; its tokens are refused", "realm", c.realm.Name, "client_id", id, "error", resolved.fault)
		}
		return nil, false
	}
	return &resolved.client, !resolved.client.Disabled
}

// known says whether there is a client, disabled or not.
func (c *clients) known(id string) bool {
	_, ok := c.configured[id]
	return ok || c.realm.Book.Has(id)
}

// Decoy implements clientauth.Clients.
func (c *clients) Decoy() []store.SecretDigest {
	return c.decoy.or(c.realm.Book.clients.Load().decoy).digests
}

// Used implements clientauth.Clients. Of the configuration's secrets nothing is
// kept.
func (c *clients) Used(client *store.Client, digest store.SecretDigest) {
	if _, ok := c.configured[client.ID]; !ok {
		c.realm.Book.used(client.ID, digest, c.realm.Now())
	}
}

// decoy is the work that a wrong secret makes.
type decoy struct {
	kind    hashing.Kind
	digests []store.SecretDigest
}

func decoyOf(digests []store.SecretDigest, hasher *hashing.Hasher) decoy {
	d := decoy{digests: digests}
	for _, digest := range digests {
		if kind, err := hasher.Check(digest); err == nil {
			d.kind = max(d.kind, kind)
		}
	}
	return d
}

// or gives the dearer of two: the slowest kind of hash, then the most of them.
func (d decoy) or(other decoy) decoy {
	if other.kind > d.kind || other.kind == d.kind && len(other.digests) > len(d.digests) {
		return other
	}
	return d
}

// Client finds a client by id. One that is disabled is not there.
func (r *Realm) Client(id string) (*store.Client, bool) { return r.clients.Client(id) }

// Configured says whether the configuration has a client.
func (r *Realm) Configured(id string) bool { return r.clients.configured[id] != nil }

// AllowsOrigin says whether some client of the realm lists a web origin.
func (r *Realm) AllowsOrigin(origin string) bool {
	return r.clients.origins[origin] || r.Book.clients.Load().origins[origin]
}

// CheckClient says whether a registration can work in the realm as it is now,
// and gives what it would be. So many secrets stand for those it will have. It may
// list more grant types than the realm allows now.
func (r *Realm) CheckClient(c *registration.Client, secrets int, more ...string) (store.Client, error) {
	client, err := c.Resolve(r.Defaults)
	if err != nil {
		return client, err
	}
	client.Secrets = make([]store.SecretDigest, secrets)
	rules := r.rules()
	rules.Grants = slices.Concat(r.GrantTypes(), more)
	return client, registration.Check(&client, rules)
}

// AccountNamed says whether an account of the realm has id as its subject. No
// client may be given it: its tokens would be taken for the account's.
func (r *Realm) AccountNamed(ctx context.Context, id string) bool {
	for name, service := range r.Services {
		account, theirs := id, name == r.DefaultService || r.SharedAccounts
		if !theirs {
			account, theirs = strings.CutPrefix(id, name+":")
		}
		if theirs && has(ctx, service, account) {
			return true
		}
	}
	return false
}

// has says whether a service has an account; where it can tell, a disabled one
// too.
func has(ctx context.Context, service login.Service, id string) bool {
	if keeper, ok := service.(login.Keeper); ok {
		there, err := keeper.Has(ctx, id)
		return there && err == nil
	}
	_, err := service.Account(ctx, id)
	return err == nil
}
