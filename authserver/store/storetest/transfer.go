package storetest

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// transferChecks are what exports and imports of a realm rest on.
var transferChecks = []check{
	{"consents of a realm are listed by subject and client", func(t *testing.T, s store.Store) {
		all := []store.Consent{consentFor(realm, "a", "web", "openid"), consentFor(realm, "a", "wed", "z", "a"), consentFor(realm, "b", "app", "openid")}
		all[1].Resources = []string{"https://b.example", "https://a.example"}
		wantEqual(t, got(s.AddConsents(t.Context(), []store.Consent{all[2], all[1], all[0], consentFor(otherRealm, "a", "web", "openid")}))(t), 4)
		listed, whole, err := s.RealmConsents(t.Context(), realm, 6)
		must(t, err)
		wantEqual(t, whole, true)
		wantEqual(t, listed, all)
		wantEqual(t, got(s.Consent(t.Context(), realm, "a", "wed"))(t), all[1])
	}},
	{"consents of a realm are listed whole or not at all", func(t *testing.T, s store.Store) {
		wantEqual(t, got(s.AddConsents(t.Context(), []store.Consent{consentFor(realm, "a", "web", "openid", "email")}))(t), 1)
		listed, whole, err := s.RealmConsents(t.Context(), realm, 1)
		must(t, err)
		wantEqual(t, len(listed), 0)
		wantEqual(t, whole, false)
	}},
	{"consents are added beside those that there are", func(t *testing.T, s store.Store) {
		there := consentFor(realm, "a", "web", "openid")
		must(t, s.CreateGrant(t.Context(), pending(grantID), &there))
		more := consentFor(realm, "a", "web", "openid", "email")
		more.Updated = at(50)
		wantEqual(t, got(s.AddConsents(t.Context(), []store.Consent{more}))(t), 1)
		wantEqual(t, got(s.AddConsents(t.Context(), []store.Consent{more, there}))(t), 0)
		wantEqual(t, got(s.Consent(t.Context(), realm, "a", "web"))(t).Scope, oauth.Scope{"openid", "email"})
	}},
	{"a client is restored with its secrets where the version is right", func(t *testing.T, s store.Store) {
		c := register(t, s, registered("web"))
		before := c.Version
		c.Registration, c.Secrets = `{"id":"web"}`, []store.StoredSecret{secret("s2"), secret("s3")}
		c.Version = got(s.RestoreClient(t.Context(), c, "0"))(t)
		if c.Version <= before {
			t.Fatalf("the version went from %d to %d", before, c.Version)
		}
		wantEqual(t, storedClient(t, s, "web"), c)
		wantEqual(t, clientChanges(t, s, before), []store.StoredClient{c})
		stale := c
		stale.Version, stale.Secrets = before, nil
		_, err := s.RestoreClient(t.Context(), stale, "")
		wantError(t, err, store.ErrConflict)
		wantEqual(t, storedClient(t, s, "web"), c)
		stale.ID = "nobody"
		_, err = s.RestoreClient(t.Context(), stale, "")
		wantError(t, err, store.ErrNotFound)
	}},
}

func consentFor(realm, subject, client string, scope ...string) store.Consent {
	return store.Consent{Realm: realm, Subject: subject, ClientID: client, Scope: scope, Updated: start}
}
