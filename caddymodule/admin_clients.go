package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// clientPage is how many clients an answer has at most.
const clientPage = 500

// clientsAnswer is a page of the clients of a realm.
type clientsAnswer struct {
	// Clients are those of this page, by id.
	Clients []clientAnswer `json:"clients"`

	// Next is the `after` of the next page; absent on the last.
	Next string `json:"next,omitempty"`
}

// listClients answers GET /oauth2/clients?realm=NAME&after=ID&limit=N.
func listClients(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	after, limit, err := readPage(r, clientPage)
	if err != nil {
		return nil, err
	}
	rows, err := c.List(r.Context(), c.realm.Name, after, limit+1)
	if err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	answer := clientsAnswer{Clients: []clientAnswer{}}
	for i := range rows {
		answer.Clients = append(answer.Clients, c.shown(rows[i]))
	}
	for _, client := range app.configured(c.realm.Name) {
		if client.Client.ID > after {
			answer.Clients = append(answer.Clients, client)
		}
	}
	// Where both have an id, that of the configuration stands first: it counts.
	slices.SortFunc(answer.Clients, func(a, b clientAnswer) int {
		if order := strings.Compare(a.Client.ID, b.Client.ID); order != 0 {
			return order
		}
		return strings.Compare(a.Source, b.Source)
	})
	if len(answer.Clients) > limit {
		end := limit
		// A page never ends between two of one id.
		for end < len(answer.Clients) && answer.Clients[end].Client.ID == answer.Clients[limit-1].Client.ID {
			end++
		}
		if end < len(answer.Clients) {
			answer.Next = answer.Clients[end-1].Client.ID
		}
		answer.Clients = answer.Clients[:end]
	}
	return answer, nil
}

// configured are the clients of the configuration in a realm, without secrets.
func (a *App) configured(realmName string) []clientAnswer {
	var out []clientAnswer
	for _, r := range a.Realms {
		for i := 0; r.Name == realmName && i < len(r.Clients); i++ {
			client := *r.Clients[i]
			client.Secrets = nil
			out = append(out, clientAnswer{Realm: realmName, Source: sourceConfig, Client: client})
		}
	}
	return out
}

// getClient answers GET /oauth2/clients/ID?realm=NAME.
func getClient(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	id := r.PathValue("id")
	for _, client := range app.configured(c.realm.Name) {
		if client.Client.ID == id {
			return client, nil
		}
	}
	row, err := c.Get(r.Context(), c.realm.Name, id)
	if err != nil {
		return nil, clientFault(id, err)
	}
	return c.shown(row), nil
}

// createClient answers POST /oauth2/clients?realm=NAME with the client. One that
// is not public and brings no secret is given one.
func createClient(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	written, err := readRegistration(r)
	if err != nil {
		return nil, err
	}
	chosen := written.Secrets
	if len(chosen) == 0 && !written.Public {
		chosen = []string{""} // one is made
	}
	if err := c.check(&written, len(chosen)); err != nil {
		return nil, err
	}
	switch written.ID {
	case ".", "..", "/":
		return nil, badRequest(fmt.Sprintf("id: %q is not itself in a path, which clients are changed and deleted by: choose another", written.ID))
	}
	if c.realm.Configured(written.ID) {
		return nil, apiError(http.StatusConflict, fmt.Errorf("the configuration has a client %q: change it there, or choose another id", written.ID))
	}
	if c.realm.AccountNamed(r.Context(), written.ID) {
		return nil, apiError(http.StatusConflict, fmt.Errorf("an account of the realm has the subject %q, which a client's tokens would bear too: choose another id", written.ID))
	}
	now := adminNow()
	secrets := make([]store.StoredSecret, len(chosen))
	shown := ""
	for i, text := range chosen {
		secret, made, err := newSecret(r.Context(), text, time.Time{}, now)
		if errors.Is(err, hashing.ErrBusy) {
			return nil, apiError(http.StatusServiceUnavailable, err)
		}
		if err != nil {
			return nil, badRequest(fmt.Sprintf("secrets: secret %d %v", i+1, err))
		}
		secrets[i], shown = secret, made.Reveal()
	}
	row, err := c.Create(r.Context(), c.realm.Name, written, secrets)
	if err != nil {
		return nil, clientFault(written.ID, err)
	}
	app.tellChange(r, audit.ClientCreated, c.realm.Name, written.ID)
	answer := c.shown(row)
	answer.Secret = shown
	return answer, nil
}

// replaceClient answers PUT /oauth2/clients/ID?realm=NAME&version=N with the
// client. Its secrets stay; one that was public and is no more is given one.
func replaceClient(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	version, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	written, err := readRegistration(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if written.ID == "" {
		written.ID = id
	}
	switch {
	case written.ID != id:
		return nil, badRequest("id: a client keeps its id; delete it and create another")
	case len(written.Secrets) > 0:
		return nil, badRequest("secrets: they are changed by POST /oauth2/clients/{id}/secrets and DELETE /oauth2/clients/{id}/secrets/{secret} (caddy oauth2-client secret)")
	}
	if err := c.onlyStored(id); err != nil {
		return nil, err
	}
	before, err := c.Get(r.Context(), c.realm.Name, id)
	if err != nil {
		return nil, clientFault(id, err)
	}
	bare := len(before.Secrets) == 0 && !written.Public
	if err := c.check(&written, max(len(before.Secrets), 1-public(written))); err != nil {
		return nil, err
	}
	row, err := c.Replace(r.Context(), c.realm.Name, written, version)
	if err != nil {
		return nil, clientFault(id, err)
	}
	app.tellChange(r, audit.ClientChanged, c.realm.Name, id)
	if !bare {
		return c.shown(row), nil
	}
	added, err := c.addSecret(r, id, "", time.Time{})
	if err != nil {
		return nil, err
	}
	if row, err = c.Get(r.Context(), c.realm.Name, id); err != nil {
		return nil, clientFault(id, err)
	}
	answer := c.shown(row)
	answer.Secret = added.Secret
	return answer, nil
}

// deleteClient answers DELETE /oauth2/clients/ID?realm=NAME&version=N.
func deleteClient(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	version, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if _, err := c.Get(r.Context(), c.realm.Name, id); err != nil {
		if refused := c.onlyStored(id); refused != nil {
			return nil, refused
		}
		return nil, clientFault(id, err)
	}
	if err := c.Delete(r.Context(), c.realm.Name, id, version); err != nil {
		return nil, clientFault(id, err)
	}
	app.tellChange(r, audit.ClientDeleted, c.realm.Name, id)
	return nil, nil
}

// onlyStored refuses to change a client of the configuration.
func (c clientsOf) onlyStored(id string) error {
	if !c.realm.Configured(id) {
		return nil
	}
	return apiError(http.StatusConflict, fmt.Errorf("the client %q stands in the configuration: change it there", id))
}

// check says whether a registration can work in the realm.
func (c clientsOf) check(written *registration.Client, secrets int) error {
	resolved, err := c.realm.CheckClient(written, secrets)
	if err != nil {
		return badRequest(fmt.Sprintf("the client %v", err))
	}
	return c.checkKeys(&resolved)
}

// checkKeys says whether the realm has the keys that a client needs.
func (c clientsOf) checkKeys(resolved *store.Client) error {
	if _, err := c.realm.Keys.Signer(resolved.IDTokenAlgorithm); err != nil {
		return badRequest(fmt.Sprintf("id_token.algorithm: realm %s has no key for %s; give it one by a configuration that names the algorithm", c.realm.Name, resolved.IDTokenAlgorithm))
	}
	return nil
}

// readRegistration reads the document of a request.
func readRegistration(r *http.Request) (registration.Client, error) {
	text, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return registration.Client{}, apiError(http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d bytes", tooLarge.Limit))
	}
	if err != nil {
		return registration.Client{}, badRequest("the body ends too soon")
	}
	written, err := registration.Parse(text)
	if err != nil {
		return written, badRequest(err.Error())
	}
	return written, nil
}
