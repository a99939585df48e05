package authorize

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var noon = time.Unix(1_800_000_000, 0)

// alice has signed in ten minutes before noon.
func alice() *browser.Visitor {
	return &browser.Visitor{
		Session: store.Session{Subject: "alice", AuthTime: noon.Add(-10 * time.Minute)},
		Account: login.Account{Username: "alice", Claims: map[string]any{"email": "a@a.test", "department": "sales"}},
	}
}

// full is a memory of everything that valid asks for.
func full() store.Consent {
	return store.Consent{Scope: oauth.Scope{"orders:read", "openid", "profile"}, Resources: []string{"https://api.test"}}
}

// situate is a situation in which nothing stands in the way of an answer,
// altered by change.
func situate(t *testing.T, change func(*situation), changes ...string) situation {
	t.Helper()
	s := situation{request: accept(t, valid(changes...)), visitor: alice(), remembered: full(), now: noon}
	if change != nil {
		change(&s)
	}
	return s
}

func TestDecide(t *testing.T) {
	nothing := func(s *situation) { s.remembered = store.Consent{} }
	skip := func(s *situation) { nothing(s); s.request.client.SkipConsent = true }
	for _, test := range []struct {
		name    string
		change  func(*situation)
		changes []string
		want    step
	}{
		{"signed in and agreed before", nil, nil, giveAnswer},
		{"nobody is signed in", func(s *situation) { s.visitor = browser.Nobody }, nil, signIn},
		{"nothing is remembered", nothing, nil, askConsent},
		{"a scope more than remembered", func(s *situation) { s.remembered.Scope = oauth.Scope{"openid"} }, nil, askConsent},
		{"a resource more than remembered", nil, []string{"resource", "https://other.test"}, askConsent},
		{"the user has just agreed", func(s *situation) { nothing(s); s.allowed = true }, nil, giveAnswer},
		{"first-party client", skip, nil, giveAnswer},
		{"prompt=consent", nil, []string{"prompt", "consent"}, askConsent},
		{"prompt=consent of a first-party client", skip, []string{"prompt", "consent"}, askConsent},
		{"prompt=consent, just agreed", func(s *situation) { s.allowed = true }, []string{"prompt", "consent"}, giveAnswer},
		{"prompt=select_account", nil, []string{"prompt", "select_account"}, signIn},
		{"the user asked for", nil, []string{"claims", `{"id_token":{"sub":{"value":"alice"}}}`}, giveAnswer},
		{"another user than asked for", nil, []string{"claims", `{"id_token":{"sub":{"value":"bob"}}}`}, signIn},
		{"the user of the hint", func(s *situation) { s.request.hintSubject = "alice" }, nil, giveAnswer},
		{"another user than the hint's", func(s *situation) { s.request.hintSubject = "bob" }, nil, signIn},
		{"agreed, but the session is another's", func(s *situation) { s.allowed, s.request.hintSubject = true, "bob" }, nil, signIn},
	} {
		s := situate(t, test.change, test.changes...)
		if got, err := decide(s); got != test.want || err != nil {
			t.Errorf("%s: step %v, %v, want %v", test.name, got, err, test.want)
		}
	}
}

func TestPG18_OldSignInsAreAskedAgain(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes []string
		want    step
	}{
		{"prompt=login", []string{"prompt", "login"}, signIn},
		{"max_age=0", []string{"max_age", "0"}, signIn},
		{"older than max_age", []string{"max_age", "599"}, signIn},
		{"as old as max_age", []string{"max_age", "600"}, giveAnswer},
		{"fresher", []string{"max_age", "3600"}, giveAnswer},
	} {
		if got, err := decide(situate(t, nil, test.changes...)); got != test.want || err != nil {
			t.Errorf("%s: step %v, %v, want %v", test.name, got, err, test.want)
		}
	}
	justNow := situate(t, func(s *situation) { s.visitor.Session.AuthTime = noon }, "max_age", "0")
	if got, _ := decide(justNow); got != signIn {
		t.Error("max_age=0 was satisfied by an earlier sign-in of the same second")
	}
}

func TestPG19_PromptNoneNeverShowsAPage(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*situation)
		changes []string
		want    string
	}{
		{"all is well", nil, nil, ""},
		{"nobody is signed in", func(s *situation) { s.visitor = browser.Nobody }, nil, oauth.CodeLoginRequired},
		{"sign-in too old", nil, []string{"max_age", "1"}, oauth.CodeLoginRequired},
		{"another user than the hint's", func(s *situation) { s.request.hintSubject = "bob" }, nil, oauth.CodeLoginRequired},
		{"nothing agreed to", func(s *situation) { s.remembered = store.Consent{} }, nil, oauth.CodeConsentRequired},
	} {
		s := situate(t, test.change, append([]string{"prompt", "none"}, test.changes...)...)
		if _, err := decide(s); codeOf(err) != test.want {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestScriptedVisitorsAreNeverSentToAPage(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*situation)
		want   string
	}{
		{"agreed before", func(*situation) {}, ""},
		{"says so itself", func(s *situation) { s.remembered, s.allowed = store.Consent{}, true }, ""},
		{"nothing agreed to", func(s *situation) { s.remembered = store.Consent{} }, oauth.CodeConsentRequired},
		{"another user", func(s *situation) { s.request.hintSubject = "bob" }, oauth.CodeLoginRequired},
	} {
		s := situate(t, func(s *situation) { s.visitor.Scripted = true; test.change(s) })
		if _, err := decide(s); codeOf(err) != test.want {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestA20_PublicNativeClientsAreAskedEachTime(t *testing.T) {
	for _, test := range []struct {
		uri                  string
		public, skip, native bool
	}{
		{"https://app.test/cb", true, false, false},
		{"http://127.0.0.1/cb", true, false, true},
		{"http://[::1]:9/cb", true, false, true},
		{"com.example.app:/cb", true, false, true},
		{"http://127.0.0.1/cb", false, false, false},
		// Not even the operator can say which app on the device it is.
		{"com.example.app:/cb", true, true, true},
		{"https://app.test/cb", true, true, false},
	} {
		client := webClient()
		client.RedirectURIs, client.Public, client.SkipConsent = []string{test.uri}, test.public, test.skip
		r, _, err := read(t, valid("redirect_uri", test.uri), client, allGrants)
		if err != nil {
			t.Fatal(err)
		}
		want := giveAnswer
		if test.native {
			want = askConsent
		}
		if got, err := decide(situation{request: r, visitor: alice(), remembered: full(), now: noon}); got != want || err != nil {
			t.Errorf("%s, public %v, skip %v: step %v, %v", test.uri, test.public, test.skip, got, err)
		}
	}
}

func TestA20_TokensInTheFrontChannelProveNoClient(t *testing.T) {
	client := webClient()
	client.RedirectURIs, client.Public = []string{"http://127.0.0.1/cb"}, false
	r, _, err := read(t, valid("redirect_uri", "http://127.0.0.1:6666/cb", "response_type", "token"), client, allGrants)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decide(situation{request: r, visitor: alice(), remembered: full(), now: noon}); got != askConsent || err != nil {
		t.Errorf("step %v, %v", got, err)
	}
}

func TestAS33_ClaimsByNameNeedConsentEachTime(t *testing.T) {
	for _, test := range []struct {
		claims string
		want   step
	}{
		{`{"id_token":{"email":null}}`, askConsent},
		{`{"userinfo":{"department":null}}`, askConsent},
		{`{"userinfo":{"birthdate":null}}`, giveAnswer},    // not known of alice: nothing to give
		{`{"userinfo":{"phone_number":null}}`, giveAnswer}, // beyond the client: left out
	} {
		if got, err := decide(situate(t, nil, "claims", test.claims)); got != test.want || err != nil {
			t.Errorf("%s: step %v, %v, want %v", test.claims, got, err, test.want)
		}
	}
	if got, _ := decide(situate(t, nil, "scope", "openid profile", "claims", `{"id_token":{"name":null}}`)); got != giveAnswer {
		t.Error("a claim that the agreed scope stands for was asked about")
	}
}
