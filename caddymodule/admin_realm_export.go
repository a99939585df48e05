package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/importer"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/realmfile"
)

// maxExportedItems bounds the scopes and resources of the consents of an export.
// More would not fit into a document that can be imported.
const maxExportedItems = 500_000

var errLargeRealm = fmt.Errorf("the realm does not fit into a document of %d bytes; leave the consents out with consents=false, "+
	"or carry the whole store over: caddy oauth2-backup", importer.MaxDocumentBytes)

// exportRealm answers GET /oauth2/realms/export?realm=NAME&consents=BOOL with a
// realmfile.Document.
func exportRealm(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	withConsents, err := readSwitch(r, "consents", true)
	if err != nil {
		return nil, err
	}
	document := realmfile.Document{
		Format: realmfile.Format, Version: realmfile.Version, Realm: c.realm.Name, Issuer: c.realm.Issuer, Exported: adminNow(),
		Clients: []realmfile.Client{}, Switches: realmfile.SwitchesOf(c.realm.Book.Switches()),
	}
	for _, client := range app.configured(c.realm.Name) {
		document.ConfiguredClients = append(document.ConfiguredClients, client.Client.ID)
	}
	for after := ""; ; {
		rows, err := c.List(r.Context(), c.realm.Name, after, clientPage)
		if err != nil {
			return nil, apiError(http.StatusServiceUnavailable, err)
		}
		for i := range rows {
			document.Clients = append(document.Clients, realmfile.ClientOf(rows[i], hasher().Portable))
		}
		if len(rows) < clientPage {
			break
		}
		if after = rows[len(rows)-1].ID; len(document.Clients) > maxImportedClients {
			return nil, apiError(http.StatusConflict, errLargeRealm)
		}
	}
	if withConsents {
		consents, whole, err := c.realm.Store.RealmConsents(r.Context(), c.realm.Name, maxExportedItems)
		if err != nil {
			return nil, apiError(http.StatusServiceUnavailable, err)
		}
		if !whole {
			return nil, apiError(http.StatusConflict, errLargeRealm)
		}
		for i := range consents {
			document.Consents = append(document.Consents, realmfile.ConsentOf(consents[i]))
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	if len(text) > importer.MaxDocumentBytes {
		return nil, apiError(http.StatusConflict, errLargeRealm)
	}
	app.audit(r.Context(), audit.Record{Event: audit.RealmExported, Realm: c.realm.Name}.
		With(audit.Format, formatOwn).With(audit.Count, strconv.Itoa(len(document.Clients))))
	return json.RawMessage(text), nil
}

// readSwitch reads a parameter that is true or false.
func readSwitch(r *http.Request, name string, otherwise bool) (bool, error) {
	switch r.URL.Query().Get(name) {
	case "":
		return otherwise, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, apiError(http.StatusBadRequest, errors.New(name+" is true or false"))
}
