package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
		at("/oauth2/issuers", nil, methods{http.MethodGet: listIssuers}),
		at("/oauth2/issuers/refresh", nil, methods{http.MethodPost: refreshIssuers}),
		at("/oauth2/deny", []string{"after", "limit"}, methods{http.MethodGet: listDenials, http.MethodPost: addDenial, http.MethodDelete: removeDenial}),
		at("/oauth2/deny/{id}", nil, methods{http.MethodDelete: removeDenial}),
		at("/oauth2/backup", nil, caddy.AdminHandlerFunc(serveBackup)),
		at("/oauth2/backup/restored", nil, methods{http.MethodPost: noteRestored}),
		at("/oauth2/audit", []string{"realm", "event", "subject", "client", "since", "limit", "before"}, methods{http.MethodGet: listAudit}),
		at("/oauth2/attempts/reset", nil, methods{http.MethodPost: resetAttempts}),
		at("/oauth2/clients", []string{"realm", "after", "limit"}, methods{http.MethodGet: listClients, http.MethodPost: createClient}),
		at("/oauth2/clients/{id}", []string{"realm", "version"}, methods{http.MethodGet: getClient, http.MethodPut: replaceClient, http.MethodDelete: deleteClient}),
		at("/oauth2/clients/{id}/secrets", []string{"realm"}, methods{http.MethodPost: addClientSecret}),
		at("/oauth2/clients/{id}/secrets/{secret}", []string{"realm"}, methods{http.MethodDelete: removeClientSecret}),
		at("/oauth2/users", []string{"realm", "service", "username", "prefix", "after", "limit"}, methods{http.MethodGet: listUsers, http.MethodPost: createUser}),
		at("/oauth2/users/{id}", []string{"realm", "service", "version"}, methods{http.MethodGet: getUser, http.MethodPut: replaceUser, http.MethodDelete: deleteUser}),
		at("/oauth2/users/{id}/password", []string{"realm", "service"}, methods{http.MethodPost: setUserPassword}),
		at("/oauth2/realms", nil, methods{http.MethodGet: listRealms}),
		at("/oauth2/realms/switches", []string{"realm", "version"}, methods{http.MethodPut: switchRealm}),
		at("/oauth2/realms/export", []string{"realm", "consents"}, methods{http.MethodGet: exportRealm}),
		at("/oauth2/realms/import", []string{"realm", "format", "dry_run", "replace", "skip_bad"}, documents{http.MethodPost: importRealm}),
		at("/oauth2/keys", []string{"realm"}, methods{http.MethodGet: listKeys}),
		at("/oauth2/keys/rotate", []string{"realm"}, methods{http.MethodPost: rotateKeys}),
		at("/oauth2/keys/retire", []string{"realm"}, methods{http.MethodPost: retireKey}),
		at("/oauth2/keys/remove", []string{"realm"}, methods{http.MethodPost: removeKey}),
		at("/oauth2/keys/rewrap", nil, methods{http.MethodPost: rewrapKeys}),
		at("/oauth2/explain", nil, methods{http.MethodPost: explainToken}),
		at("/oauth2/tokens", nil, methods{http.MethodPost: issueToken}),
		at("/oauth2/tokens/inspect", nil, methods{http.MethodPost: inspectToken}),
		at("/oauth2/tokens/revoke", nil, methods{http.MethodPost: revokeTokens}),
		at("/oauth2/grants", []string{"realm", "subject", "username", "client", "session", "after", "limit"}, methods{http.MethodGet: listGrants}),
		at("/oauth2/sessions", []string{"realm", "subject", "username", "session", "after", "limit"}, methods{http.MethodGet: listSessions, http.MethodDelete: endSession}),
		at("/oauth2/factors", []string{"realm", "subject", "username", "factor"}, methods{http.MethodGet: listFactors, http.MethodDelete: removeFactors}),
		at("/oauth2/consents", []string{"realm", "subject", "username", "client"}, methods{http.MethodGet: listConsents, http.MethodDelete: revokeConsents}),
	}
}

// at serves a path. A parameter that it does not know is refused: misspelt, it
// would have the call mean another realm, or all of what it was to choose from.
func at(path string, parameters []string, serve caddy.AdminHandler) caddy.AdminRoute {
	return caddy.AdminRoute{Pattern: path, Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := checkQuery(r.URL.RawQuery, parameters); err != nil {
			return err
		}
		return serve.ServeHTTP(w, r)
	})}
}

// checkQuery checks the parameters of a call. Its errors repeat nothing.
func checkQuery(written string, known []string) error {
	query, err := url.ParseQuery(written)
	if err != nil {
		return badRequest("the parameters behind the ? cannot be read: see that they are percent-encoded, with & between them")
	}
	for name, given := range query {
		switch {
		case len(known) == 0:
			return badRequest("there are no parameters for this path; what it takes stands in the body")
		case !slices.Contains(known, name):
			return badRequest("there are the parameters " + strings.Join(known, ", ") + " for this path, and a call has another")
		case len(given) != 1:
			return badRequest("each parameter stands once")
		}
	}
	return nil
}

// methods answers one path. What a method gives is the JSON of the answer; nil
// is 204.
type methods map[string]func(app *App, r *http.Request) (answer any, err error)

// ServeHTTP implements caddy.AdminHandler.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	return m.serve(w, r, maxAdminBody)
}

// serve reads so much of the body at most.
func (m methods) serve(w http.ResponseWriter, r *http.Request, maxBody int64) error {
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
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
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
