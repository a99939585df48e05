package storetest

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// person is an account with every field set but Version.
func person(id string) store.StoredAccount {
	return store.StoredAccount{
		Realm: realm, Account: store.Account{Service: "staff", ID: id}, Username: "user " + id,
		Password: "$argon2id$" + store.SecretDigest(id), Disabled: true, Claims: `{"name":"Zoë"}`,
		Created: start, Updated: at(1), PasswordChanged: at(2),
	}
}

// known stores an account that a test begins with.
func known(t *testing.T, s store.Store, a store.StoredAccount) store.StoredAccount {
	t.Helper()
	a.Version = got(s.CreateAccount(t.Context(), a))(t)
	return a
}

// storedAccount reads an account of the service staff of the realm.
func storedAccount(t *testing.T, s store.Store, id string) store.StoredAccount {
	t.Helper()
	return got(s.StoredAccount(t.Context(), realm, store.Account{Service: "staff", ID: id}))(t)
}

var accountChecks = []check{
	{"is kept as it was created", func(t *testing.T, s store.Store) {
		full := known(t, s, person("u-1"))
		wantNoZeroField(t, full)
		least := known(t, s, store.StoredAccount{
			Realm: otherRealm, Account: full.Account, Username: full.Username, Claims: "{}", Created: start, Updated: start,
		})
		wantEqual(t, storedAccount(t, s, "u-1"), full)
		wantEqual(t, got(s.AccountByUsername(t.Context(), realm, "staff", "user u-1"))(t), full)
		wantEqual(t, got(s.StoredAccount(t.Context(), otherRealm, full.Account))(t), least)
		for _, unknown := range []store.Account{{Service: "staff", ID: "U-1"}, {Service: "guests", ID: "u-1"}} {
			_, err := s.StoredAccount(t.Context(), realm, unknown)
			wantError(t, err, store.ErrNotFound)
		}
		for _, unknown := range []string{"User u-1", "user u-1 ", "user u-", ""} {
			_, err := s.AccountByUsername(t.Context(), realm, "staff", unknown)
			wantError(t, err, store.ErrNotFound)
		}
	}},
	{"has an id and a username of its own", func(t *testing.T, s store.Store) {
		first := known(t, s, person("u-1"))
		sameID, sameName := person("u-1"), person("u-2")
		sameID.Username, sameName.Username = "other", first.Username
		for _, taken := range []store.StoredAccount{sameID, sameName} {
			_, err := s.CreateAccount(t.Context(), taken)
			wantError(t, err, store.ErrExists)
			taken.Service = "guests"
			known(t, s, taken)
		}
		wantEqual(t, storedAccount(t, s, "u-1"), first)
	}},
	{"is replaced where the version is right", replaceAccount},
	{"is created, renamed and replaced by one of many", raceAccounts},
	{"AS41 gets another password, and what rests on a sign-in ends", func(t *testing.T, s store.Store) {
		a := known(t, s, person("u-1"))
		endsSubject(t, s, func(subject string) error {
			return s.SetAccountPassword(t.Context(), realm, a.Account, "$argon2id$next", subject, start)
		})
		a.Password, a.PasswordChanged = "$argon2id$next", start
		wantEqual(t, storedAccount(t, s, "u-1"), a)
		wantError(t, s.SetAccountPassword(t.Context(), realm, store.Account{Service: "staff", ID: "u-2"}, "x", "", start), store.ErrNotFound)
		wantError(t, s.SetAccountPassword(t.Context(), otherRealm, a.Account, "x", "", start), store.ErrNotFound)
	}},
	{"AS41 is disabled, and what rests on a sign-in ends", func(t *testing.T, s store.Store) {
		a := known(t, s, person("u-1"))
		endsSubject(t, s, func(subject string) error {
			var err error
			a.Version, err = s.ReplaceAccount(t.Context(), a, subject, start)
			return err
		})
	}},
	{"AS41 is deleted, and what rests on a sign-in ends", func(t *testing.T, s store.Store) {
		endsSubject(t, s, func(subject string) error {
			a := known(t, s, person("u-1"))
			return s.DeleteAccount(t.Context(), realm, a.Account, a.Version, subject, start)
		})
		_, err := s.StoredAccount(t.Context(), realm, store.Account{Service: "staff", ID: "u-1"})
		wantError(t, err, store.ErrNotFound)
	}},
	{"that is deleted leaves nothing to the next of its id", func(t *testing.T, s store.Store) {
		a := known(t, s, person("u-1"))
		must(t, s.CreateGrant(t.Context(), pending("1"), consentOf("openid")))
		other := consentFor(realm, "somebody", client, "openid")
		wantEqual(t, got(s.AddConsents(t.Context(), []store.Consent{other}))(t), 1)
		wantError(t, s.DeleteAccount(t.Context(), realm, a.Account, a.Version+1, "staff:u-1", start), store.ErrConflict)
		wantEqual(t, len(got(s.Consents(t.Context(), realm, "staff:u-1"))(t)), 1)
		must(t, s.DeleteAccount(t.Context(), realm, a.Account, a.Version, "staff:u-1", start))
		wantEqual(t, len(got(s.Consents(t.Context(), realm, "staff:u-1"))(t)), 0)
		wantEqual(t, len(got(s.Consents(t.Context(), realm, "somebody"))(t)), 1)
		wantError(t, s.DeleteAccount(t.Context(), realm, a.Account, 0, "staff:u-1", start), store.ErrNotFound)
		if next := known(t, s, person("u-1")); next.Version <= a.Version {
			t.Errorf("the version went from %d to %d: a change that was meant for the first would be made to the second", a.Version, next.Version)
		}
	}},
	{"is listed by username, page by page", listAccounts},
}

func replaceAccount(t *testing.T, s store.Store) {
	first, other := known(t, s, person("u-1")), known(t, s, person("u-2"))
	next := first
	next.Username, next.Disabled, next.Claims, next.Updated = "renamed", false, `{"name":"Ada"}`, at(50)
	asked := next
	asked.Password, asked.Created, asked.PasswordChanged = "$argon2id$not this way", at(60), at(60)
	next.Version = got(s.ReplaceAccount(t.Context(), asked, "", start))(t)
	if next.Version <= first.Version {
		t.Fatalf("the version went from %d to %d", first.Version, next.Version)
	}
	wantEqual(t, storedAccount(t, s, "u-1"), next)
	_, err := s.ReplaceAccount(t.Context(), asked, "", start)
	wantError(t, err, store.ErrConflict)
	taken := next
	taken.Username = other.Username
	for _, taken.Version = range []int64{next.Version, 0} {
		_, err = s.ReplaceAccount(t.Context(), taken, "staff:u-1", start)
		wantError(t, err, store.ErrExists)
	}
	unknown := next
	unknown.ID = "u-3"
	_, err = s.ReplaceAccount(t.Context(), unknown, "", start)
	wantError(t, err, store.ErrNotFound)
	wantEqual(t, storedAccount(t, s, "u-1"), next)
	wantEqual(t, len(logged(t, s, start)), 0)
	next.Version = 0
	next.Version = got(s.ReplaceAccount(t.Context(), next, "", start))(t)
	wantEqual(t, storedAccount(t, s, "u-1"), next)
}

func raceAccounts(t *testing.T, s store.Store) {
	raceClients(t, func() error {
		_, err := s.CreateAccount(t.Context(), person("u-1"))
		return err
	}, 1, store.ErrExists)
	seen := storedAccount(t, s, "u-1")
	raceClients(t, func() error {
		_, err := s.ReplaceAccount(t.Context(), seen, "", start)
		return err
	}, 1, store.ErrConflict)
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"}
	for _, id := range ids {
		known(t, s, person(id))
	}
	var n atomic.Int64
	raceClients(t, func() error {
		renamed := person(ids[(int(n.Add(1))-1)%len(ids)])
		renamed.Username = "wanted by all"
		_, err := s.ReplaceAccount(t.Context(), renamed, "", start)
		return err
	}, 1, store.ErrExists)
}

// endsSubject sees that a step ends the sessions and grants of a subject and logs
// it, and without a subject does nothing of that.
func endsSubject(t *testing.T, s store.Store, step func(subject string) error) {
	t.Helper()
	own := []store.Grant{create(t, s, pending("1")), create(t, s, active("2", 1))}
	theirs := active("3", 1)
	theirs.Subject = "staff:u-2"
	create(t, s, theirs)
	must(t, s.CreateSession(t.Context(), session(sessionDigest), ""))
	live := func() int {
		return len(got(s.Sessions(t.Context(), realm, "staff:u-1", "", 10, start))(t))
	}
	must(t, step(""))
	wantStates(t, s, own, store.GrantPending, store.GrantActive)
	wantEqual(t, live(), 1)
	wantEqual(t, len(logged(t, s, start)), 0)
	must(t, step("staff:u-1"))
	wantStates(t, s, own, store.GrantRevoked)
	wantStates(t, s, []store.Grant{theirs}, store.GrantActive)
	wantEqual(t, live(), 0)
	entries := logged(t, s, start)
	if len(entries) != 1 || entries[0].Kind != store.RevokedSubject || entries[0].Key != "staff:u-1" || !entries[0].NotBefore.Equal(start) {
		t.Fatalf("the revocation log has %+v", entries)
	}
}

func listAccounts(t *testing.T, s store.Store) {
	const highest = "\U0010ffff"
	names := []string{"Zoe", "ada", "adam", "adz", "a%", "a_", "zoe", "éa", "\ud7ff", "\ue000x", highest, highest + "a"}
	for i, name := range names {
		a := person(string(rune('a' + i)))
		a.Username = name
		known(t, s, a)
	}
	elsewhere := person("x")
	elsewhere.Realm = otherRealm
	known(t, s, elsewhere)
	elsewhere.Realm, elsewhere.Service = realm, "guests"
	known(t, s, elsewhere)
	for _, c := range []struct {
		prefix string
		want   []string
	}{
		{"", []string{"Zoe", "a%", "a_", "ada", "adam", "adz", "zoe", "éa", "\ud7ff", "\ue000x", highest, highest + "a"}},
		{"a", []string{"a%", "a_", "ada", "adam", "adz"}},
		{"ada", []string{"ada", "adam"}},
		{"a_", []string{"a_"}},
		{"\ud7ff", []string{"\ud7ff"}},
		{"\ue000", []string{"\ue000x"}},
		{highest, []string{highest, highest + "a"}},
		{"b", nil},
	} {
		for limit := 1; limit <= len(names)+1; limit++ {
			var all []string
			for after := ""; ; after = all[len(all)-1] {
				page := got(s.StoredAccounts(t.Context(), realm, "staff", c.prefix, after, limit))(t)
				for i := range page {
					all = append(all, page[i].Username)
				}
				if len(page) < limit {
					break
				}
			}
			if !slices.Equal(all, c.want) {
				t.Fatalf("those that begin with %q, %d at a time: %q, want %q", c.prefix, limit, all, c.want)
			}
		}
	}
}
