package signin_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// leave goes from a request to the other site, and gives the address that the
// browser comes back to.
func (p *person) leave(values url.Values) string {
	p.t.Helper()
	answer := p.visit(goesTo(p.t, p.get(at("authorize", values)), "login"), "service", "corp")
	u, err := url.Parse(answer.Header().Get("Location"))
	if err != nil || u.Host != "idp.test" {
		p.t.Fatalf("answered %d, sent to %q: %s", answer.Code, answer.Header().Get("Location"), answer.Body)
	}
	return issuer + "/login/callback?code=x&state=" + u.Query().Get("state")
}

func TestSignInAtAnotherSite(t *testing.T) {
	p := meet(t)
	isPage(t, p.get(at("login", params())), http.StatusOK, `value="corp"`, "Example Inc.")
	p.corp.amr = []string{"pwd", "mfa"}
	back := p.leave(params("login_hint", "eve", "ui_locales", "de fr"))
	if d := p.corp.left[0]; d.Callback != issuer+"/login/callback" || d.Hint != "eve" || d.Again || !slices.Contains(d.Languages, "de") {
		t.Errorf("left with %+v", d)
	}
	if p.cookie("session") != nil || strings.Contains(p.cookie("signin").Value, "state") {
		t.Error("the cookies say too much")
	}
	grant := p.signedIn(p.get(back))
	if grant.Subject != "corp:eve" || grant.ACR != login.ACRMultiple || !slices.Equal(grant.AMR, p.corp.amr) {
		t.Errorf("subject %q, acr %q, amr %v", grant.Subject, grant.ACR, grant.AMR)
	}
	if p.cookie("signin") != nil {
		t.Error("the sign-in is kept after its end")
	}
	p.world.Observer.WantTold(t,
		"user sign_in client=web subject=corp:eve session=* method=service",
		"user code_issued client=web subject=corp:eve grant=* session=* type=authorization_code scope=openid")
	// The same address again, as by the back button: there is no sign-in any more.
	isPage(t, p.get(back), http.StatusForbidden, "start again")
}

func TestASecondFactorAfterAnotherSite(t *testing.T) {
	p := meet(t)
	eve := store.Account{Service: "corp", ID: "eve"}
	p.factors.give(eve, app)
	grant := p.signedIn(p.visit(goesTo(t, p.get(p.leave(params())), "login/factor"), "code", rightCode))
	if grant.ACR != login.ACRMultiple || !slices.Equal(grant.AMR, []string{"otp", "mfa"}) {
		t.Errorf("acr %q, amr %v", grant.ACR, grant.AMR)
	}
}

// Services that share their accounts share the people: there is no way around a
// factor by another service.
func TestSharedAccountsShareTheirFactors(t *testing.T) {
	p := meet(t, func(s *realm.Settings) { s.SharedAccounts = true })
	p.corp.account = "demo"
	p.factors.give(demoAccount, app)
	grant := p.signedIn(p.visit(goesTo(t, p.get(p.leave(params())), "login/factor"), "code", rightCode))
	if grant.Subject != "demo" || grant.Account.Service != "corp" || grant.ACR != login.ACRMultiple {
		t.Errorf("subject %q of %+v, acr %q", grant.Subject, grant.Account, grant.ACR)
	}
	p = p.other()
	p.factors.give(demoAccount, func(has *factor.Enrolled) { *has = factor.Enrolled{} })
	p.factors.give(demoAccount, passkey)
	address := goesTo(t, p.get(p.leave(params())), "login/factor")
	p.signedIn(p.visit(address, "passkey", p.use("demo", factor.Ask{Account: demoAccount})))
}

func TestPG4_AnAnswerOfAnotherSiteIsForItsOwnBrowser(t *testing.T) {
	p := meet(t)
	back := p.leave(params())
	thief := p.other()
	isPage(t, thief.get(back), http.StatusForbidden, "start again")
	thief.get(at("login", params()))
	tossed := *p.cookie("signin")
	thief.jar[tossed.Name] = &tossed
	isPage(t, thief.get(back), http.StatusForbidden, "start again")
	// Another state is another sign-in, and this one can still be finished.
	page := p.get(goesTo(t, p.get(strings.Replace(back, "state1", "state2", 1)), "login"))
	isPage(t, page, http.StatusOK, "did not succeed")
	p.signedIn(p.get(back))
}

func TestPG10_TwoTabsAtAnotherSite(t *testing.T) {
	p := meet(t)
	one := p.leave(params("state", "one"))
	two := p.leave(params("state", "two"))
	// The browser keeps one: the other is told so, and is not answered in its place.
	goesTo(t, p.get(one), "login")
	if got := answered(t, p.get(goesTo(t, p.get(two), "authorize"))); got.Get("state") != "two" {
		t.Errorf("answered %v", got)
	}
	// A sign-in that goes on here meanwhile is no answer of the other site.
	p.factors.give(demoAccount, app)
	q := p.other()
	back := q.leave(params("state", "one"))
	q.code(params("state", "two"))
	isPage(t, q.get(back), http.StatusForbidden, "start again")
}

func TestAnotherSiteThatSignsNobodyIn(t *testing.T) {
	for name, test := range map[string]struct {
		arrange func(p *person)
		told    string
	}{
		"refused": {func(p *person) {
			p.corp.fault = &login.RedirectRefused{Reason: "refused", Err: errors.New("access_denied")}
		}, "reason=refused"},
		"disabled": {func(p *person) {
			p.corp.fault = &login.Refused{Account: store.Account{Service: "corp", ID: "eve"}, Reason: login.Disabled}
		}, "subject=corp:eve reason=disabled"},
		"unknown":    {func(p *person) { p.corp.gone = true }, "reason=unknown_user"},
		"no subject": {func(p *person) { p.corp.account = "" }, "reason=subject_taken"},
		"a client's name": {func(p *person) {
			settings := p.world.Settings("/", issuer)
			settings.Services["corp"] = p.corp
			settings.Clients[1].ID = "corp:eve"
			p.handler = p.serve(p.world.Open(p.t, settings))
		}, "reason=subject_taken"},
	} {
		t.Run(name, func(t *testing.T) {
			p := meet(t)
			back := p.leave(params())
			test.arrange(p)
			isPage(t, p.get(goesTo(t, p.get(back), "login")), http.StatusOK, "did not succeed")
			p.world.Observer.WantTold(t, "user sign_in_failed client=web "+test.told)
			if p.cookie("session") != nil {
				t.Error("somebody is signed in")
			}
		})
	}
}

func TestPG18_AnotherSiteVouchesForANewSignIn(t *testing.T) {
	for _, changes := range [][]string{{"prompt", "login"}, {"max_age", "60"}} {
		p := meet(t)
		for name, at := range map[string]time.Time{"it does not say": {}, "long ago": p.world.Clock.Now().Add(-time.Hour)} {
			p.corp.at = at
			isPage(t, p.get(goesTo(t, p.get(p.leave(params(changes...))), "login")), http.StatusOK, "did not succeed")
			if !p.corp.left[len(p.corp.left)-1].Again {
				t.Errorf("%v, %s: the site was not asked to sign in again", changes, name)
			}
		}
		p.corp.at = p.world.Clock.Now()
		p.signedIn(p.get(p.leave(params(changes...))))
	}
}

func TestAnotherUserThanAskedForAtAnotherSite(t *testing.T) {
	p := meet(t)
	back := p.leave(params("claims", `{"id_token":{"sub":{"value":"corp:alice"}}}`))
	if got := answered(t, p.get(back)).Get("error"); got != "login_required" {
		t.Errorf("the client is told %q", got)
	}
}

func TestAS61_AnotherSiteThatIsDown(t *testing.T) {
	p := meet(t)
	back := p.leave(params())
	p.corp.fault = errors.New("no route to host")
	isPage(t, p.get(back), http.StatusServiceUnavailable)
	isPage(t, p.visit(at("login", params()), "service", "corp"), http.StatusServiceUnavailable)
	p.corp.fault = nil
	p.signedIn(p.get(back))
}

func TestWhatCannotBeKeptWhileTheBrowserIsAway(t *testing.T) {
	p := meet(t)
	long := params("state", strings.Repeat("x", 4000))
	page := p.visit(goesTo(t, p.get(at("authorize", long)), "login"), "service", "corp")
	isPage(t, page, http.StatusBadRequest, "too long")
	p.corp.kept = strings.Repeat("x", login.MaxKept)
	isPage(t, p.visit(at("login", params()), "service", "corp"), http.StatusServiceUnavailable)
	isPage(t, p.visit(at("login", params()), "service", "staff"), http.StatusBadRequest)
	isPage(t, p.visit(at("login", params()), "service", "nobody"), http.StatusBadRequest)
	isPage(t, p.get(issuer+"/login/callback?a=%zz"), http.StatusBadRequest)
	// A password and a second factor need no more room, however long the request.
	p.factors.give(demoAccount, app)
	p.signedIn(p.visit(p.code(long), "code", rightCode))
}

func TestAServiceThatIsTakenAwayMeanwhile(t *testing.T) {
	p := meet(t)
	back := p.leave(params())
	p.handler = p.serve(p.world.Open(t, p.world.Settings("/", issuer)))
	goesTo(t, p.get(goesTo(t, p.get(back), "authorize")), "login")
}

func TestWithoutPasswordsThePageHasNone(t *testing.T) {
	p := meet(t, func(s *realm.Settings) {
		s.DefaultService, s.JSONAuthenticate, s.PasswordServices = "corp", false, []string{"staff"}
	})
	page := p.get(at("login", params()))
	isPage(t, page, http.StatusOK, "Example Inc.")
	if strings.Contains(page.Body.String(), `name="password"`) {
		t.Error("the page asks for a password")
	}
	p.signedIn(p.get(p.leave(params())))
	// The form of somebody else's making is no way around.
	isPage(t, p.visit(at("login", params()), "username", "demo", "password", "Ch4ng31t"), http.StatusBadRequest)
}

// While the browser is away nothing goes on here, and nothing is lost.
func TestPagesOfStepsWhileTheBrowserIsAway(t *testing.T) {
	p := meet(t)
	back := p.leave(params())
	for _, step := range []string{"login/factor", "login/enrol"} {
		goesTo(t, p.get(at(step, params())), "authorize")
	}
	p.signedIn(p.get(back))
}
