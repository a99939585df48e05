package authorize_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestConsentPageSaysWhatIsAsked(t *testing.T) {
	b := newBrowser(t)
	values := params("scope", "openid email write", "claims", `{"userinfo":{"desk":null,"secret":null}}`)
	page := b.get(goesTo(t, b.get(b.signIn(values)), "consent"))
	isPage(t, page, http.StatusOK)
	for _, want := range []string{"Client web", "<bdi>demo</bdi>", "https://app.example.com", "See your email address", "<code>write</code>", "<code>desk</code>"} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page lacks %s: %s", want, page.Body)
		}
	}
	if strings.Contains(page.Body.String(), "secret") {
		t.Error("the page names a claim that the account does not have")
	}
	if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https:") {
		t.Errorf("policy is %s", policy)
	}
}

func TestDenyIsToldToTheClient(t *testing.T) {
	b := newBrowser(t)
	consent := goesTo(t, b.get(b.signIn(params())), "consent")
	got := answered(t, b.decide(consent, "deny"))
	if got.Get("error") != "access_denied" || got.Get("state") != "abc123" || got.Has("code") {
		t.Errorf("the client gets %v", got)
	}
	isPage(t, b.decide(consent, "maybe"), http.StatusBadRequest)
	goesTo(t, b.get(at("authorize", params())), "consent")
}

func TestConsentIsRemembered(t *testing.T) {
	b := newBrowser(t)
	b.allowed(params("scope", "openid email"))
	for _, test := range []struct {
		changes []string
		asked   bool
	}{
		{[]string{"scope", "openid email"}, false},
		{[]string{"scope", "openid"}, false},
		{[]string{"scope", "openid profile"}, true},
		{[]string{"scope", "openid", "resource", "https://files.example.com"}, true},
		{[]string{"scope", "openid", "prompt", "consent"}, true},
		{[]string{"scope", "openid", "client_id", "other"}, true},
	} {
		answer := b.get(at("authorize", params(test.changes...)))
		if test.asked {
			goesTo(t, answer, "consent")
		} else if got := answered(t, answer); got.Get("code") == "" {
			t.Errorf("%v: the client gets %v", test.changes, got)
		}
	}
	b.decide(at("consent", params("scope", "profile")), "allow")
	if got := answered(t, b.get(at("authorize", params("scope", "openid profile email")))); got.Get("code") == "" {
		t.Errorf("what was agreed to in two steps is asked again: %v", got)
	}
	goesTo(t, b.get(at("consent", params("scope", "openid"))), "authorize")
}

func TestA20_ANativeClientIsAskedAgain(t *testing.T) {
	b := newBrowser(t)
	values := params("client_id", "native", "redirect_uri", "http://127.0.0.1:51004/cb")
	consent := goesTo(t, b.get(b.signIn(values)), "consent")
	if u := location(t, b.decide(consent, "allow")); u.Host != "127.0.0.1:51004" || u.Query().Get("code") == "" {
		t.Fatalf("sent to %s", u)
	}
	goesTo(t, b.get(at("authorize", values)), "consent")
}

func TestPG9_AConsentFormBelongsToOneRequestAndOneSession(t *testing.T) {
	b := newBrowser(t)
	address := goesTo(t, b.get(b.signIn(params())), "consent")
	form := url.Values{"form_token": {formToken(t, b.get(address))}, "decision": {"allow"}}
	wider := at("consent", params("scope", "openid email profile write"))
	isPage(t, b.post(wider, form, own...), http.StatusForbidden)

	other := b.again()
	other.signIn(params())
	isPage(t, other.post(address, form, own...), http.StatusForbidden)
	goesTo(t, b.again().post(address, form, own...), "authorize")

	login := url.Values{"form_token": {formToken(t, b.get(at("login", params())))}, "decision": {"allow"}}
	isPage(t, b.post(address, login, own...), http.StatusForbidden)

	b.world.Clock.Advance(10 * time.Minute)
	late := b.post(address, form, own...)
	isPage(t, late, http.StatusForbidden)
	if !strings.Contains(late.Body.String(), "expired") {
		t.Errorf("page says %s", late.Body)
	}
}

func TestPG9_AConsentFormWorksOnce(t *testing.T) {
	b := newBrowser(t)
	address := goesTo(t, b.get(b.signIn(params())), "consent")
	form := url.Values{"form_token": {formToken(t, b.get(address))}, "decision": {"allow"}}
	if got := answered(t, b.post(address, form, own...)); got.Get("code") == "" {
		t.Fatalf("the client gets %v", got)
	}
	again := b.post(address, form, own...)
	isPage(t, again, http.StatusConflict)
	if !strings.Contains(again.Body.String(), "already used") {
		t.Errorf("PG10: page says %s", again.Body)
	}
	// The grant outlives the form even if its code does not.
	b.world.Clock.Advance(9*time.Minute + 59*time.Second)
	if _, err := b.world.Store.DeleteExpired(t.Context(), b.world.Clock.Now(), 100); err != nil {
		t.Fatal(err)
	}
	isPage(t, b.post(address, form, own...), http.StatusConflict)
}

func TestPG9_ADeniedFormIsUsedUp(t *testing.T) {
	b := newBrowser(t)
	address := goesTo(t, b.get(b.signIn(params())), "consent")
	form := url.Values{"form_token": {formToken(t, b.get(address))}, "decision": {"deny"}}
	if got := answered(t, b.post(address, form, own...)); got.Get("error") != "access_denied" {
		t.Fatalf("the client gets %v", got)
	}
	form.Set("decision", "allow")
	isPage(t, b.post(address, form, own...), http.StatusConflict)
	b.world.Clock.Advance(9*time.Minute + 59*time.Second)
	if _, err := b.world.Store.DeleteExpired(t.Context(), b.world.Clock.Now(), 100); err != nil {
		t.Fatal(err)
	}
	isPage(t, b.post(address, form, own...), http.StatusConflict)
}

func TestPG10_TwoTabsEachGetTheirAnswer(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	states := []string{"one", "two"}
	var forms []string
	for _, state := range states {
		forms = append(forms, formToken(t, b.get(at("consent", params("state", state)))))
	}
	for i, state := range states {
		form := url.Values{"form_token": {forms[i]}, "decision": {"allow"}}
		got := answered(t, b.post(at("consent", params("state", state)), form, own...))
		if got.Get("code") == "" || got.Get("state") != state {
			t.Errorf("tab %s: the client gets %v", state, got)
		}
	}
}

func TestConsentIsJudgedAnewWhenItArrives(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	consent := at("consent", params("max_age", "300"))
	form := url.Values{"form_token": {formToken(t, b.get(consent))}, "decision": {"allow"}}
	b.world.Clock.Advance(301 * time.Second)
	goesTo(t, b.get(goesTo(t, b.post(consent, form, own...), "authorize")), "login")
}

func TestAFaultWhileAgreeingLeavesNothing(t *testing.T) {
	b := newBrowser(t)
	address := goesTo(t, b.get(b.signIn(params())), "consent")
	form := url.Values{"form_token": {formToken(t, b.get(address))}, "decision": {"allow"}}
	b.world.Store.Fail("CreateGrant")
	isPage(t, b.post(address, form, own...), http.StatusServiceUnavailable)
	b.world.Store.Fail("")
	if got := answered(t, b.post(address, form, own...)); got.Get("code") == "" {
		t.Errorf("a retry after the fault gives the client %v", got)
	}
}

func TestAS33_NoMoreIsGrantedThanWasAgreedTo(t *testing.T) {
	b := newBrowser(t)
	got := b.allowed(params("scope", "openid email"))
	if grant := b.grantOf(got.Get("code")); grant.Scope.String() != "openid email" {
		t.Errorf("granted %v", grant.Scope)
	}
	consent, err := b.world.Store.Store.Consent(t.Context(), "/", "demo", "web")
	if err != nil || consent.Scope.String() != "openid email" || len(consent.Resources) != 1 {
		t.Errorf("remembered %+v, %v", consent, err)
	}
}

func TestCL13_OurOwnClientsSkipConsent(t *testing.T) {
	b := newBrowser(t)
	if got := answered(t, b.get(b.signIn(params("client_id", "ours")))); got.Get("code") == "" {
		t.Errorf("the client gets %v", got)
	}
	goesTo(t, b.get(at("authorize", params("client_id", "ours", "prompt", "consent"))), "consent")
	// What a client says about itself does not count.
	goesTo(t, b.get(at("authorize", params("skip_consent", "true"))), "consent")
}
