package account_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/account"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

const page = "https://auth.example.com/oauth2/account"

// person is somebody at a browser.
type person struct {
	t        testing.TB
	world    *realmtest.World
	endpoint *account.Endpoint
	session  store.Session
	cookie   *http.Cookie
}

// signedIn is a person with a session of their own. Sessions of one second are
// told apart.
func signedIn(t testing.TB, w *realmtest.World, subject string, amr ...string) *person {
	t.Helper()
	service, id, qualified := strings.Cut(subject, ":")
	if !qualified {
		service, id = "staff", subject
	}
	if w.Realm.SharedAccounts {
		subject = id
	}
	if len(amr) == 0 {
		amr = []string{login.AMRPassword}
	}
	cookie, session, err := w.Realm.Sessions.Start(login.WithSource(t.Context(), "192.0.2.7"), store.SessionBrowser, login.SignedIn{
		Account: store.Account{Service: service, ID: id}, Subject: subject, ACR: login.ACRPassword, AMR: amr, Device: "Firefox, Linux",
	}, oauth.Secret{}, w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Minute)
	return &person{
		t: t, world: w, endpoint: account.New(w.Realm), session: session,
		cookie: &http.Cookie{Name: browser.New(w.Realm).Cookies.Session, Value: cookie.Reveal()},
	}
}

func (p *person) send(method, address string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	request := httptest.NewRequest(method, address, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	if p.cookie != nil {
		request.AddCookie(p.cookie)
	}
	recorder := httptest.NewRecorder()
	p.endpoint.Account(recorder, request)
	return recorder
}

// see reads the page.
func (p *person) see() string {
	p.t.Helper()
	answer := p.send(http.MethodGet, page, nil)
	if answer.Code != http.StatusOK {
		p.t.Fatalf("the page has status %d, Location %q: %s", answer.Code, answer.Header().Get("Location"), answer.Body)
	}
	return answer.Body.String()
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

func tokenOf(t testing.TB, html string) string {
	t.Helper()
	found := formToken.FindStringSubmatch(html)
	if found == nil {
		t.Fatalf("no form token on the page: %s", html)
	}
	return found[1]
}

// press presses a button of the page.
func (p *person) press(action, id string) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.send(http.MethodPost, page, url.Values{"form_token": {tokenOf(p.t, p.see())}, "action": {action}, "id": {id}})
}

// pressed presses a button and wants the page again.
func (p *person) pressed(action, id string) {
	p.t.Helper()
	answer := p.press(action, id)
	if answer.Code != http.StatusSeeOther || !strings.HasPrefix(answer.Header().Get("Location"), page+"?said=") {
		p.t.Fatalf("%s %s: status %d, Location %q: %s", action, id, answer.Code, answer.Header().Get("Location"), answer.Body)
	}
}

// grant gives a client something in the person's session, as a code exchange does,
// and an access token of it.
func (p *person) grant(clientID string, more ...string) (store.Grant, oauth.Secret) {
	p.t.Helper()
	w := p.world
	now := w.Clock.Now()
	g := store.Grant{
		ID: token.NewGrantID(now), Realm: "/", ClientID: clientID, Type: oauth.GrantAuthorizationCode,
		Account: p.session.Account, Subject: p.session.Subject, SessionID: p.session.ID,
		Scope: append(oauth.Scope{"openid", "read"}, more...), Resources: []string{realmtest.API}, RedirectURI: realmtest.Callback,
		State: store.GrantActive, Generation: 1, RefreshKey: w.Realm.Tokens.RefreshKeyID(), AuthTime: p.session.AuthTime, RotatedAt: now,
		Created: now, IdleExpires: now.Add(time.Hour), Expires: now.Add(2 * time.Hour), PurgeAt: now.Add(3 * time.Hour),
	}
	consent := store.Consent{Realm: "/", Subject: g.Subject, ClientID: clientID, Scope: g.Scope, Resources: g.Resources, Updated: now}
	if err := w.Store.Store.CreateGrant(p.t.Context(), g, &consent); err != nil {
		p.t.Fatal(err)
	}
	client, ok := w.Realm.Client(clientID)
	if !ok {
		p.t.Fatalf("no client %s", clientID)
	}
	access, _, err := w.Realm.AccessFor(client, &g, g.Scope, now)
	if err != nil {
		p.t.Fatal(err)
	}
	p.alive(clientID, access, true)
	return g, access
}

// alive fails the test unless an access token is good, or is not.
func (p *person) alive(what string, access oauth.Secret, want bool) {
	p.t.Helper()
	if _, err := p.world.Realm.OpenAccess(access); (err == nil) != want {
		p.t.Errorf("%s: the access token is good: %v, want %v: %v", what, err == nil, want, err)
	}
}
