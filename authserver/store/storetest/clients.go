package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// secret is one with every field set.
func secret(id string) store.StoredSecret {
	return store.StoredSecret{
		ID: id, Digest: store.SecretDigest("$sha256$" + id), Created: start, Expires: at(1000), LastUsed: at(5),
	}
}

// registered is a client with every field set but Version and Removed.
func registered(id string) store.StoredClient {
	return store.StoredClient{
		Realm: realm, ID: id, Registration: `{"id":"` + id + `","name":"Grüße \u0000"}`,
		Secrets: []store.StoredSecret{secret("s1")}, Created: start, Updated: at(1),
	}
}

// register stores a client that a test begins with.
func register(t *testing.T, s store.Store, c store.StoredClient) store.StoredClient {
	t.Helper()
	c.Version = got(s.CreateClient(t.Context(), c))(t)
	return c
}

// storedClient reads a client of the realm.
func storedClient(t *testing.T, s store.Store, id string) store.StoredClient {
	t.Helper()
	return got(s.StoredClient(t.Context(), realm, id))(t)
}

// clientChanges reads what every node hears.
func clientChanges(t *testing.T, s store.Store, after int64) []store.StoredClient {
	t.Helper()
	changes, _, err := s.ClientChanges(t.Context(), after)
	must(t, err)
	return changes
}

var clientChecks = []check{
	{"is kept as it was registered", func(t *testing.T, s store.Store) {
		full := register(t, s, registered("web"))
		filled := full
		filled.Removed = true
		wantNoZeroField(t, filled)
		wantNoZeroField(t, full.Secrets[0])
		least := register(t, s, store.StoredClient{Realm: otherRealm, ID: "web", Registration: "{}", Created: start, Updated: start})
		wantEqual(t, storedClient(t, s, "web"), full)
		wantEqual(t, clientChanges(t, s, 0), []store.StoredClient{full, least})
		_, err := s.StoredClient(t.Context(), realm, "unknown")
		wantError(t, err, store.ErrNotFound)
	}},
	{"exists once in a realm", func(t *testing.T, s store.Store) {
		first := register(t, s, registered("web"))
		_, err := s.CreateClient(t.Context(), registered("web"))
		wantError(t, err, store.ErrExists)
		wantEqual(t, storedClient(t, s, "web"), first)
	}},
	{"is replaced where the version is right", replaceClient},
	{"keeps or loses its codes when it is replaced (CL11)", endCodes},
	{"that is deleted is gone with its secrets and grants (CL12)", deleteClient},
	{"that is deleted may come back, and nothing of it", func(t *testing.T, s store.Store) {
		first := register(t, s, registered("web"))
		must(t, s.DeleteClient(t.Context(), realm, "web", 0, start))
		again := registered("web")
		again.Secrets, again.Created = []store.StoredSecret{secret("s2")}, at(9)
		again = register(t, s, again)
		if again.Version <= first.Version {
			t.Fatalf("the version went from %d to %d", first.Version, again.Version)
		}
		wantEqual(t, storedClient(t, s, "web"), again)
	}},
	{"that comes back has none of the consents of the one before (CL12)", func(t *testing.T, s store.Store) {
		register(t, s, registered("web"))
		agreed := consentFor(realm, "a", "web", "openid")
		late := agreed // at a node that has not heard of the deletion
		agreed.Updated, late.Updated = at(1), at(3)
		wantEqual(t, got(s.AddConsents(t.Context(), []store.Consent{agreed}))(t), 1)
		wantEqual(t, got(s.Consent(t.Context(), realm, "a", "web"))(t), agreed)
		must(t, s.DeleteClient(t.Context(), realm, "web", 0, at(2)))
		must(t, s.CreateGrant(t.Context(), pending(grantID), &late))
		again := registered("web")
		again.Created = at(2)
		register(t, s, again)
		_, err := s.Consent(t.Context(), realm, "a", "web")
		wantError(t, err, store.ErrNotFound)
		wantEqual(t, len(got(s.Consents(t.Context(), realm, "a"))(t)), 0)
		listed, _, err := s.RealmConsents(t.Context(), realm, 10)
		must(t, err)
		wantEqual(t, len(listed), 0)
		anew := agreed
		anew.Updated = at(4)
		must(t, s.CreateGrant(t.Context(), pending("2"), &anew))
		wantEqual(t, got(s.Consent(t.Context(), realm, "a", "web"))(t), anew)
	}},
	{"has two secrets at most (CL4)", twoSecrets},
	{"that is unknown has no secrets", func(t *testing.T, s store.Store) {
		wantError(t, s.AddSecret(t.Context(), realm, "web", secret("s1")), store.ErrNotFound)
		wantError(t, s.RemoveSecret(t.Context(), realm, "web", "s1"), store.ErrNotFound)
		must(t, s.TouchSecret(t.Context(), realm, "web", "s1", at(1)))
		wantEqual(t, len(clientChanges(t, s, 0)), 0)
	}},
	{"remembers when a secret was used last (CL5)", func(t *testing.T, s store.Store) {
		c := register(t, s, registered("web"))
		for _, used := range []int{30, 20} {
			must(t, s.TouchSecret(t.Context(), realm, "web", "s1", at(used)))
		}
		c.Secrets[0].LastUsed = at(30)
		wantEqual(t, storedClient(t, s, "web"), c)
	}},
	{"is listed by id, page by page", listClients},
	{"changes are read on from where they were left", readClientsOn},
	{"that is removed is told of until every node has heard", func(t *testing.T, s store.Store) {
		register(t, s, registered("web"))
		register(t, s, registered("stays"))
		must(t, s.DeleteClient(t.Context(), realm, "web", 0, start))
		wantEqual(t, got(s.DeleteExpired(t.Context(), start.Add(59*time.Minute), 10))(t), 0)
		wantEqual(t, len(clientChanges(t, s, 0)), 2)
		wantEqual(t, got(s.DeleteExpired(t.Context(), start.Add(time.Hour), 10))(t), 1)
		wantEqual(t, len(clientChanges(t, s, 0)), 1)
	}},
	{"is created by one of many", func(t *testing.T, s store.Store) {
		raceClients(t, func() error {
			_, err := s.CreateClient(t.Context(), registered("web"))
			return err
		}, 1, store.ErrExists)
	}},
	{"is replaced by one of many who saw the same", func(t *testing.T, s store.Store) {
		c := register(t, s, registered("web"))
		raceClients(t, func() error {
			_, err := s.ReplaceClient(t.Context(), c, "")
			return err
		}, 1, store.ErrConflict)
	}},
	{"gets no third secret in a race", func(t *testing.T, s store.Store) {
		register(t, s, registered("web"))
		var n atomic.Int64
		raceClients(t, func() error {
			return s.AddSecret(t.Context(), realm, "web", secret(fmt.Sprint("r", n.Add(1))))
		}, 1, store.ErrExists)
		wantEqual(t, len(storedClient(t, s, "web").Secrets), 2)
	}},
}

func replaceClient(t *testing.T, s store.Store) {
	first := register(t, s, registered("web"))
	next := first
	next.Registration, next.Updated = `{"id":"web","scopes":["a"]}`, at(50)
	next.Version = got(s.ReplaceClient(t.Context(), next, "0"))(t)
	wantEqual(t, storedClient(t, s, "web"), next)
	wantEqual(t, clientChanges(t, s, first.Version), []store.StoredClient{next})
	_, err := s.ReplaceClient(t.Context(), first, "0")
	wantError(t, err, store.ErrConflict)
	wantEqual(t, storedClient(t, s, "web"), next)
	whatever := next
	whatever.Version = 0
	whatever.Version = got(s.ReplaceClient(t.Context(), whatever, "0"))(t)
	wantEqual(t, storedClient(t, s, "web"), whatever)
	for _, id := range []string{"unknown", "gone"} {
		if id == "gone" {
			register(t, s, registered("gone"))
			must(t, s.DeleteClient(t.Context(), realm, "gone", 0, start))
		}
		unknown := next
		unknown.ID, unknown.Version = id, 0
		_, err = s.ReplaceClient(t.Context(), unknown, "0")
		wantError(t, err, store.ErrNotFound)
		wantError(t, s.DeleteClient(t.Context(), realm, id, 0, start), store.ErrNotFound)
	}
	wantError(t, s.DeleteClient(t.Context(), realm, "web", first.Version, start), store.ErrConflict)
}

// grantsOfClients are a pending and an active grant of the client, and the same
// of others.
func grantsOfClients(t *testing.T, s store.Store) (own, others []store.Grant) {
	t.Helper()
	own = []store.Grant{create(t, s, pending("1")), create(t, s, active("2", 1)), create(t, s, pending("0"))}
	for i, change := range []func(*store.Grant){
		func(g *store.Grant) { g.ClientID = otherThan },
		func(g *store.Grant) { g.Realm = otherRealm },
	} {
		p, a := pending(fmt.Sprint("p", i)), active(fmt.Sprint("a", i), 1)
		change(&p)
		change(&a)
		others = append(others, create(t, s, p), create(t, s, a))
	}
	return own, others
}

// wantStates sees how far grants have come.
func wantStates(t *testing.T, s store.Store, grants []store.Grant, want ...store.GrantState) {
	t.Helper()
	for i := range grants {
		grant := got(s.Grant(t.Context(), grants[i].Realm, grants[i].ID))(t)
		if state := want[i%len(want)]; grant.State != state {
			t.Errorf("grant %s of %s in %s has state %d, want %d", grant.ID, grant.ClientID, grant.Realm, grant.State, state)
		}
	}
}

func endCodes(t *testing.T, s store.Store) {
	c := register(t, s, registered(client))
	own, others := grantsOfClients(t, s)
	c.Version = got(s.ReplaceClient(t.Context(), c, ""))(t)
	wantStates(t, s, own, store.GrantPending, store.GrantActive, store.GrantPending)
	c.Version = got(s.ReplaceClient(t.Context(), c, "1"))(t)
	wantStates(t, s, own, store.GrantRevoked, store.GrantActive, store.GrantPending)
	wantStates(t, s, others, store.GrantPending, store.GrantActive)
	err := s.RedeemCode(t.Context(), redemption("1", at(1)))
	wantError(t, err, store.ErrNotFound)
	c.Version--
	if _, err := s.ReplaceClient(t.Context(), c, "0"); err == nil {
		t.Error("replaced with an old version")
	}
}

func deleteClient(t *testing.T, s store.Store) {
	c := register(t, s, registered(client))
	own, others := grantsOfClients(t, s)
	must(t, s.DeleteClient(t.Context(), realm, client, c.Version, start))
	wantStates(t, s, own, store.GrantRevoked)
	wantStates(t, s, others, store.GrantPending, store.GrantActive)
	_, err := s.StoredClient(t.Context(), realm, client)
	wantError(t, err, store.ErrNotFound)
	gone := clientChanges(t, s, c.Version)
	if len(gone) != 1 || !gone[0].Removed || gone[0].ID != client || gone[0].Registration != "" || gone[0].Secrets != nil {
		t.Fatalf("nodes hear of %+v", gone)
	}
	entries := logged(t, s, start)
	if len(entries) != 1 || entries[0].Kind != store.RevokedClient || entries[0].Key != client {
		t.Fatalf("the revocation log has %+v", entries)
	}
	wantError(t, s.DeleteClient(t.Context(), realm, client, 0, start), store.ErrNotFound)
	wantError(t, s.AddSecret(t.Context(), realm, client, secret("s2")), store.ErrNotFound)
}

func twoSecrets(t *testing.T, s store.Store) {
	c := register(t, s, registered("web"))
	next := secret("s2")
	next.Created, next.Expires = at(10), time.Time{}
	must(t, s.AddSecret(t.Context(), realm, "web", next))
	changed := clientChanges(t, s, c.Version)
	if len(changed) != 1 {
		t.Fatalf("nodes hear of %d changes", len(changed))
	}
	wantEqual(t, changed[0].Secrets, []store.StoredSecret{secret("s1"), next})
	third := secret("s3")
	third.Created = at(999)
	wantError(t, s.AddSecret(t.Context(), realm, "web", third), store.ErrExists)
	// What has expired makes room.
	third.Created, third.Expires = at(1000), at(2000)
	must(t, s.AddSecret(t.Context(), realm, "web", third))
	wantEqual(t, storedClient(t, s, "web").Secrets, []store.StoredSecret{next, third})
	must(t, s.RemoveSecret(t.Context(), realm, "web", "s2"))
	wantError(t, s.RemoveSecret(t.Context(), realm, "web", "s2"), store.ErrNotFound)
	wantEqual(t, storedClient(t, s, "web").Secrets, []store.StoredSecret{third})
	wantError(t, s.AddSecret(t.Context(), realm, "web", third), store.ErrExists)
	last := storedClient(t, s, "web")
	wantEqual(t, clientChanges(t, s, changed[0].Version), []store.StoredClient{last})
}

func listClients(t *testing.T, s store.Store) {
	for _, id := range []string{"c", "a", "b", "d", "e"} {
		c := registered(id)
		c.Secrets = append(c.Secrets, secret("s2"))
		register(t, s, c)
	}
	elsewhere := registered("a")
	elsewhere.Realm = otherRealm
	register(t, s, elsewhere)
	must(t, s.DeleteClient(t.Context(), realm, "b", 0, start))
	var all []string
	for after := ""; ; {
		page := got(s.StoredClients(t.Context(), realm, after, 2))(t)
		if len(page) == 0 {
			break
		}
		for i := range page {
			wantEqual(t, len(page[i].Secrets), 2)
			all = append(all, page[i].ID)
		}
		after = all[len(all)-1]
	}
	wantEqual(t, all, []string{"a", "c", "d", "e"})
}

func readClientsOn(t *testing.T, s store.Store) {
	var position int64
	next := func(want ...string) {
		t.Helper()
		changes, next, err := s.ClientChanges(t.Context(), position)
		must(t, err)
		ids := make([]string, 0, len(changes))
		for i := range changes {
			ids = append(ids, changes[i].ID)
		}
		wantEqual(t, ids, append([]string{}, want...))
		if moved := next > position; moved != (len(want) > 0) || next < position {
			t.Fatalf("the position went from %d to %d over %d changes", position, next, len(want))
		}
		position = next
	}
	next()
	register(t, s, registered("a"))
	register(t, s, registered("b"))
	next("a", "b")
	must(t, s.AddSecret(t.Context(), realm, "a", secret("s2")))
	next("a")
	must(t, s.TouchSecret(t.Context(), realm, "a", "s2", at(9)))
	next()
	must(t, s.DeleteClient(t.Context(), realm, "a", 0, start))
	next("a")
	got(s.DeleteExpired(t.Context(), start.Add(2*time.Hour), 100))(t)
	register(t, s, registered("c"))
	next("c")
}

// raceClients runs a step many times at once: so many succeed, the others fail
// with want.
func raceClients(t *testing.T, step func() error, winners int, want error) {
	t.Helper()
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() { errs[i] = step() })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, want)
	}
	wantEqual(t, won, winners)
}
