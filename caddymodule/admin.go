package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(AdminAPI{}) }

// maxAdminBody bounds what the admin API reads of a request.
const maxAdminBody = 64 << 10

// AdminAPI is what operators ask and tell a running gateway, under /oauth2/ of
// Caddy's admin endpoint. It keeps nothing of a configuration: Caddy makes it
// before the apps, also for configurations that it then rejects.
type AdminAPI struct{}

// CaddyModule returns the Caddy module information.
func (AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.oauth2", New: func() caddy.Module { return new(AdminAPI) }}
}

// Routes implements caddy.AdminRouter.
func (AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/oauth2/issuers", Handler: methods{http.MethodGet: listIssuers}},
		{Pattern: "/oauth2/issuers/refresh", Handler: methods{http.MethodPost: refreshIssuers}},
		{Pattern: "/oauth2/deny", Handler: methods{http.MethodGet: listDenials, http.MethodPost: addDenial, http.MethodDelete: removeDenial}},
		{Pattern: "/oauth2/deny/{id}", Handler: methods{http.MethodDelete: removeDenial}},
		{Pattern: "/oauth2/backup", Handler: caddy.AdminHandlerFunc(serveBackup)},
		{Pattern: "/oauth2/backup/restored", Handler: methods{http.MethodPost: noteRestored}},
		{Pattern: "/oauth2/audit", Handler: methods{http.MethodGet: listAudit}},
		{Pattern: "/oauth2/clients", Handler: methods{http.MethodGet: listClients, http.MethodPost: createClient}},
		{Pattern: "/oauth2/clients/{id}", Handler: methods{http.MethodGet: getClient, http.MethodPut: replaceClient, http.MethodDelete: deleteClient}},
		{Pattern: "/oauth2/clients/{id}/secrets", Handler: methods{http.MethodPost: addClientSecret}},
		{Pattern: "/oauth2/clients/{id}/secrets/{secret}", Handler: methods{http.MethodDelete: removeClientSecret}},
		{Pattern: "/oauth2/realms", Handler: methods{http.MethodGet: listRealms}},
		{Pattern: "/oauth2/realms/switches", Handler: methods{http.MethodPut: switchRealm}},
		{Pattern: "/oauth2/keys", Handler: methods{http.MethodGet: listKeys}},
		{Pattern: "/oauth2/keys/rotate", Handler: methods{http.MethodPost: rotateKeys}},
		{Pattern: "/oauth2/keys/retire", Handler: methods{http.MethodPost: retireKey}},
		{Pattern: "/oauth2/keys/remove", Handler: methods{http.MethodPost: removeKey}},
		{Pattern: "/oauth2/keys/rewrap", Handler: methods{http.MethodPost: rewrapKeys}},
		{Pattern: "/oauth2/explain", Handler: methods{http.MethodPost: explainToken}},
		{Pattern: "/oauth2/tokens", Handler: methods{http.MethodPost: issueToken}},
		{Pattern: "/oauth2/tokens/inspect", Handler: methods{http.MethodPost: inspectToken}},
		{Pattern: "/oauth2/tokens/revoke", Handler: methods{http.MethodPost: revokeTokens}},
		{Pattern: "/oauth2/grants", Handler: methods{http.MethodGet: listGrants}},
		{Pattern: "/oauth2/sessions", Handler: methods{http.MethodGet: listSessions, http.MethodDelete: endSession}},
		{Pattern: "/oauth2/consents", Handler: methods{http.MethodGet: listConsents, http.MethodDelete: revokeConsents}},
	}
}

// methods answers one path. What a method gives is the JSON of the answer; nil
// is 204.
type methods map[string]func(app *App, r *http.Request) (answer any, err error)

// ServeHTTP implements caddy.AdminHandler.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	serve, ok := m[r.Method]
	if !ok {
		allowed := make([]string, 0, len(m))
		for method := range m {
			allowed = append(allowed, method)
		}
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return apiError(http.StatusMethodNotAllowed, fmt.Errorf("%s is not for this path; there are %s", r.Method, strings.Join(allowed, ", ")))
	}
	app, err := runningApp()
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAdminBody)
	answer, err := serve(app, byAdmin(r))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}

// runningApp is the app of the configuration that runs now.
func runningApp() (*App, error) {
	loaded, err := caddy.ActiveContext().AppIfConfigured("oauth2")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, apiError(http.StatusConflict, errors.New("the running configuration has neither a bearer_auth nor the option oauth2"))
	}
	if err != nil {
		return nil, err
	}
	return asApp(loaded)
}

// readBody reads the JSON object of a request into target, strictly. Its errors
// go into Caddy's log, so they repeat nothing of the body: it may hold a token.
func readBody(r *http.Request, target any, members string) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(target)
	if err == nil {
		_, err = decoder.Token()
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF):
		return nil // the end, or nothing at all
	case errors.As(err, &tooLarge):
		return apiError(http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d bytes", tooLarge.Limit))
	default:
		return badRequest("the body must be one JSON object with no other members than " + members)
	}
}

func badRequest(text string) error { return apiError(http.StatusBadRequest, errors.New(text)) }

func apiError(status int, err error) error { return caddy.APIError{HTTPStatus: status, Err: err} }

// Interface guards
var (
	_ caddy.AdminRouter  = (*AdminAPI)(nil)
	_ caddy.AdminHandler = (methods)(nil)
)
