package caddymodule

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// tellChange tells of what an operator has changed, once.
func (a *App) tellChange(r *http.Request, event audit.Event, realmName, clientID string) {
	a.audit(r.Context(), audit.Record{Event: event, Realm: realmName, ClientID: clientID})
}
