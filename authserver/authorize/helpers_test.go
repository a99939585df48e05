package authorize_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/authorize"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const issuer = "https://auth.example.com/oauth2"

// withMoreClients adds what the world does not have: native, an app on the
// user's device, and ours, a client of the operator's own.
func withMoreClients(s *realm.Settings) {
	for _, client := range s.Clients {
		switch client.ID {
		case "spa":
			client.ID, client.RedirectURIs = "native", []string{"http://127.0.0.1/cb"}
		case "web":
			client.ID, client.SkipConsent = "ours", true
		default:
			continue
		}
		s.Clients = append(s.Clients, client)
	}
}

// browser is what a person uses: it keeps cookies and says where its requests
// come from.
type browser struct {
	t       testing.TB
	world   *realmtest.World
	handler http.Handler
	jar     realmtest.Jar
}

func newBrowser(t testing.TB, adjust ...func(*realm.Settings)) *browser {
	t.Helper()
	w := realmtest.New(t, append(adjust, withMoreClients)...)
	return &browser{t: t, world: w, handler: serve(w.Realm), jar: map[string]*http.Cookie{}}
}

func serve(r *realm.Realm) http.Handler {
	e := authorize.New(r)
	door := signin.New(r, signin.Parts{Open: e.Errand, Factors: factor.New(factor.Parts{Store: r.Store, Keys: r.Keys, Realm: r.Name, Issuer: r.Issuer, Now: r.Now})})
	mux := http.NewServeMux()
	for step, handler := range map[string]http.HandlerFunc{"authorize": e.Authorize, "login": door.Login, "consent": e.Consent} {
		u, _ := url.Parse(r.URL(step))
		mux.HandleFunc(u.Path, handler)
	}
	return mux
}

// again is another browser in the same world.
func (b *browser) again() *browser {
	return &browser{t: b.t, world: b.world, handler: b.handler, jar: map[string]*http.Cookie{}}
}

// send sends a request with the browser's cookies. headers are name, value.
func (b *browser) send(request *http.Request, headers ...string) *httptest.ResponseRecorder {
	return b.jar.Send(b.handler, request, headers...)
}

func (b *browser) get(address string, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(httptest.NewRequest(http.MethodGet, address, nil), headers...)
}

func (b *browser) post(address string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(realmtest.Post(address, form), headers...)
}

// own are the headers of a form that one of our own pages sent.
var own = []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}

// params are those of a good request of web for a code, altered pair by pair.
func params(changes ...string) url.Values {
	values := url.Values{
		"client_id": {"web"}, "redirect_uri": {realmtest.Callback}, "response_type": {"code"},
		"scope": {"openid email"}, "state": {"abc123"}, "nonce": {"n1"},
		"code_challenge": {realmtest.Challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		values.Set(changes[i], changes[i+1])
	}
	return values
}

// at is the address of a step for these parameters.
func at(step string, values url.Values) string { return issuer + "/" + step + "?" + values.Encode() }

// location is where an answer sends the browser; the test ends when nowhere.
func location(t testing.TB, answer *httptest.ResponseRecorder) *url.URL {
	t.Helper()
	u, err := url.Parse(answer.Header().Get("Location"))
	if err != nil || answer.Code != http.StatusSeeOther {
		t.Fatalf("answered %d, Location %q: %s", answer.Code, answer.Header().Get("Location"), answer.Body)
	}
	return u
}

// goesTo fails the test unless an answer sends the browser to a step of ours,
// and gives the address.
func goesTo(t testing.TB, answer *httptest.ResponseRecorder, step string) string {
	t.Helper()
	u := location(t, answer)
	if got := u.Scheme + "://" + u.Host + u.Path; got != issuer+"/"+step {
		t.Fatalf("sent to %s, want %s", u, step)
	}
	return u.String()
}

// answered gives the parameters that an answer carries to the client.
func answered(t testing.TB, answer *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u := location(t, answer)
	if got := u.Scheme + "://" + u.Host + u.Path; got != realmtest.Callback {
		t.Fatalf("sent to %s, want the client", u)
	}
	if u.Fragment != "" {
		values, err := url.ParseQuery(u.EscapedFragment())
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	return u.Query()
}

// isPage fails the test unless an answer is a page of a status that sends the
// browser nowhere.
func isPage(t testing.TB, answer *httptest.ResponseRecorder, status int) {
	t.Helper()
	if answer.Code != status || answer.Header().Get("Location") != "" || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("answered %d (%s), Location %q, want a page of %d", answer.Code, answer.Header().Get("Content-Type"), answer.Header().Get("Location"), status)
	}
}

// challengeField is new on each page, too.
var challengeField = regexp.MustCompile(`data-passkey-get="[^"]+"`)

var tokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// formToken is the one in a page.
func formToken(t testing.TB, page *httptest.ResponseRecorder) string {
	t.Helper()
	return realmtest.Field(t, page, "form_token")
}

// login goes from a login page's address to signed in, and gives the answer.
func (b *browser) login(address, username, password string) *httptest.ResponseRecorder {
	b.t.Helper()
	page := b.get(address)
	isPage(b.t, page, http.StatusOK)
	return b.post(address, url.Values{"form_token": {formToken(b.t, page)}, "username": {username}, "password": {password}}, own...)
}

// signIn goes from an authorization request through the login page as demo, and
// gives the address that this led to.
func (b *browser) signIn(values url.Values) string {
	b.t.Helper()
	address := goesTo(b.t, b.get(at("authorize", values)), "login")
	return goesTo(b.t, b.login(address, "demo", "Ch4ng31t"), "authorize")
}

// decide goes from a consent page's address to a decision.
func (b *browser) decide(address, decision string) *httptest.ResponseRecorder {
	b.t.Helper()
	page := b.get(address)
	isPage(b.t, page, http.StatusOK)
	return b.post(address, url.Values{"form_token": {formToken(b.t, page)}, "decision": {decision}}, own...)
}

// allowed goes the whole way to the parameters that the client gets.
func (b *browser) allowed(values url.Values) url.Values {
	b.t.Helper()
	consent := goesTo(b.t, b.get(b.signIn(values)), "consent")
	return answered(b.t, b.decide(consent, "allow"))
}

// grantOf reads the grant behind a code.
func (b *browser) grantOf(code string) store.Grant {
	b.t.Helper()
	id, hash, err := b.world.Realm.Tokens.OpenCode(oauth.NewSecret(code))
	if err != nil {
		b.t.Fatal(err)
	}
	grant, err := b.world.Store.Store.Grant(b.t.Context(), b.world.Realm.Name, id)
	if err != nil {
		b.t.Fatal(err)
	}
	if grant.CodeHash != hash {
		b.t.Errorf("the grant has another code")
	}
	return grant
}

// session is the browser's session cookie.
func (b *browser) session() *http.Cookie {
	for name, cookie := range b.jar {
		if strings.Contains(name, "oauth2_") && !strings.Contains(name, "form") {
			return cookie
		}
	}
	return nil
}
