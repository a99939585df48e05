package browser

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestAS54_AFormOutlivesTheRotationOfItsKeyAndNotItsRemoval(t *testing.T) {
	w := realmtest.New(t)
	ring, now := w.Realm.Keys, w.Clock.Now()
	form, claim := Forms{ring}, pages.FormClaim{Purpose: "login", Browser: "b", Request: "r"}
	first, old := form.Issue(claim, now.Add(time.Hour)), ring.Secret(store.KeyForm).ID
	if _, err := ring.Rotate(t.Context(), keys.Kind{Purpose: store.KeyForm, Algorithm: "HS256"}, true, now); err != nil {
		t.Fatal(err)
	}
	second := form.Issue(claim, now.Add(time.Hour))
	if ring.Secret(store.KeyForm).ID == old || first.Equal(second) {
		t.Fatal("the old key still makes forms")
	}
	if _, ok := form.Check(first, claim, now); !ok {
		t.Error("a form that was open is refused")
	}
	if err := ring.Remove(t.Context(), old, now); err != nil {
		t.Fatal(err)
	}
	if _, ok := form.Check(first, claim, now); ok {
		t.Error("a removed key is accepted")
	}
	if _, ok := form.Check(second, claim, now); !ok {
		t.Error("a form of the active key is refused")
	}
}
