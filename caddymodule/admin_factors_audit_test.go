package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// What an operator takes away is told as his; what a user adds, as the user's.
func TestWhoAddsAndRemovesFactorsIsAudited(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", "audit {\nstore\n}"))
	_, err := app.withRealm(t.Context(), "", func(in *realm.Realm) (any, error) {
		_, err := in.Factors.NewRecoveryCodes(t.Context(), store.Account{Service: in.DefaultService, ID: "frida"})
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	request := byAdmin(httptest.NewRequest(http.MethodDelete, "/oauth2/factors?subject=frida", nil))
	if _, err := removeFactors(app, request); err != nil {
		t.Fatal(err)
	}
	for event, want := range map[audit.Event]audit.Actor{audit.RecoveryCodesMade: audit.ByUser, audit.FactorRemoved: audit.ByAdmin} {
		var records []audit.Record
		until(t, string(event)+" kept", 10*time.Second, func() bool {
			records, err = app.auditRecords(context.Background(), audit.Query{Event: event, Limit: 10})
			return err == nil && len(records) == 1
		})
		if record := records[0]; record.Actor != want || record.Subject != "frida" || record.Realm != "/" || record.Details.Get(audit.Count) != "10" {
			t.Errorf("%+v", record)
		}
	}
}
