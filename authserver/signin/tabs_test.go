package signin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func (p *person) revoke() {
	p.t.Helper()
	if _, err := p.world.Realm.Revocations.RevokeSubject(p.t.Context(), "/", "demo", p.world.Clock.Now()); err != nil {
		p.t.Fatal(err)
	}
}

func TestPG10_TheFormOfAFactorSentTwice(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := p.code(params())
	page := p.get(address)
	impatient := p.tab() // its cookies are those before the first answer
	done := goesTo(t, p.fill(address, page, "code", rightCode), "authorize")
	isPage(t, impatient.fill(address, page, "code", rightCode), http.StatusForbidden, "not right")
	// In the browser itself the second one, the back button and a reload go on.
	p.granted(p.get(goesTo(t, p.fill(address, page, "code", rightCode), "authorize")))
	p.granted(p.get(goesTo(t, p.get(address), "authorize")))
	p.granted(p.get(done))
}

// A sign-in that was kept somewhere ends in one session.
func TestASignInIsUsedUp(t *testing.T) {
	p := meet(t, required)
	address := goesTo(t, p.password(params()), "login/enrol")
	page := p.get(address)
	codes := p.fill(address, page, "sealed", field(t, page, "sealed"), "code", rightCode)
	copied := p.tab()
	p.signedIn(p.fill(address, codes))
	answer := copied.fill(address, codes)
	goesTo(t, copied.get(goesTo(t, answer, "authorize")), "login")
	if copied.cookie("session") != nil {
		t.Error("one sign-in made two sessions")
	}
}

func TestPG10_TwoTabs(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	one := p.code(params("state", "one"))
	page := p.get(one)
	two := p.code(params("state", "two"))
	// The first tab begins anew, for the browser keeps the second's.
	goesTo(t, p.fill(one, page, "code", rightCode), "authorize")
	if p.cookie("signin") == nil {
		t.Fatal("the first tab took the sign-in of the second away")
	}
	if got := answered(t, p.get(goesTo(t, p.visit(two, "code", rightCode), "authorize"))); got.Get("state") != "two" {
		t.Errorf("the second tab answers %v", got)
	}
	// And now it need not even sign in.
	if got := answered(t, p.get(goesTo(t, p.get(one), "authorize"))); got.Get("state") != "one" || got.Get("code") == "" {
		t.Errorf("the first tab answers %v", got)
	}
}

// A sign-in that is done leaves that of another tab alone.
func TestPG10_OneTabDoneAnotherAtItsFactor(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	p.factors.give(demoAccount, passkey)
	login := goesTo(t, p.get(at("authorize", params("state", "one"))), "login")
	page := p.get(login)
	two := p.code(params("state", "two"))
	ask := p.use("demo", anyone)
	p.signedIn(p.fill(login, page, "passkey", ask))
	if got := answered(t, p.get(goesTo(t, p.visit(two, "code", rightCode), "authorize"))); got.Get("state") != "two" {
		t.Errorf("the second tab answers %v", got)
	}
}

func TestPG10_ARestartInTheMiddle(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	settings := p.world.Settings("/", issuer)
	settings.Clients[0].SkipConsent = true
	restart := func() { p.handler = p.serve(p.world.Open(t, settings)) }
	login := goesTo(t, p.get(at("authorize", params())), "login")
	page := p.get(login)
	restart()
	address := goesTo(t, p.fill(login, page, "username", "demo", "password", "Ch4ng31t"), "login/factor")
	restart()
	page = p.get(address)
	restart()
	p.signedIn(p.fill(address, page, "code", rightCode))
}

func TestAS54_KeysThatAreReplacedInTheMiddle(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := p.code(params())
	page := p.get(address)
	if _, err := p.world.Realm.Keys.Rotate(t.Context(), keys.Kind{Purpose: store.KeyForm, Algorithm: "HS256"}, true, p.world.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	p.signedIn(p.fill(address, page, "code", rightCode))
}

func TestPG10_FormsThatWereOpenTooLong(t *testing.T) {
	p := meet(t, required)
	address := goesTo(t, p.password(params()), "login/enrol")
	page := p.get(address)
	isPage(t, p.fill(address, page, "form_token", "x", "sealed", field(t, page, "sealed"), "code", rightCode), http.StatusForbidden, "expired")
	p.world.Clock.Advance(11 * time.Minute)
	goesTo(t, p.get(goesTo(t, p.fill(address, page, "sealed", field(t, page, "sealed"), "code", rightCode), "authorize")), "login")

	p = meet(t)
	p.factors.give(demoAccount, app)
	address = p.code(params())
	page = p.get(address)
	isPage(t, p.fill(address, page, "form_token", "x", "code", rightCode), http.StatusForbidden, "expired")
	p.signedIn(p.fill(address, page, "code", rightCode))
}

func TestMethodsOfThePages(t *testing.T) {
	p := meet(t)
	for _, step := range []string{"login", "login/factor", "login/enrol", "login/callback"} {
		request := newRequest(http.MethodPut, at(step, params()))
		answer := p.send(request)
		isPage(t, answer, http.StatusMethodNotAllowed)
		if !strings.Contains(answer.Header().Get("Allow"), http.MethodGet) {
			t.Errorf("%s: Allow is %q", step, answer.Header().Get("Allow"))
		}
	}
	for _, step := range []string{"login", "login/factor", "login/enrol"} {
		isPage(t, p.get(issuer+"/"+step+"?client_id=nobody"), http.StatusBadRequest)
		goesTo(t, p.get(at(step, params("prompt", "none"))), "authorize")
	}
}
