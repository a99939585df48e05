package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// denialsAnswer is a page of the deny-list.
type denialsAnswer struct {
	// Total is how many entries there are.
	Total int `json:"total"`

	// Entries are those of this page, by ID.
	Entries []denial `json:"entries"`

	// Next is the `after` of the next page; absent on the last.
	Next string `json:"next,omitempty"`
}

// listDenials answers GET /oauth2/deny?after=ID&limit=N.
func listDenials(app *App, r *http.Request) (any, error) {
	if !app.hasDenyList() {
		return nil, apiError(http.StatusConflict, errNoDenyList)
	}
	after, limit, err := readPage(r, listPage)
	if err != nil {
		return nil, err
	}
	entries := app.denyList().List()
	answer := denialsAnswer{Total: len(entries), Entries: []denial{}}
	entries = slices.DeleteFunc(entries, func(entry introspect.Denial) bool { return entry.ID <= after })
	if len(entries) > limit {
		entries = entries[:limit]
		answer.Next = entries[limit-1].ID
	}
	for i := range entries {
		answer.Entries = append(answer.Entries, shown(entries[i]))
	}
	return answer, nil
}

// addDenial answers POST /oauth2/deny.
func addDenial(app *App, r *http.Request) (any, error) {
	entry, err := readDenial(app, r)
	if err != nil {
		return nil, err
	}
	// Racing calls may pass the bound by a few: it is there for the memory.
	list := app.denyList()
	if list.Len() >= maxDenials && !list.Has(enforced(entry)) && len(list.List()) >= maxDenials {
		return nil, apiError(http.StatusInsufficientStorage, fmt.Errorf("the deny-list is full with %d entries; "+
			"remove some, or deny a client or a subject instead of single tokens", maxDenials))
	}
	if err := app.changeDenials(r.Context(), func(denials *authserver.Denials) error { return denials.Put(r.Context(), entry) }); err != nil {
		return nil, err
	}
	app.audit(r.Context(), denialRecord(entry))
	answer := shown(enforced(entry))
	if entry.Issuer != "" && !app.bearers.trust(entry.Issuer) {
		answer.Warning = "no bearer_auth takes tokens of that issuer: see that it is written as in iss"
	}
	return answer, nil
}

// removeDenial answers DELETE /oauth2/deny/ID, and without an ID with the body
// that made the entry.
func removeDenial(app *App, r *http.Request) (any, error) {
	id := r.PathValue("id")
	if err := checkName("id", id); err != nil {
		return nil, err
	}
	if id == "" {
		entry, err := readDenial(app, r)
		if err != nil {
			return nil, err
		}
		id = entry.ID()
	}
	err := app.changeDenials(r.Context(), func(denials *authserver.Denials) error { return denials.Delete(r.Context(), id) })
	if errors.Is(err, store.ErrNotFound) {
		return nil, apiError(http.StatusNotFound, errors.New("there is no such entry; GET /oauth2/deny (caddy oauth2-deny --list) lists those that there are. "+
			"An entry is named by its id, or by what it speaks of with its issuer"))
	}
	if err != nil {
		return nil, err
	}
	app.audit(r.Context(), audit.Record{Event: audit.DenialRemoved, Details: audit.Details{{Key: audit.DenialID, Value: id}}})
	return nil, nil
}

// denialRecord tells of a new entry. A jti is left to the list itself: whoever
// takes a token for its jti must not find it in a log.
func denialRecord(entry store.Denial) audit.Record {
	record := audit.Record{Event: audit.DenialAdded, Details: audit.Details{
		{Key: audit.DenialID, Value: entry.ID()}, {Key: audit.Kind, Value: string(entry.Kind)},
	}}
	switch entry.Kind {
	case store.DenySubject:
		record.Subject = entry.Value
	case store.DenySession:
		record.SessionID = entry.Value
	case store.DenyClient:
		record.ClientID = entry.Value
	}
	if entry.Issuer != "" {
		record = record.With(audit.Issuer, entry.Issuer)
	}
	return record
}

func readDenial(app *App, r *http.Request) (store.Denial, error) {
	if !app.hasDenyList() {
		return store.Denial{}, apiError(http.StatusConflict, errNoDenyList)
	}
	var request denial
	if err := readBody(r, &request, denialMembers); err != nil {
		return store.Denial{}, err
	}
	return request.entry(time.Now().UTC().Truncate(time.Second))
}

// changeDenials changes the deny-list in the store; from then on it counts.
func (a *App) changeDenials(ctx context.Context, change func(*authserver.Denials) error) error {
	if !a.hasDenyList() {
		return apiError(http.StatusConflict, errNoDenyList)
	}
	backend, release, err := a.liveBackend(ctx)
	if err != nil {
		return apiError(http.StatusServiceUnavailable, err)
	}
	defer release()
	err = change(backend.Denials())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return apiError(http.StatusServiceUnavailable, err)
	}
	return err
}
