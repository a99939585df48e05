package logout_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/logout"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

const address = "https://auth.example.com/oauth2/connect/endSession"

// browser is what a person uses: it keeps cookies.
type browser struct {
	t       testing.TB
	world   *realmtest.World
	handler http.Handler
	jar     realmtest.Jar
	// session is the one that is signed in.
	session store.Session
}

// newBrowser is one at which demo is signed in.
func newBrowser(t testing.TB, adjust ...func(*realm.Settings)) *browser {
	t.Helper()
	w := realmtest.New(t, adjust...)
	b := &browser{t: t, world: w, handler: logout.New(w.Realm), jar: map[string]*http.Cookie{}}
	b.session = b.signIn(sessionCookie(), store.SessionBrowser)
	return b
}

// sessionCookie is the cookie of browser sessions of the realm.
func sessionCookie() string {
	sum := sha256.Sum256([]byte("https://auth.example.com/oauth2"))
	return "__Host-oauth2_" + hex.EncodeToString(sum[:4])
}

func (b *browser) signIn(cookieName string, kind store.SessionKind) store.Session {
	b.t.Helper()
	cookie, session, err := b.world.Realm.Sessions.Start(b.t.Context(), kind, login.SignedIn{
		Account: store.Account{Service: "staff", ID: "demo"}, Subject: "demo", AMR: []string{login.AMRPassword},
	}, oauth.Secret{}, b.world.Clock.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	b.jar[cookieName] = &http.Cookie{Name: cookieName, Value: cookie.Reveal()}
	return session
}

// grant stores what the client was given in a session.
func (b *browser) grant(clientID, sessionID string, scope ...string) store.Grant {
	b.t.Helper()
	now := b.world.Clock.Now()
	grant := store.Grant{
		ID: token.NewGrantID(now), Realm: "/", ClientID: clientID, Type: oauth.GrantAuthorizationCode,
		Account: store.Account{Service: "staff", ID: "demo"}, Subject: "demo", SessionID: sessionID,
		Scope: append(oauth.Scope{"openid"}, scope...), Resources: []string{realmtest.API},
		State: store.GrantActive, Generation: 1, RefreshKey: b.world.Realm.Tokens.RefreshKeyID(), RotatedAt: now,
		Created: now, PurgeAt: now.AddDate(0, 1, 0),
	}
	if err := b.world.Store.CreateGrant(b.t.Context(), grant, nil); err != nil {
		b.t.Fatal(err)
	}
	return grant
}

// hint is an ID token that a client was given in a session.
func (b *browser) hint(r *realm.Realm, clientID, sessionID string) string {
	b.t.Helper()
	client, _ := r.Client(clientID)
	grant := store.Grant{
		ClientID: clientID, Account: store.Account{Service: "staff", ID: "demo"}, Subject: "demo", SessionID: sessionID, Scope: oauth.Scope{"openid"},
	}
	id, err := r.IDFor(b.t.Context(), client, &grant, oauth.Secret{}, oauth.Secret{}, false, b.world.Clock.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	return id.Reveal()
}

// send sends a request with the browser's cookies. headers are name, value.
func (b *browser) send(request *http.Request, headers ...string) *httptest.ResponseRecorder {
	return b.jar.Send(b.handler, request, headers...)
}

// visit goes to an address as people do who click on a link somewhere else.
func (b *browser) visit(at string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(httptest.NewRequest(http.MethodGet, at, nil), "Sec-Fetch-Site", "cross-site")
}

func (b *browser) post(at string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(realmtest.Post(at, form), headers...)
}

// own are the headers of a form that one of our own pages sent.
var own = []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}

// decide sends the form of a page that was shown at an address.
func (b *browser) decide(at string, page *httptest.ResponseRecorder, decision string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.post(at, url.Values{"form_token": {formToken(b.t, page)}, "decision": {decision}}, own...)
}

func formToken(t testing.TB, page *httptest.ResponseRecorder) string {
	t.Helper()
	return realmtest.Field(t, page, "form_token")
}

// at is the address of a sign-out with parameters, pair by pair.
func at(pairs ...string) string { return address + "?" + realmtest.Values(pairs...).Encode() }

// signedIn says whether the session is there.
func (b *browser) signedIn() bool {
	b.t.Helper()
	_, err := b.world.Store.Store.Session(b.t.Context(), "/", b.session.Digest, b.world.Clock.Now())
	return err == nil
}

// The pages, by their titles.
const (
	asksPage   = "Sign out?"
	donePage   = "You are signed out"
	failedPage = "This request cannot be answered"
)

func isPage(t testing.TB, answer *httptest.ResponseRecorder, status int, title string) {
	t.Helper()
	if answer.Code != status || !strings.Contains(answer.Body.String(), title) {
		t.Errorf("status %d to %q: %s\nwant %d with %q", answer.Code, answer.Header().Get("Location"), answer.Body, status, title)
	}
	if answer.Header().Get("Cache-Control") != "no-store" || answer.Header().Get("Location") != "" {
		t.Errorf("headers %v", answer.Header())
	}
}

func goesTo(t testing.TB, answer *httptest.ResponseRecorder, status int, location string) {
	t.Helper()
	if answer.Code != status || answer.Header().Get("Location") != location {
		t.Errorf("status %d to %q: %s\nwant %d to %q", answer.Code, answer.Header().Get("Location"), answer.Body, status, location)
	}
}
