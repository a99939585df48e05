package caddymodule

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/importer"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration/realmfile"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// The formats that are read.
const (
	formatOwn      = "caddy-oauth2"
	formatAM       = "am"
	formatKeycloak = "keycloak"
)

// maxImportedClients bounds the clients of a document.
const maxImportedClients = 10_000

// documents is methods for bodies that are documents.
type documents methods

// ServeHTTP implements caddy.AdminHandler.
func (d documents) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	// The admin endpoint's time-outs are for short requests: to hash the secrets of
	// hundreds of clients takes longer.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return methods(d).serve(w, r, importer.MaxDocumentBytes)
}

// importRealm answers POST
// /oauth2/realms/import?realm=NAME&format=FORMAT&dry_run=BOOL&replace=BOOL&skip_bad=BOOL
// with a realmImport. Unless skip_bad is said, nothing is stored where anything is
// refused.
func importRealm(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	p := importPlan{c: c, now: adminNow(), answer: realmImport{Realm: c.realm.Name, Clients: []importedClient{}}}
	var skipBad bool
	for name, target := range map[string]*bool{"dry_run": &p.answer.DryRun, "replace": &p.replace, "skip_bad": &skipBad} {
		if *target, err = readSwitch(r, name, false); err != nil {
			return nil, err
		}
	}
	p.answer.Format = cmp.Or(r.URL.Query().Get("format"), formatOwn)
	incoming, err := readIncoming(r, p.answer.Format, p.now)
	if err != nil {
		return nil, err
	}
	if err := p.decide(r.Context(), &incoming); err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	if !p.answer.DryRun && (skipBad || p.answer.Refused == 0) {
		p.store(r)
	}
	return p.answer, nil
}

// incomingRealm is what a document comes to.
type incomingRealm struct {
	issuer   string
	clients  []incomingClient
	switches *realmfile.Switches
	consents []realmfile.Consent
	notes    []importer.Note
}

// incomingClient is a client as it shall be.
type incomingClient struct {
	id      string
	written registration.Client
	// chosen is its secret where the document tells it, secrets are digests.
	chosen  oauth.Secret
	secrets []store.StoredSecret
	created time.Time
	// fault is why the document has no such client.
	fault error
}

// readIncoming reads the document of a request.
func readIncoming(r *http.Request, format string, now time.Time) (incomingRealm, error) {
	read, known := map[string]func([]byte, time.Time) (incomingRealm, error){
		formatOwn: readOwn, formatAM: foreign(importer.AM), formatKeycloak: foreign(importer.Keycloak),
	}[format]
	if !known {
		return incomingRealm{}, badRequest(fmt.Sprintf("format is %s, %s or %s", formatOwn, formatAM, formatKeycloak))
	}
	text, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return incomingRealm{}, apiError(http.StatusRequestEntityTooLarge, fmt.Errorf("the document has more than %d bytes", tooLarge.Limit))
	}
	if err != nil {
		return incomingRealm{}, badRequest("the body ends too soon")
	}
	incoming, err := read(text, now)
	if err == nil && len(incoming.clients) > maxImportedClients {
		err = fmt.Errorf("the document has more than %d clients; split it", maxImportedClients)
	}
	if err != nil {
		return incomingRealm{}, badRequest(err.Error())
	}
	return incoming, nil
}

// foreign reads what another server has exported.
func foreign(read func([]byte) (importer.Result, error)) func([]byte, time.Time) (incomingRealm, error) {
	return func(text []byte, now time.Time) (incomingRealm, error) {
		result, err := read(text)
		out := incomingRealm{notes: result.Notes}
		for i := range result.Clients {
			client := &result.Clients[i]
			client.Registration.Disabled = client.Disabled
			out.clients = append(out.clients, incomingClient{
				id: client.Registration.ID, written: client.Registration, chosen: client.Secret, created: now,
			})
		}
		return out, err
	}
}

// readOwn reads what exportRealm has written.
func readOwn(text []byte, now time.Time) (incomingRealm, error) {
	document, err := realmfile.Read(text)
	if err != nil {
		return incomingRealm{}, err
	}
	out := incomingRealm{issuer: document.Issuer, switches: document.Switches, consents: document.Consents}
	for _, id := range document.ConfiguredClients {
		out.notes = append(out.notes, importer.Note{Client: shortID(id), Setting: "configured_clients", Text: "stood in the configuration; take it over with the Caddyfile"})
	}
	for i := range document.Clients {
		client := incomingClient{created: document.Clients[i].CreatedBy(now)}
		client.written, client.fault = document.Clients[i].Registration()
		if client.id = client.written.ID; client.fault != nil {
			client.fault = fmt.Errorf("client %d of the document: %w", i+1, client.fault)
		}
		if client.fault == nil {
			client.secrets, client.fault = document.Clients[i].StoredSecrets(now, hasher().CheckPortable, newSecretID)
		}
		out.clients = append(out.clients, client)
	}
	return out, nil
}

// newSecretID names a secret.
func newSecretID() string { return strings.ToLower(rand.Text()[:12]) }

// Interface guard
var _ caddy.AdminHandler = (documents)(nil)
