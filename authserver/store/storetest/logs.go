package storetest

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var logChecks = []check{
	{"F8 a log ends where its readers have come to", func(t *testing.T, s store.Store) {
		wantEqual(t, got(s.LogEnds(t.Context()))(t), store.LogEnds{})
		must(t, s.RevokeToken(t.Context(), realm, "jti", at(60), at(0)))
		must(t, s.RevokeToken(t.Context(), realm, "jti2", at(60), at(0)))
		must(t, s.PutDenial(t.Context(), denial("alice")))
		register(t, s, registered("web"))
		got(s.PutSwitches(t.Context(), store.Switches{Realm: realm}))(t)
		got(s.CreateKey(t.Context(), key("key")))(t)
		var read store.LogEnds
		var err error
		_, read.Revocations, err = s.Revocations(t.Context(), 0, at(0))
		must(t, err)
		_, read.Denials, err = s.Denials(t.Context(), 0)
		must(t, err)
		_, read.Clients, err = s.ClientChanges(t.Context(), 0)
		must(t, err)
		_, read.Realms, err = s.SwitchChanges(t.Context(), 0)
		must(t, err)
		_, read.Keys, err = s.KeyChanges(t.Context(), 0)
		must(t, err)
		wantNoZeroField(t, read)
		wantEqual(t, got(s.LogEnds(t.Context()))(t), read)
	}},
}
