package authorize_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// newProgram is a program with a session of /json/authenticate.
func newProgram(t *testing.T, adjust ...func(*realm.Settings)) (program *browser, tokenID string) {
	t.Helper()
	b := newBrowser(t, adjust...)
	cookie, _, err := b.world.Realm.Sessions.Start(t.Context(), store.SessionJSON, b.world.Realm.SignedIn(demo(t, b.world), "demo", login.AMRPassword), oauth.Secret{}, b.world.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.jar["iPlanetDirectoryPro"] = &http.Cookie{Name: "iPlanetDirectoryPro", Value: cookie.Reveal()}
	return b, cookie.Reveal()
}

// command are the parameters of the authorize command in the documentation of AM,
// which sends the session id as csrf.
func command(tokenID string, changes ...string) url.Values {
	values := params("code_challenge", "", "code_challenge_method", "", "nonce", "", "scope", "openid", "csrf", tokenID, "decision", "allow")
	for i := 0; i < len(changes); i += 2 {
		values.Set(changes[i], changes[i+1])
	}
	return values
}

func TestACommandWithTheSessionIDAsCSRFGetsACode(t *testing.T) {
	b, tokenID := newProgram(t)
	for name, answer := range map[string]*httptest.ResponseRecorder{
		"POST":               b.post(issuer+"/authorize", command(tokenID)),
		"decision=Allow":     b.post(issuer+"/authorize", command(tokenID, "decision", "Allow")),
		"with prompt":        b.post(issuer+"/authorize", command(tokenID, "prompt", "consent")),
		"realm in the query": b.post(issuer+"/authorize?realm=/", command(tokenID)),
	} {
		got := answered(t, answer)
		if got.Get("code") == "" || got.Get("state") != "abc123" || got.Get("iss") != issuer {
			t.Errorf("%s: the client gets %v", name, got)
		}
	}
	// The csrf value is the session, which no URL may hold (AS20).
	if got := answered(t, b.get(at("authorize", command(tokenID)))); got.Has("code") {
		t.Errorf("GET: the client gets %v", got)
	}
	if len(b.jar) != 1 {
		t.Errorf("a cookie was set: %v", b.jar)
	}
	if _, err := b.world.Store.Store.Consent(t.Context(), "/", "demo", "web"); err == nil {
		t.Error("a program's decision is remembered as the user's")
	}
}

func TestAProgramThatDecides(t *testing.T) {
	b, tokenID := newProgram(t)
	for _, decision := range []string{"deny", "no", "allowed"} {
		if got := answered(t, b.post(issuer+"/authorize", command(tokenID, "decision", decision))); got.Get("error") != "access_denied" || got.Has("code") {
			t.Errorf("decision=%s: the client gets %v", decision, got)
		}
	}
	for name, csrf := range map[string]string{"missing": "", "wrong": strings.Repeat("A", 43), "cut": tokenID[:42], "longer": tokenID + "A"} {
		answer := b.post(issuer+"/authorize", command(tokenID, "csrf", csrf))
		if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), `"error":"invalid_request"`) {
			t.Errorf("csrf %s: %d %s", name, answer.Code, answer.Body)
		}
	}
	for code, values := range map[string]url.Values{
		"consent_required": command(tokenID, "decision", ""),
		"login_required":   command(tokenID, "prompt", "login"),
	} {
		if got := answered(t, b.post(issuer+"/authorize", values)); got.Get("error") != code {
			t.Errorf("the client gets %v, want %s", got, code)
		}
	}
	if got := answered(t, b.get(at("authorize", params("client_id", "ours")))); got.Get("code") == "" {
		t.Errorf("a client that needs no consent gets %v", got)
	}
}

// A program's session must not work in a browser, where another site could make
// use of it.
func TestAProgramsSessionIsRefusedWithTheMarksOfABrowser(t *testing.T) {
	b, tokenID := newProgram(t)
	for _, headers := range [][]string{
		{"Origin", "https://evil.test"}, {"Origin", "null"}, {"Origin", ""}, {"Referer", "https://auth.example.com/"},
		{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "document"}, {"Sec-Fetch-User", "?1"},
	} {
		goesTo(t, b.post(issuer+"/authorize", command(tokenID), headers...), "login")
	}
}

func TestAProgramsSessionNeedsTheSwitch(t *testing.T) {
	b, tokenID := newProgram(t, func(s *realm.Settings) { s.JSONAuthenticate = false })
	goesTo(t, b.post(issuer+"/authorize", command(tokenID)), "login")
}

func TestSessionsOfOneKindAreNotTheOther(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	session := b.session()

	program := b.again()
	program.jar["iPlanetDirectoryPro"] = &http.Cookie{Name: "iPlanetDirectoryPro", Value: session.Value}
	goesTo(t, program.post(issuer+"/authorize", command(session.Value)), "login")

	// A browser session is never a csrf value: the decision is not even read.
	goesTo(t, b.post(issuer+"/authorize", command(session.Value)), "consent")

	scripted, tokenID := newProgram(t)
	visitor := scripted.again()
	visitor.jar[session.Name] = &http.Cookie{Name: session.Name, Value: tokenID}
	goesTo(t, visitor.get(at("authorize", params())), "login")
	goesTo(t, visitor.get(at("consent", params())), "authorize")

	// The pages are for people: a program's cookie means nothing there.
	isPage(t, scripted.get(at("login", params())), http.StatusOK)
	goesTo(t, scripted.get(at("consent", params())), "authorize")
}
