package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// consentsAtOnce is how many consents one step of the store takes.
const consentsAtOnce = 200

// errMeanwhile is said of what another operator has changed since it was decided.
var errMeanwhile = errors.New("was changed meanwhile: run the import again")

// store stores what was decided, client by client. A fault ends it; the answer
// then says what is stored, and has the secrets that were made until then.
func (p *importPlan) store(r *http.Request) {
	stored, err := p.storeClients(r)
	if err == nil {
		err = p.storeConsents(r.Context())
	}
	if err == nil {
		err = p.storeSwitches(r)
	}
	if err != nil {
		p.answer.Fault = err.Error()
	}
	p.answer.Stored = err == nil && !p.failed
	p.c.app.audit(r.Context(), audit.Record{Event: audit.RealmImported, Realm: p.c.realm.Name}.
		With(audit.Format, p.answer.Format).With(audit.Count, strconv.Itoa(stored)))
}

func (p *importPlan) storeClients(r *http.Request) (stored int, fault error) {
	events := map[string]audit.Event{importCreated: audit.ClientCreated, importReplaced: audit.ClientChanged}
	for i := range p.clients {
		answer := &p.answer.Clients[i]
		event, changes := events[answer.Action]
		if !changes {
			continue
		}
		err := fault
		if err == nil {
			err = p.storeClient(r.Context(), &p.clients[i], answer)
		}
		switch {
		case err == nil:
			stored++
			p.c.app.tellChange(r, event, p.c.realm.Name, p.clients[i].id)
			continue
		case errors.Is(err, store.ErrExists), errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNotFound):
			err = errMeanwhile
		default:
			fault = err
		}
		answer.importedPart = p.fail(err)
	}
	return stored, fault
}

func (p *importPlan) storeClient(ctx context.Context, planned *plannedClient, answer *importedClient) error {
	secrets, shown := planned.secrets, ""
	if answer.NewSecret {
		secret, made, err := newSecret(ctx, "", time.Time{}, p.now)
		if err != nil {
			return err
		}
		secrets, shown = []store.StoredSecret{secret}, made.Reveal()
	}
	if err := p.c.Import(ctx, p.c.realm.Name, planned.written, secrets, planned.created, planned.before); err != nil {
		return err
	}
	answer.Secret = shown
	return nil
}

func (p *importPlan) storeConsents(ctx context.Context) error {
	for some := range slices.Chunk(p.consents, consentsAtOnce) {
		added, err := p.c.realm.Store.AddConsents(ctx, some)
		if err != nil {
			return err
		}
		p.answer.Consents.Added += added
	}
	return nil
}

func (p *importPlan) storeSwitches(r *http.Request) (fault error) {
	if p.switches == nil {
		return nil
	}
	_, err := p.c.Switch(r.Context(), *p.switches)
	switch {
	case err == nil:
		p.c.app.tellChange(r, audit.RealmSwitched, p.c.realm.Name, "")
		return nil
	case errors.Is(err, store.ErrConflict):
		err, fault = errMeanwhile, nil
	default:
		fault = err
	}
	part := p.fail(err)
	p.answer.Switches = &part
	return fault
}

func (p *importPlan) fail(reason error) importedPart {
	p.failed = true
	return importedPart{Action: importFailed, Reason: reason.Error()}
}
