package authserver_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// pair is two realms of one server with the same clients, users and store, and
// all that the first has given out. Client mine is registered in the first alone.
type pair struct {
	*house
	t                        *testing.T
	access, opaque, refresh  string // of demo: web, opaque, web
	machine, code, idToken   string
	session, scripted, sid   string
	loginToken, consentToken string
	loginCookie              string
}

// The realms of a pair, as they stand in paths.
const (
	home = "/oauth2"
	away = "/oauth2/realms/root/realms/customers"
)

func newPair(t *testing.T) *pair {
	t.Helper()
	h := newHouse(t)
	root, customers := &h.config.Realms[0], &h.config.Realms[1]
	mine := root.Clients[slices.IndexFunc(root.Clients, func(c store.Client) bool { return c.ID == "machine" })]
	mine.ID, mine.Secrets = "mine", []store.SecretDigest{h.Hasher.Digest(oauth.NewSecret(realmtest.Secret("mine")))}
	root.Clients = append(root.Clients, mine)
	customers.JSONAuthenticate = true
	h.server = h.serve(t, h.config)
	p := &pair{house: h, t: t}

	user := func(client string) map[string]any {
		return p.document(p.form(home, "access_token", client, "grant_type", "password", "username", "demo", "password", "Ch4ng31t", "scope", "openid email"), 200)
	}
	web, opaque := user("web"), user("opaque")
	p.access, p.refresh, p.idToken = web["access_token"].(string), web["refresh_token"].(string), web["id_token"].(string)
	p.opaque = opaque["access_token"].(string)
	p.machine = p.document(p.form(home, "access_token", "web", "grant_type", "client_credentials", "scope", "read"), 200)["access_token"].(string)

	r, _ := h.server.Realm("/")
	p.code = h.Code(t, r, "web").Reveal()
	for kind, cookie := range map[store.SessionKind]*string{store.SessionBrowser: &p.session, store.SessionJSON: &p.scripted} {
		value, session, err := r.Sessions.Start(t.Context(), kind, login.SignedIn{Account: store.Account{Service: "staff", ID: "demo"}, Subject: "demo"}, oauth.Secret{}, h.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		*cookie = value.Reveal()
		if kind == store.SessionBrowser {
			p.sid = session.ID
		}
	}
	// A form of the page for sign-in, and one for consent.
	page := p.visit(home, "login", "", "")
	p.loginToken, p.loginCookie = formToken(t, page), page.Result().Cookies()[0].Value
	p.consentToken = formToken(t, p.visit(home, "consent", p.session, ""))
	return p
}

// form sends a form of a client to an endpoint of a realm.
func (p *pair) form(realm, endpoint, client string, pairs ...string) *httptest.ResponseRecorder {
	r := realmtest.Form(client, realmtest.Values(pairs...))
	r.URL.Path = realm + "/" + endpoint
	return p.do(r)
}

func (p *pair) do(r *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	p.server.ServeHTTP(recorder, r)
	return recorder
}

func (p *pair) document(answer *httptest.ResponseRecorder, status int) (document map[string]any) {
	p.t.Helper()
	if err := json.Unmarshal(answer.Body.Bytes(), &document); err != nil || answer.Code != status {
		p.t.Fatalf("status %d, want %d: %s", answer.Code, status, answer.Body)
	}
	return document
}

// cookieNames are those of a realm for sessions and forms.
func cookieNames(realm string) (session, form string) {
	sum := sha256.Sum256([]byte("https://auth.example.com" + realm))
	suffix := hex.EncodeToString(sum[:4])
	return "__Host-oauth2_" + suffix, "__Host-oauth2_form_" + suffix
}

// visit opens a page of a realm for an authorization request of web, with a
// session and a form cookie under the names of that realm.
func (p *pair) visit(realm, page, session, form string, more ...string) *httptest.ResponseRecorder {
	return p.do(p.pageRequest(http.MethodGet, realm, page, session, form, nil, more...))
}

func (p *pair) pageRequest(method, realm, page, session, form string, body url.Values, more ...string) *http.Request {
	query := url.Values{
		"client_id": {"web"}, "redirect_uri": {realmtest.Callback}, "response_type": {"code"}, "scope": {"openid email"},
		"state": {"s"}, "code_challenge": {realmtest.Challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	r := httptest.NewRequest(method, realm+"/"+page+"?"+query.Encode(), strings.NewReader(body.Encode()))
	sessionName, formName := cookieNames(realm)
	for name, value := range map[string]string{sessionName: session, formName: form} {
		if value != "" {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Origin", "null")
	}
	return r
}

// challengeField is new on each page, as form tokens are.
var challengeField = regexp.MustCompile(`data-passkey-get="[^"]+"`)

var formTokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

func formToken(t *testing.T, page *httptest.ResponseRecorder) string {
	t.Helper()
	match := formTokenField.FindStringSubmatch(page.Body.String())
	if match == nil {
		t.Fatalf("status %d: no form in %s", page.Code, page.Body)
	}
	return match[1]
}

// awaySession is a session of the same user in the other realm.
func (p *pair) awaySession() string {
	p.t.Helper()
	r, _ := p.server.Realm("/customers")
	cookie, _, err := r.Sessions.Start(p.t.Context(), store.SessionBrowser, login.SignedIn{Account: store.Account{Service: "staff", ID: "demo"}, Subject: "demo"}, oauth.Secret{}, p.Clock.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	return cookie.Reveal()
}
