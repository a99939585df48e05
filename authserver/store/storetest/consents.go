package storetest

import (
	"strconv"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var consentChecks = []check{
	{"is kept field by field", func(t *testing.T, s store.Store) {
		want := store.Consent{
			Realm: realm, Subject: "staff:u-1", ClientID: client,
			Scope: oauth.Scope{"openid", "email"}, Resources: []string{"https://b.example", "https://a.example"},
			Updated: start,
		}
		wantNoZeroField(t, want)
		must(t, s.CreateGrant(t.Context(), pending(grantID), &want))
		wantEqual(t, got(s.Consent(t.Context(), realm, "staff:u-1", client))(t), want)
	}},
	{"merges into what was agreed to before", func(t *testing.T, s store.Store) {
		first := consentOf("openid", "email")
		first.Resources = []string{"https://b.example"}
		must(t, s.CreateGrant(t.Context(), pending("1"), first))
		second := consentOf("email", "address")
		second.Resources = []string{"https://a.example", "https://b.example"}
		second.Updated = at(50)
		must(t, s.CreateGrant(t.Context(), pending("2"), second))
		wantEqual(t, got(s.Consent(t.Context(), realm, "staff:u-1", client))(t), store.Consent{
			Realm: realm, Subject: "staff:u-1", ClientID: client,
			Scope:     oauth.Scope{"openid", "email", "address"},
			Resources: []string{"https://b.example", "https://a.example"},
			Updated:   at(50),
		})
	}},
	{"is renewed by agreeing to the same again", func(t *testing.T, s store.Store) {
		must(t, s.CreateGrant(t.Context(), pending("1"), consentOf("openid", "email")))
		again := consentOf("email")
		again.Updated = at(50)
		must(t, s.CreateGrant(t.Context(), pending("2"), again))
		consent := got(s.Consent(t.Context(), realm, "staff:u-1", client))(t)
		wantEqual(t, consent.Scope, oauth.Scope{"openid", "email"})
		wantEqual(t, consent.Updated, at(50))
	}},
	{"merges what is agreed to at once", func(t *testing.T, s store.Store) {
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				id := strconv.Itoa(n)
				if err := s.CreateGrant(t.Context(), pending(id), consentOf("scope-"+id)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wantEqual(t, len(got(s.Consent(t.Context(), realm, "staff:u-1", client))(t).Scope), 20)
	}},
	{"to nothing is none", func(t *testing.T, s store.Store) {
		must(t, s.CreateGrant(t.Context(), pending(grantID), consentOf()))
		_, err := s.Consent(t.Context(), realm, "staff:u-1", client)
		wantError(t, err, store.ErrNotFound)
	}},
	{"AS57 is for one user and one client of one realm", func(t *testing.T, s store.Store) {
		must(t, s.CreateGrant(t.Context(), pending(grantID), consentOf("openid")))
		for _, who := range [][3]string{
			{otherRealm, "staff:u-1", client}, {realm, "staff:u-2", client}, {realm, "staff:u-1", otherThan},
		} {
			_, err := s.Consent(t.Context(), who[0], who[1], who[2])
			wantError(t, err, store.ErrNotFound)
		}
	}},
	{"outlives its grant", func(t *testing.T, s store.Store) {
		must(t, s.CreateGrant(t.Context(), pending(grantID), consentOf("openid")))
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(1<<31), 100))(t), 1)
		got(s.Consent(t.Context(), realm, "staff:u-1", client))(t)
	}},
}
