package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// What pending and active are of.
var (
	ofSubject = store.Reach{Realm: realm, Subject: "staff:u-1"}
	ofClient  = store.Reach{Realm: realm, ClientID: client}
	ofSession = store.Reach{Realm: realm, SessionID: "s-1"}
	ofConsent = store.Reach{Realm: realm, Subject: "staff:u-1", ClientID: client}
)

// entryOf is what the log says of a reach that was revoked.
func entryOf(kind store.RevocationKind, key, clientID string, notBefore time.Time, revoked time.Time) store.Revocation {
	return store.Revocation{
		Realm: realm, Kind: kind, Key: key, ClientID: clientID, NotBefore: notBefore,
		Expires: revoked.Add(store.MaxAccessTokenLifetime + time.Minute),
	}
}

var revokeAllChecks = []check{
	{"ends what it names and nothing else, with one entry of the log", endOnlyTheReach},
	{"CL12 of many grants ends them all with one entry", func(t *testing.T, s store.Store) {
		const many = 1203 // more than two pages
		createMany(t, s, "1", many)
		wantEqual(t, got(s.RevokeAll(t.Context(), ofClient, at(5)))(t), store.Ended{Grants: many})
		for _, grant := range got(s.Grants(t.Context(), ofClient, "", 2*many))(t) {
			wantEqual(t, grant.State, store.GrantRevoked)
		}
		wantEqual(t, len(logged(t, s, start)), 1)
		wantEqual(t, got(s.RevokeAll(t.Context(), ofClient, at(6)))(t), store.Ended{})
	}},
	{"is finished by the upkeep of another node", func(t *testing.T, s store.Store) {
		got(s.RevokeAll(t.Context(), ofClient, at(5)))(t)
		// As a node leaves them that dies after the first step.
		createMany(t, s, "2", 1101)
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(64), 100))(t), 0)
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(65), 100))(t), 1101)
		for _, grant := range got(s.Grants(t.Context(), ofClient, "", 2000))(t) {
			wantEqual(t, grant.State, store.GrantRevoked)
		}
		// However late that is, the entry is there until then.
		got(s.RevokeAll(t.Context(), ofSubject, at(100)))(t)
		late := at(200).Add(2 * store.MaxAccessTokenLifetime)
		last := active("last", 1)
		last.PurgeAt = late.AddDate(1, 0, 0)
		create(t, s, last)
		got(s.DeleteExpired(t.Context(), late, 100))(t)
		wantEqual(t, stored(t, s, "last").State, store.GrantRevoked)
	}},
	{"is finished however many there are, and however late", func(t *testing.T, s store.Store) {
		const many = 103 // more than are looked through in a row
		late := at(200).Add(2 * store.MaxAccessTokenLifetime)
		name := func(n int) string { return fmt.Sprintf("batch-%03d", n) }
		for n := range many {
			got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, ClientID: name(n)}, at(5+n/50)))(t)
			left := active(name(n), 1)
			left.ClientID, left.PurgeAt = name(n), late.AddDate(1, 0, 0)
			create(t, s, left)
		}
		// The entries that wait for the next upkeep are kept for it.
		for range 2 {
			got(s.DeleteExpired(t.Context(), late, 1000))(t)
		}
		for n := range many {
			wantEqual(t, stored(t, s, name(n)).State, store.GrantRevoked)
		}
	}},
	{"ends codes and refresh tokens", func(t *testing.T, s store.Store) {
		create(t, s, pending("code"))
		create(t, s, active("refresh", 3))
		got(s.RevokeAll(t.Context(), ofSubject, at(5)))(t)
		err := s.RedeemCode(t.Context(), redemption("code", at(6)))
		wantError(t, err, store.ErrNotFound)
		_, err = s.RotateRefresh(t.Context(), rotation("refresh", 3, at(6)))
		wantError(t, err, store.ErrNotFound)
		_, err = s.TouchRefresh(t.Context(), rotation("refresh", 3, at(6)))
		wantError(t, err, store.ErrNotFound)
	}},
	{"of a subject ends its sessions, of a session that one", func(t *testing.T, s store.Store) {
		theirs := session("theirs")
		theirs.Subject = "staff:u-2"
		for _, each := range []store.Session{session("1"), session("2"), session("3"), theirs} {
			must(t, s.CreateSession(t.Context(), each, ""))
		}
		wantEqual(t, got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, SessionID: "sid-1"}, at(1)))(t), store.Ended{Sessions: 1})
		wantSession(t, s, "1", 1, store.ErrNotFound)
		wantSession(t, s, "2", 1, nil)
		wantEqual(t, got(s.RevokeAll(t.Context(), ofClient, at(1)))(t), store.Ended{})
		wantEqual(t, got(s.RevokeAll(t.Context(), ofSubject, at(1)))(t), store.Ended{Sessions: 2})
		wantSession(t, s, "2", 1, store.ErrNotFound)
		wantSession(t, s, "theirs", 1, nil)
	}},
	{"of a consent forgets it", func(t *testing.T, s store.Store) {
		theirs := pending("theirs")
		theirs.ClientID = otherThan
		must(t, s.CreateGrant(t.Context(), pending("mine"), consentOf("openid", "email")))
		other := consentOf("openid")
		other.ClientID = otherThan
		must(t, s.CreateGrant(t.Context(), theirs, other))
		wantEqual(t, got(s.RevokeAll(t.Context(), ofConsent, at(5)))(t), store.Ended{Grants: 1, Consent: true})
		_, err := s.Consent(t.Context(), realm, "staff:u-1", client)
		wantError(t, err, store.ErrNotFound)
		got(s.Consent(t.Context(), realm, "staff:u-1", otherThan))(t)
		wantEqual(t, stored(t, s, "theirs").State, store.GrantPending)
		wantEqual(t, got(s.RevokeAll(t.Context(), ofConsent, at(6)))(t), store.Ended{})
	}},
	{"keeps the consents of a subject and of a client", func(t *testing.T, s store.Store) {
		must(t, s.CreateGrant(t.Context(), pending(grantID), consentOf("openid")))
		got(s.RevokeAll(t.Context(), ofSubject, at(5)))(t)
		got(s.RevokeAll(t.Context(), ofClient, at(5)))(t)
		got(s.Consent(t.Context(), realm, "staff:u-1", client))(t)
	}},
	{"of what nobody knows is logged: there are tokens without grants", func(t *testing.T, s store.Store) {
		for n, key := range []string{"machine", "'; DROP TABLE grants; --", "7:über\n\"%_\\", "\U0001F511\u202e", longName} {
			wantEqual(t, got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, ClientID: key}, at(n)))(t), store.Ended{})
			wantEqual(t, got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, Subject: key, ClientID: "3:" + key}, at(n)))(t), store.Ended{})
			entries := logged(t, s, start)
			wantEqual(t, entries[len(entries)-2:], []store.Revocation{
				entryOf(store.RevokedClient, key, "", at(n), at(n)),
				entryOf(store.RevokedConsent, key, "3:"+key, at(n), at(n)),
			})
		}
	}},
	{"needs to know of what", func(t *testing.T, s store.Store) {
		for _, reach := range []store.Reach{
			{Realm: realm},
			{Realm: realm, SessionID: "s-1", Subject: "staff:u-1"},
			{Realm: realm, SessionID: "s-1", ClientID: client},
		} {
			grant := create(t, s, active(fmt.Sprint(reach), 1))
			if _, err := s.RevokeAll(t.Context(), reach, at(5)); err == nil {
				t.Errorf("%+v was revoked", reach)
			}
			wantUntouched(t, s, grant)
		}
	}},
	{"when repeated moves on in the log, and never back in time", func(t *testing.T, s store.Store) {
		got(s.RevokeAll(t.Context(), ofSubject, at(100)))(t)
		_, position, err := s.Revocations(t.Context(), 0, start)
		must(t, err)
		for _, c := range []struct{ now, notBefore int }{{90, 100}, {110, 110}} {
			create(t, s, active(strconv.Itoa(c.now), 1))
			wantEqual(t, got(s.RevokeAll(t.Context(), ofSubject, at(c.now)))(t).Grants, 1)
			entries, next, err := s.Revocations(t.Context(), position, start)
			must(t, err)
			wantEqual(t, entries, []store.Revocation{entryOf(store.RevokedSubject, "staff:u-1", "", at(c.notBefore), at(c.notBefore))})
			if next <= position {
				t.Fatalf("the position went from %d to %d", position, next)
			}
			position = next
		}
		wantEqual(t, len(logged(t, s, start)), 1)
	}},
	{"of what began later by another node's clock logs each grant", func(t *testing.T, s store.Store) {
		ahead := active("ahead", 1)
		ahead.Created, ahead.AuthTime = at(35), at(20)
		signedIn := active("signed in ahead", 1)
		signedIn.AuthTime = at(36)
		for _, grant := range []store.Grant{active("now", 1), ahead, signedIn} {
			create(t, s, grant)
		}
		wantEqual(t, got(s.RevokeAll(t.Context(), ofSubject, at(5)))(t), store.Ended{Grants: 3})
		byKey := map[string]store.RevocationKind{}
		for _, entry := range logged(t, s, start) {
			byKey[entry.Key] = entry.Kind
		}
		wantEqual(t, byKey, map[string]store.RevocationKind{
			"staff:u-1": store.RevokedSubject, "ahead": store.RevokedGrant, "signed in ahead": store.RevokedGrant,
		})
	}},
	{"ends what was being granted meanwhile, and only that", endInFlight},
	{"stays so for families that are refreshed at the same time", func(t *testing.T, s store.Store) {
		for round := range rounds(10) {
			grant := active(strconv.Itoa(round), 1)
			grant.SessionID = grant.ID
			create(t, s, grant)
			_, errs := race(t, func(n int) (uint32, error) {
				if n == contenders/2 {
					ended, err := s.RevokeAll(t.Context(), store.Reach{Realm: realm, SessionID: grant.ID}, at(5))
					if err == nil && ended.Grants != 1 {
						err = fmt.Errorf("%d grants ended", ended.Grants)
					}
					return 0, err
				}
				return s.RotateRefresh(t.Context(), rotation(grant.ID, 1, at(5)))
			})
			for _, err := range errs {
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					t.Fatal(err)
				}
			}
			wantEqual(t, stored(t, s, grant.ID).State, store.GrantRevoked)
		}
	}},
}

// createMany stores active grants.
func createMany(t *testing.T, s store.Store, prefix string, many int) {
	t.Helper()
	var all sync.WaitGroup
	for hundred := range many/100 + 1 {
		all.Go(func() {
			for n := hundred * 100; n < min(many, (hundred+1)*100); n++ {
				if err := s.CreateGrant(t.Context(), active(fmt.Sprintf("%s-%05d", prefix, n), 1), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// longName is as long as a name may be.
var longName = fmt.Sprintf("%01024d", 7)

// endOnlyTheReach revokes each reach among grants that differ in one thing.
func endOnlyTheReach(t *testing.T, s store.Store) {
	for n, c := range []struct {
		reach  store.Reach
		entry  store.Revocation
		others []func(*store.Grant)
	}{
		{ofSubject, entryOf(store.RevokedSubject, "staff:u-1", "", at(5), at(5)), []func(*store.Grant){ofOtherSubject, inOtherRealm}},
		{ofClient, entryOf(store.RevokedClient, client, "", at(5), at(5)), []func(*store.Grant){ofOtherClient, inOtherRealm}},
		{ofSession, entryOf(store.RevokedSession, "s-1", "", time.Time{}, at(5)), []func(*store.Grant){ofOtherSession, ofNoSession, inOtherRealm}},
		{ofConsent, entryOf(store.RevokedConsent, "staff:u-1", client, at(5), at(5)), []func(*store.Grant){ofOtherSubject, ofOtherClient, inOtherRealm}},
	} {
		var others []store.Grant
		for i, change := range c.others {
			other := active(fmt.Sprintf("%d other %d", n, i), 3)
			change(&other)
			others = append(others, create(t, s, other))
		}
		for _, state := range []store.GrantState{store.GrantPending, store.GrantActive, store.GrantRevoked} {
			grant := active(fmt.Sprintf("%d state %d", n, state), 3)
			grant.State = state
			create(t, s, grant)
		}
		wantEqual(t, got(s.RevokeAll(t.Context(), c.reach, at(5)))(t), store.Ended{Grants: 2})
		for state := range 3 {
			wantEqual(t, stored(t, s, fmt.Sprintf("%d state %d", n, state)).State, store.GrantRevoked)
		}
		entries := logged(t, s, start)
		wantEqual(t, entries[n:], []store.Revocation{c.entry})
		for _, other := range others {
			wantEqual(t, got(s.Grant(t.Context(), other.Realm, other.ID))(t), other)
			must(t, s.RevokeGrant(t.Context(), other.Realm, other.ID, other.PurgeAt)) // for the next round, unlogged
		}
	}
}

func ofOtherSubject(g *store.Grant) { g.Subject = "staff:u-2" }
func ofOtherClient(g *store.Grant)  { g.ClientID = otherThan }
func ofOtherSession(g *store.Grant) { g.SessionID = "s-2" }
func ofNoSession(g *store.Grant)    { g.SessionID = "" }
func inOtherRealm(g *store.Grant)   { g.Realm = otherRealm }

// endInFlight stores grants after a revocation that rest on what was before it,
// as requests do that were being answered, and others that do not.
func endInFlight(t *testing.T, s store.Store) {
	for _, reach := range []store.Reach{ofSubject, ofClient, ofSession, ofConsent} {
		got(s.RevokeAll(t.Context(), reach, at(100)))(t)
		before := create(t, s, aged(reach, "before", 100))
		signedIn := create(t, s, aged(reach, "signed in before", 101))
		later := aged(reach, "later", 101)
		later.AuthTime = at(101)
		create(t, s, later)

		// It takes a minute until nobody is being answered any more.
		got(s.DeleteExpired(t.Context(), at(159), 100))(t)
		wantEqual(t, stored(t, s, before.ID), before)
		got(s.DeleteExpired(t.Context(), at(160), 100))(t)
		wantEqual(t, stored(t, s, before.ID).State, store.GrantRevoked)
		// A subject must sign in again, and nothing comes of an ended session.
		ends := reach == ofSubject || reach == ofSession
		wantEqual(t, stored(t, s, signedIn.ID).State == store.GrantRevoked, ends)
		wantEqual(t, stored(t, s, later.ID).State == store.GrantRevoked, reach == ofSession)

		// That was that: later sweeps are not for this revocation.
		last := create(t, s, aged(reach, "last", 100))
		got(s.DeleteExpired(t.Context(), at(161), 100))(t)
		wantEqual(t, stored(t, s, last.ID), last)
		must(t, s.RevokeGrant(t.Context(), realm, last.ID, at(161)))
	}
}

// aged is an active grant of a reach that was made at a second.
func aged(reach store.Reach, id string, created int) store.Grant {
	grant := active(fmt.Sprintf("%d %s", reach.Kind(), id), 1)
	grant.Created = at(created)
	return grant
}
