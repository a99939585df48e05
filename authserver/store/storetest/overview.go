package storetest

import (
	"fmt"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var overviewChecks = []check{
	{"lists grants by what they are of, newest first", func(t *testing.T, s store.Store) {
		changes := []func(*store.Grant){func(*store.Grant) {}, ofOtherSubject, ofOtherClient, ofOtherSession, ofNoSession, inOtherRealm}
		for n, change := range changes {
			grant := active(fmt.Sprint(n), 1)
			change(&grant)
			create(t, s, grant)
		}
		for _, c := range []struct {
			reach store.Reach
			want  []string
		}{
			{store.Reach{Realm: realm}, []string{"4", "3", "2", "1", "0"}},
			{store.Reach{Realm: otherRealm}, []string{"5"}},
			{ofSubject, []string{"4", "3", "2", "0"}},
			{ofClient, []string{"4", "3", "1", "0"}},
			{ofConsent, []string{"4", "3", "0"}},
			{ofSession, []string{"2", "1", "0"}},
			{store.Reach{Realm: realm, Subject: "nobody"}, nil},
			{store.Reach{Realm: "/none"}, nil},
		} {
			for limit := 1; limit <= 6; limit++ {
				wantEqual(t, pages(t, s, c.reach, limit), c.want)
			}
		}
	}},
	{"lists grants field by field, whatever their state", func(t *testing.T, s store.Store) {
		want := active("1", 3)
		create(t, s, want)
		wantEqual(t, got(s.Grants(t.Context(), ofSubject, "", 10))(t), []store.Grant{want})
		must(t, s.RevokeGrant(t.Context(), realm, "1", at(5)))
		want.State = store.GrantRevoked
		wantEqual(t, got(s.Grants(t.Context(), ofSubject, "", 10))(t), []store.Grant{want})
	}},
	{"AS57 lists the live sessions of a subject of one realm", func(t *testing.T, s store.Store) {
		theirs, elsewhere, idle := session("theirs"), session("elsewhere"), session("idle")
		theirs.Subject, elsewhere.Realm, idle.IdleExpires = "staff:u-2", otherRealm, at(50)
		for _, each := range []store.Session{session("2"), session("1"), session("3"), theirs, elsewhere, idle} {
			must(t, s.CreateSession(t.Context(), each, ""))
		}
		list := func(after string, limit int) []store.Session {
			return got(s.Sessions(t.Context(), realm, "staff:u-1", after, limit, at(50)))(t)
		}
		wantEqual(t, list("", 10), []store.Session{session("1"), session("2"), session("3")})
		wantEqual(t, list("", 2), []store.Session{session("1"), session("2")})
		wantEqual(t, list("sid-2", 2), []store.Session{session("3")})
	}},
	{"AS57 lists what a subject of one realm has agreed to, by client", func(t *testing.T, s store.Store) {
		wantEqual(t, len(got(s.Consents(t.Context(), realm, "staff:u-1"))(t)), 0)
		agree := func(id string, change func(*store.Consent), scope ...string) store.Consent {
			consent := consentOf(scope...)
			change(consent)
			must(t, s.CreateGrant(t.Context(), pending(id), consent))
			return *consent
		}
		agree("1", func(c *store.Consent) { c.Resources = []string{"https://b.example"} }, "openid", "email")
		other := agree("2", func(c *store.Consent) { c.ClientID = otherThan }, "openid")
		agree("3", func(c *store.Consent) { c.Subject = "staff:u-2" }, "openid")
		agree("4", func(c *store.Consent) { c.Realm = otherRealm }, "openid")
		agree("5", func(c *store.Consent) { c.Updated = at(50) }, "address", "email")
		wantEqual(t, got(s.Consents(t.Context(), realm, "staff:u-1"))(t), []store.Consent{
			other,
			{
				Realm: realm, Subject: "staff:u-1", ClientID: client, Updated: at(50),
				Scope: oauth.Scope{"openid", "email", "address"}, Resources: []string{"https://b.example"},
			},
		})
	}},
}

// pages reads the ids of all grants of a reach, a page at a time.
func pages(t *testing.T, s store.Store, reach store.Reach, limit int) (ids []string) {
	t.Helper()
	for after := ""; ; {
		page := got(s.Grants(t.Context(), reach, after, limit))(t)
		for _, grant := range page {
			ids = append(ids, grant.ID)
			after = grant.ID
		}
		if len(page) < limit {
			return ids
		}
	}
}
