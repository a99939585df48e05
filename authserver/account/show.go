package account

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// maxSessions and maxGrants bound what one page reads. Whoever has more sees the
	// newest; ending all of it reaches the rest.
	maxSessions = 100
	maxGrants   = 500
)

// show writes the account page.
func (e *Endpoint) show(w http.ResponseWriter, req *http.Request, v *browser.Visitor, status int, message pages.Message) {
	page, err := e.page(req.Context(), v)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	page.Form = e.form(v, "account", message)
	e.realm.Pages.Write(w, e.browser.Language(req), status, page)
}

// page gathers what there is to see.
func (e *Endpoint) page(ctx context.Context, v *browser.Visitor) (pages.Account, error) {
	now, subject := e.realm.Now(), v.Session.Subject
	page := pages.Account{Name: displayName(v), Subject: subject}
	sessions, err := e.realm.Store.Sessions(ctx, e.realm.Name, subject, "", maxSessions, now)
	if err != nil {
		return page, err
	}
	grants, err := e.realm.Store.Grants(ctx, store.Reach{Realm: e.realm.Name, Subject: subject}, "", maxGrants)
	if err != nil {
		return page, err
	}
	grants = slices.DeleteFunc(grants, func(g store.Grant) bool { return e.realm.GrantState(&g) != realm.GrantActive })
	consents, err := e.realm.Store.Consents(ctx, e.realm.Name, subject)
	if err != nil {
		return page, err
	}
	page.Sessions = sessionsOf(sessions, grants, v.Session.ID, e.name)
	page.Applications = applicationsOf(grants, consents, e.name)
	_, enrolled, err := e.enrolled(ctx, v)
	if err != nil {
		return page, err
	}
	for _, factor := range enrolled.All() {
		page.Factors = append(page.Factors, pages.AccountFactor{
			ID: factor.ID, Kind: factor.Kind, Label: factor.Label, Added: factor.Added, LastUsed: factor.LastUsed,
		})
	}
	page.RecoveryCodes = enrolled.RecoveryLeft
	page.CanAddTOTP = !enrolled.TOTP && e.mayAddTOTP()
	page.CanAddPasskey = e.mayAddPasskey()
	_, page.CanChangePassword = e.realm.Services[v.Session.Account.Service].(login.PasswordChanger)

	return page, nil
}

// displayName is what the account calls itself.
func displayName(v *browser.Visitor) string {
	if name, ok := v.Account.Claims["name"].(string); ok && name != "" {
		return name
	}
	return v.Account.Username
}

// name is what people know a client by: its id when it is not there any more.
func (e *Endpoint) name(clientID string) string {
	if client, ok := e.realm.Client(clientID); ok {
		return client.DisplayName()
	}
	return clientID
}

// sessionsOf shows sessions, the current one first, then the newest.
func sessionsOf(sessions []store.Session, grants []store.Grant, current string, name func(string) string) []pages.AccountSession {
	used := map[string][]string{}
	for i := range grants {
		id, client := grants[i].SessionID, name(grants[i].ClientID)
		if id != "" && !slices.Contains(used[id], client) {
			used[id] = append(used[id], client)
		}
	}
	out := make([]pages.AccountSession, 0, len(sessions))
	for i := range sessions {
		s := &sessions[i]
		slices.Sort(used[s.ID])
		out = append(out, pages.AccountSession{
			ID: s.ID, Current: s.ID == current, SignedIn: s.AuthTime, Device: s.Device, Source: s.Source, Applications: used[s.ID],
		})
	}
	slices.SortStableFunc(out, func(a, b pages.AccountSession) int {
		if a.Current != b.Current {
			if a.Current {
				return -1
			}
			return 1
		}
		return b.SignedIn.Compare(a.SignedIn)
	})
	return out
}

// applicationsOf shows the clients that may do something, by name: those that the
// user has agreed to, and those that have a grant that is alive.
func applicationsOf(grants []store.Grant, consents []store.Consent, name func(string) string) []pages.AccountApplication {
	byID := map[string]*pages.AccountApplication{}
	of := func(id string) *pages.AccountApplication {
		if byID[id] == nil {
			byID[id] = &pages.AccountApplication{ID: id, Name: name(id)}
		}
		return byID[id]
	}
	add := func(a *pages.AccountApplication, scope oauth.Scope) {
		for _, token := range scope {
			if !slices.Contains(a.Scopes, token) {
				a.Scopes = append(a.Scopes, token)
			}
		}
	}
	for i := range consents {
		a := of(consents[i].ClientID)
		add(a, consents[i].Scope)
		a.Since = consents[i].Updated
	}
	for i := range grants {
		a := of(grants[i].ClientID)
		add(a, grants[i].Scope)
		a.Grants++
		if a.Since.IsZero() || grants[i].Created.Before(a.Since) {
			a.Since = grants[i].Created
		}
	}
	out := make([]pages.AccountApplication, 0, len(byID))
	for _, a := range byID {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b pages.AccountApplication) int {
		return strings.Compare(strings.ToLower(a.Name)+"\x00"+a.ID, strings.ToLower(b.Name)+"\x00"+b.ID)
	})
	return out
}
