package signin_test

import (
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/authorize"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const issuer = "https://auth.example.com/oauth2"

// person is somebody at a browser of their own.
type person struct {
	t       testing.TB
	world   *realmtest.World
	factors *factors
	corp    *idp
	handler http.Handler
	jar     realmtest.Jar
}

// meet makes a world in which the client web needs no consent and corp signs
// people in elsewhere.
func meet(t testing.TB, adjust ...func(*realm.Settings)) *person {
	t.Helper()
	corp := &idp{account: "eve"}
	all := append([]func(*realm.Settings){func(s *realm.Settings) {
		s.Services["corp"] = corp
		s.Clients[0].SkipConsent = true
		s.Session.Idle = s.Session.Lifetime
	}}, adjust...)
	p := &person{t: t, world: realmtest.New(t, all...), factors: newFactors(), corp: corp, jar: map[string]*http.Cookie{}}
	corp.now = p.world.Clock.Now
	p.handler = p.serve(p.world.Realm)
	return p
}

// serve is the front of a realm as a process that has just begun has it.
func (p *person) serve(r *realm.Realm) http.Handler {
	front := authorize.New(r)
	door := signin.New(r, signin.Parts{Open: front.Errand, Factors: p.factors})
	mux := http.NewServeMux()
	for step, handler := range map[string]http.HandlerFunc{
		"authorize": front.Authorize, "consent": front.Consent,
		"login": door.Login, "login/factor": door.Factor, "login/enrol": door.Enrol, "login/callback": door.Callback,
	} {
		u, _ := url.Parse(r.URL(step))
		mux.HandleFunc(u.Path, handler)
	}
	return mux
}

// other is somebody else in the same world.
func (p *person) other() *person {
	q := *p
	q.jar = map[string]*http.Cookie{}
	return &q
}

// tab is the browser as it is now: what it gets later the other tab does not have.
func (p *person) tab() *person {
	q := *p
	q.jar = maps.Clone(p.jar)
	return &q
}

func (p *person) send(request *http.Request) *httptest.ResponseRecorder {
	p.t.Helper()
	request.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0")
	recorder := p.jar.Send(p.handler, request)
	if recorder.Code >= 500 && recorder.Code != http.StatusServiceUnavailable {
		p.t.Errorf("%s %s: %d", request.Method, request.URL, recorder.Code)
	}
	return recorder
}

func (p *person) get(address string) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.send(httptest.NewRequest(http.MethodGet, address, nil))
}

// fill sends the form of a page. pairs are name, value.
func (p *person) fill(address string, page *httptest.ResponseRecorder, pairs ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	form := url.Values{"form_token": {field(p.t, page, "form_token")}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	request := realmtest.Post(address, form)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.send(request)
}

// visit opens a page and sends its form.
func (p *person) visit(address string, pairs ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	page := p.get(address)
	isPage(p.t, page, http.StatusOK)
	return p.fill(address, page, pairs...)
}

// password goes from an authorization request to what comes after the password.
func (p *person) password(values url.Values) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.visit(goesTo(p.t, p.get(at("authorize", values)), "login"), "username", "demo", "password", "Ch4ng31t")
}

// code is password for an account that has an app, and gives its page's address.
func (p *person) code(values url.Values) string {
	p.t.Helper()
	return goesTo(p.t, p.password(values), "login/factor")
}

// signedIn opens the address that a sign-in led to, and gives the grant.
func (p *person) signedIn(answer *httptest.ResponseRecorder) store.Grant {
	p.t.Helper()
	return p.granted(p.get(goesTo(p.t, answer, "authorize")))
}

// granted is the grant of an answer to the client.
func (p *person) granted(answer *httptest.ResponseRecorder) store.Grant {
	p.t.Helper()
	code := answered(p.t, answer).Get("code")
	id, _, err := p.world.Realm.Tokens.OpenCode(oauth.NewSecret(code))
	if err != nil {
		p.t.Fatalf("code %q: %v", code, err)
	}
	grant, err := p.world.Store.Store.Grant(p.t.Context(), p.world.Realm.Name, id)
	if err != nil {
		p.t.Fatal(err)
	}
	return grant
}

// cookie is the one of a kind: session, form or signin.
func (p *person) cookie(kind string) *http.Cookie {
	for name, cookie := range p.jar {
		switch {
		case kind != "session" && strings.Contains(name, "oauth2_"+kind+"_"):
			return cookie
		case kind == "session" && strings.Count(name, "_") == 3:
			return cookie
		}
	}
	return nil
}

// params are those of a good request of web for a code, altered pair by pair.
func params(changes ...string) url.Values {
	values := url.Values{
		"client_id": {"web"}, "redirect_uri": {realmtest.Callback}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"abc123"}, "nonce": {"n1"},
		"code_challenge": {realmtest.Challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		values.Set(changes[i], changes[i+1])
	}
	return values
}

func at(step string, values url.Values) string { return issuer + "/" + step + "?" + values.Encode() }

// goesTo fails the test unless an answer sends the browser to a step of ours, and
// gives the address.
func goesTo(t testing.TB, answer *httptest.ResponseRecorder, step string) string {
	t.Helper()
	location, _, _ := strings.Cut(answer.Header().Get("Location"), "?")
	if answer.Code != http.StatusSeeOther || location != issuer+"/"+step {
		t.Fatalf("answered %d, sent to %q, want %s: %s", answer.Code, answer.Header().Get("Location"), step, answer.Body)
	}
	if answer.Header().Get("Cache-Control") != "no-store" {
		t.Error("PG21: the answer may be stored")
	}
	return answer.Header().Get("Location")
}

// answered gives the parameters that an answer carries to the client.
func answered(t testing.TB, answer *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u, err := url.Parse(answer.Header().Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), realmtest.Callback) {
		t.Fatalf("answered %d, sent to %q, want the client: %s", answer.Code, u, answer.Body)
	}
	return u.Query()
}

func isPage(t testing.TB, answer *httptest.ResponseRecorder, status int, says ...string) {
	t.Helper()
	if answer.Code != status || answer.Header().Get("Location") != "" || answer.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("answered %d, Location %q, want a page of %d: %s", answer.Code, answer.Header().Get("Location"), status, answer.Body)
	}
	for _, text := range says {
		if !strings.Contains(html.UnescapeString(answer.Body.String()), text) {
			t.Errorf("the page does not say %q: %s", text, answer.Body)
		}
	}
}

// field is the value of a hidden field of a page.
func field(t testing.TB, page *httptest.ResponseRecorder, name string) string {
	t.Helper()
	return realmtest.Field(t, page, name)
}

// second moves the clock on, so that what was before is before.
func (p *person) second() { p.world.Clock.Advance(time.Second) }

// use is what this browser makes of a passkey of an account that is asked for.
func (p *person) use(account string, ask factor.Ask) string {
	p.t.Helper()
	ask.Binding = browser.Digest(secret(p.cookie("form")))
	options, err := p.factors.PasskeyRequest(p.t.Context(), ask)
	if err != nil {
		p.t.Fatal(err)
	}
	return options + " of " + account
}

func secret(cookie *http.Cookie) oauth.Secret {
	if cookie == nil {
		return oauth.Secret{}
	}
	return oauth.NewSecret(cookie.Value)
}

// anyone asks for a passkey of whoever it belongs to.
var anyone = factor.Ask{Verified: true}

func newRequest(method, address string) *http.Request {
	return httptest.NewRequest(method, address, nil)
}
