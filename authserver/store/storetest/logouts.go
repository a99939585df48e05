package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// used stores a grant of a client in a session.
func used(t *testing.T, s store.Store, clientID, sessionID string, more ...func(*store.Grant)) store.Grant {
	t.Helper()
	grant := active(clientID+" in "+sessionID, 1)
	grant.ClientID, grant.SessionID = clientID, sessionID
	for _, change := range more {
		change(&grant)
	}
	return create(t, s, grant)
}

func offline(g *store.Grant) { g.Scope = oauth.Scope{"openid", "offline_access"} }

// due leases what is due at a second, for ten.
func due(t *testing.T, s store.Store, second int) []string {
	t.Helper()
	leased := got(s.LeaseLogouts(t.Context(), at(second), at(second+10), 100))(t)
	return names(leased)
}

func names(leased []store.Logout) []string {
	list := make([]string, len(leased))
	for n, l := range leased {
		list[n] = fmt.Sprintf("%s in %s: %d", l.ClientID, l.SessionID, l.Attempts)
	}
	slices.Sort(list)
	return list
}

var logoutChecks = []check{
	{"the clients of a session that ends are to be told, each once", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session("1"), ""))
		must(t, s.CreateSession(t.Context(), session("2"), ""))
		for _, clientID := range []string{"a", "b"} {
			used(t, s, clientID, "sid-1")
			used(t, s, clientID, "sid-1", func(g *store.Grant) { g.ID += " again" })
			used(t, s, clientID, "sid-2")
		}
		used(t, s, "offline", "sid-1", offline)
		used(t, s, "revoked", "sid-1", func(g *store.Grant) { g.State = store.GrantRevoked })
		used(t, s, "not redeemed", "sid-1", func(g *store.Grant) { g.State = store.GrantPending })
		used(t, s, "elsewhere", "sid-1", inOtherRealm)
		wantEqual(t, due(t, s, 1), []string{})
		got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, SessionID: "sid-1"}, at(1)))(t)
		leased := got(s.LeaseLogouts(t.Context(), at(1), at(11), 100))(t)
		wantEqual(t, names(leased), []string{"a in sid-1: 1", "b in sid-1: 1", "offline in sid-1: 1", "revoked in sid-1: 1"})
		for _, l := range leased {
			wantEqual(t, l, store.Logout{
				ID: l.ID, Realm: realm, SessionID: "sid-1", ClientID: l.ClientID, Subject: "staff:u-1", Attempts: 1, Expires: at(1).Add(store.LogoutsKept),
			})
			wantNoZeroField(t, l)
		}
	}},
	{"so are those of all sessions of a subject that is revoked, and of no client or consent", func(t *testing.T, s store.Store) {
		for _, name := range []string{"1", "2"} {
			must(t, s.CreateSession(t.Context(), session(name), ""))
			used(t, s, client, "sid-"+name)
		}
		used(t, s, client, "long ago")
		used(t, s, "no session", "")
		got(s.RevokeAll(t.Context(), ofClient, at(1)))(t)
		got(s.RevokeAll(t.Context(), ofConsent, at(1)))(t)
		wantEqual(t, due(t, s, 1), []string{})
		got(s.RevokeAll(t.Context(), ofSubject, at(1)))(t)
		wantEqual(t, due(t, s, 1), []string{"web in sid-1: 1", "web in sid-2: 1"})
		// Their sessions are over: nobody is told again.
		got(s.RevokeAll(t.Context(), ofSubject, at(2)))(t)
		got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, SessionID: "sid-1"}, at(2)))(t)
		wantEqual(t, due(t, s, 20), []string{"web in sid-1: 2", "web in sid-2: 2"})
	}},
	{"a lease keeps others away until it ends", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session("1"), ""))
		for n := range 3 {
			used(t, s, fmt.Sprint(n), "sid-1")
		}
		got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, SessionID: "sid-1"}, at(1)))(t)
		first := got(s.LeaseLogouts(t.Context(), at(1), at(11), 2))(t)
		wantEqual(t, len(first), 2)
		wantEqual(t, len(due(t, s, 2)), 1)
		wantEqual(t, due(t, s, 10), []string{})
		must(t, s.FinishLogout(t.Context(), first[0]))
		must(t, s.FinishLogout(t.Context(), first[0]))
		first[1].Attempts = 7
		must(t, s.PostponeLogout(t.Context(), first[1], at(100)))
		wantEqual(t, len(due(t, s, 99)), 1)
		wantEqual(t, due(t, s, 100), []string{fmt.Sprintf("%s in sid-1: 8", first[1].ClientID)})
	}},
	{"of racing nodes one gets each", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session("1"), ""))
		const many = 20
		for n := range many {
			used(t, s, fmt.Sprintf("%02d", n), "sid-1")
		}
		for round := range rounds(3) {
			now := at(20 * round)
			if round == 0 {
				got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, SessionID: "sid-1"}, now))(t)
			}
			leased, errs := race(t, func(int) ([]store.Logout, error) {
				return s.LeaseLogouts(t.Context(), now, now.Add(20*time.Second), 7)
			})
			all := slices.Concat(leased...)
			for {
				more := got(s.LeaseLogouts(t.Context(), now, now.Add(20*time.Second), 7))(t)
				if all = append(all, more...); len(more) == 0 {
					break
				}
			}
			for _, err := range errs {
				must(t, err)
			}
			wantEqual(t, len(all), many)
			seen := names(all)
			wantEqual(t, len(slices.Compact(seen)), many)
		}
	}},
	{"goes when its time is over", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session("1"), ""))
		used(t, s, client, "sid-1", func(g *store.Grant) { g.PurgeAt = at(1_000_000) })
		got(s.RevokeAll(t.Context(), store.Reach{Realm: realm, SessionID: "sid-1"}, at(0)))(t)
		kept := int(store.LogoutsKept.Seconds())
		got(s.DeleteExpired(t.Context(), at(kept-1), 100))(t)
		wantEqual(t, len(due(t, s, kept-20)), 1)
		got(s.DeleteExpired(t.Context(), at(kept), 100))(t)
		wantEqual(t, due(t, s, kept+100), []string{})
	}},
	{"a session ends without those of its grants that outlive it", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session("1"), ""))
		used(t, s, "ends", "sid-1")
		used(t, s, "outlives", "sid-1", offline)
		// Names like it are other scopes, in upper case too.
		for _, scope := range []string{"Offline_Access", "offline-access", "xoffline_access", "offline_accessx"} {
			used(t, s, scope, "sid-1", func(g *store.Grant) { g.Scope = oauth.Scope{"openid", scope} })
		}
		reach := store.Reach{Realm: realm, SessionID: "sid-1"}
		wantEqual(t, got(s.RevokeAll(t.Context(), reach, at(1)))(t), store.Ended{Grants: 5, Sessions: 1})
		for _, grant := range got(s.Grants(t.Context(), reach, "", 100))(t) {
			outlives := strings.HasPrefix(grant.ID, "outlives ")
			wantEqual(t, grant.Outlives(), outlives)
			wantEqual(t, grant.State == store.GrantActive, outlives)
		}
		// Neither does the upkeep end it, which looks once more.
		got(s.DeleteExpired(t.Context(), at(100), 100))(t)
		wantEqual(t, stored(t, s, "outlives in sid-1").State, store.GrantActive)
		got(s.RotateRefresh(t.Context(), func() store.Rotation {
			r := rotation("outlives in sid-1", 1, at(101))
			r.ClientID = "outlives"
			return r
		}()))(t)
		// All of a subject is all.
		got(s.RevokeAll(t.Context(), ofSubject, at(102)))(t)
		wantEqual(t, stored(t, s, "outlives in sid-1").State, store.GrantRevoked)
	}},
}
