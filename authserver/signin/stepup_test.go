package signin_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func TestPG18_StepUpAsksForWhatIsMissingAlone(t *testing.T) {
	p := meet(t)
	first := p.signedIn(p.password(params()))
	if first.ACR != login.ACRPassword {
		t.Fatalf("acr is %q", first.ACR)
	}
	p.factors.give(demoAccount, app)
	old := *p.cookie("session")
	p.world.Clock.Advance(time.Hour)
	// Without being asked for more the session is good as it is.
	if again := p.granted(p.get(at("authorize", params()))); !again.AuthTime.Equal(first.AuthTime) {
		t.Errorf("auth_time is %v", again.AuthTime)
	}
	address := goesTo(t, p.get(goesTo(t, p.get(at("authorize", params("acr_values", login.ACRMultiple))), "login")), "login/factor")
	p.second()
	grant := p.signedIn(p.visit(address, "code", rightCode))
	if grant.ACR != login.ACRMultiple || !slices.Equal(grant.AMR, []string{"pwd", "otp", "mfa"}) || !grant.AuthTime.Equal(p.world.Clock.Now()) {
		t.Errorf("acr %q, amr %v, auth_time %v", grant.ACR, grant.AMR, grant.AuthTime)
	}
	// Its public name goes on, for clients that shall hear of the sign-out.
	if grant.SessionID != first.SessionID || p.cookie("session").Value == old.Value {
		t.Error("PG6: the session kept its secret id, or lost its name")
	}
	thief := p.other()
	thief.jar[old.Name] = &old
	goesTo(t, thief.get(at("authorize", params())), "login")
	if got := p.granted(p.get(at("authorize", params("acr_values", login.ACRMultiple)))); got.ACR != login.ACRMultiple {
		t.Errorf("acr is %q", got.ACR)
	}
}

// The first value of acr_values that can be had decides, and what cannot be had is
// not asked for twice.
func TestACRValuesAreAWish(t *testing.T) {
	p := meet(t)
	wish := login.ACRPhishingResistant + " urn:unknown " + login.ACRMultiple
	if grant := p.signedIn(p.password(params("acr_values", wish))); grant.ACR != login.ACRPassword {
		t.Errorf("acr is %q", grant.ACR)
	}
	// With a session: nobody is asked for a password that changes nothing.
	answer := p.get(goesTo(t, p.get(at("authorize", params("acr_values", wish))), "login"))
	if grant := p.signedIn(answer); grant.ACR != login.ACRPassword {
		t.Errorf("acr is %q", grant.ACR)
	}
	if got := answered(t, p.get(at("authorize", params("acr_values", wish, "prompt", "none")))); got.Get("code") == "" {
		t.Errorf("PG19: silently the client gets %v", got)
	}
	// A session that is surer than asked for says what was asked for.
	p.factors.give(demoAccount, app)
	p.second()
	grant := p.signedIn(p.visit(p.code(params("prompt", "login")), "code", rightCode))
	if grant.ACR != login.ACRMultiple {
		t.Errorf("acr is %q", grant.ACR)
	}
	if grant = p.granted(p.get(at("authorize", params("acr_values", login.ACRPassword)))); grant.ACR != login.ACRPassword {
		t.Errorf("acr is %q", grant.ACR)
	}
}

func TestPG19_NobodyIsAskedForMoreSilently(t *testing.T) {
	p := meet(t)
	p.signedIn(p.password(params()))
	essential := `{"id_token":{"acr":{"essential":true,"values":["` + login.ACRPhishingResistant + `","` + login.ACRMultiple + `"]}}}`
	if got := answered(t, p.get(at("authorize", params("claims", essential, "prompt", "none")))).Get("error"); got != "login_required" {
		t.Errorf("the client is told %q", got)
	}
}

// An account of a session is given no new factor for the password of this morning.
func TestANewFactorNeedsANewSignIn(t *testing.T) {
	p := meet(t)
	p.signedIn(p.password(params()))
	p.second()
	essential := `{"id_token":{"acr":{"essential":true,"value":"` + login.ACRMultiple + `"}}}`
	address := goesTo(t, p.get(at("authorize", params("claims", essential))), "login")
	goesTo(t, p.visit(address, "username", "demo", "password", "Ch4ng31t"), "login/enrol")
}

func TestARealmThatComesToRequireASecondFactorAsksSessionsForIt(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	settings := p.world.Settings("/", issuer)
	settings.Clients[0].SkipConsent = true
	settings.SecondFactor = realm.SecondFactorOff
	p.handler = p.serve(p.world.Open(t, settings))
	p.signedIn(p.password(params()))
	required(&settings)
	p.handler = p.serve(p.world.Open(t, settings))
	if got := answered(t, p.get(at("authorize", params("prompt", "none")))).Get("error"); got != "login_required" {
		t.Errorf("silently the client is told %q", got)
	}
	goesTo(t, p.get(goesTo(t, p.get(at("authorize", params())), "login")), "login/factor")
}

// The step-up of a session that has ended meanwhile is over.
func TestAStepUpEndsWithItsSession(t *testing.T) {
	for name, end := range map[string]func(p *person){
		"signed out": func(p *person) { delete(p.jar, p.cookie("session").Name) },
		"expired":    func(p *person) { p.world.Clock.Advance(7 * time.Minute) },
		"revoked":    func(p *person) { p.revoke() },
	} {
		t.Run(name, func(t *testing.T) {
			p := meet(t)
			p.signedIn(p.password(params()))
			p.factors.give(demoAccount, app)
			p.world.Clock.Advance(12*time.Hour - 5*time.Minute)
			address := goesTo(t, p.get(goesTo(t, p.get(at("authorize", params("acr_values", login.ACRMultiple))), "login")), "login/factor")
			page := p.get(address)
			end(p)
			goesTo(t, p.fill(address, page, "code", rightCode), "authorize")
			if answer := p.get(at("authorize", params("acr_values", login.ACRMultiple))); answer.Header().Get("Location") == "" || answer.Code != http.StatusSeeOther {
				t.Errorf("answered %d", answer.Code)
			} else {
				goesTo(t, answer, "login")
			}
		})
	}
}

func TestPG18_PromptLoginCannotBeTakenOut(t *testing.T) {
	p := meet(t)
	p.signedIn(p.password(params()))
	p.world.Clock.Advance(time.Hour)
	for _, change := range [][2]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "0"}, {"max_age", "60"}} {
		values := params(change[0], change[1])
		// Neither a page of before nor a proof for another request is enough.
		proof := goesTo(t, p.password(params("prompt", "login", "state", "another")), "authorize")
		p.world.Clock.Advance(2 * time.Minute)
		address := at("authorize", values) + proof[len(at("authorize", params("prompt", "login", "state", "another"))):]
		goesTo(t, p.get(address), "login")

		done := goesTo(t, p.password(values), "authorize")
		if grant := p.granted(p.get(done)); !grant.AuthTime.Equal(p.world.Clock.Now()) {
			t.Errorf("%v: auth_time is %v", change, grant.AuthTime)
		}
		// Nor is the proof good for the session that comes after, or forever.
		p.world.Clock.Advance(2 * time.Minute)
		p.signedIn(p.password(values))
		p.world.Clock.Advance(2 * time.Minute)
		goesTo(t, p.get(done), "login")
		done = goesTo(t, p.password(values), "authorize")
		p.world.Clock.Advance(20 * time.Minute)
		goesTo(t, p.get(done), "login")
	}
}

func TestPG18_WhoSignsInAgainProvesEverythingAgain(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	p.signedIn(p.visit(p.code(params()), "code", rightCode))
	p.second()
	address := p.code(params("prompt", "login"))
	isPage(t, p.visit(address, "code", rightCode), http.StatusForbidden)
	p.signedIn(p.visit(address, "code", nextCode))
}

func TestSignInForTheAccountPage(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := issuer + "/login?page=account"
	factorPage := goesTo(t, p.visit(address, "username", "demo", "password", "Ch4ng31t"), "login/factor")
	goesTo(t, p.visit(factorPage, "code", rightCode), "account")
	if p.cookie("session") == nil {
		t.Fatal("nobody is signed in")
	}
	p.world.Observer.WantTold(t, "user sign_in subject=demo session=* method=page")
	// An expired form leads to where a sign-in begins anew.
	goesTo(t, p.get(factorPage), "account")
	// Whoever is to sign in again does, with all there is.
	p.second()
	again := goesTo(t, p.visit(address+"&prompt=login", "username", "demo", "password", "Ch4ng31t"), "login/factor")
	goesTo(t, p.visit(again, "code", nextCode), "account")
}

// A code on top of an old session is no new sign-in.
func TestPG18_AStepUpIsNoNewSignIn(t *testing.T) {
	p := meet(t)
	p.signedIn(p.password(params()))
	p.factors.give(demoAccount, app)
	p.world.Clock.Advance(time.Hour)
	for _, change := range [][2]string{{"prompt", "login"}, {"max_age", "60"}} {
		address := goesTo(t, p.get(at("authorize", params(change[0], change[1], "acr_values", login.ACRMultiple))), "login")
		isPage(t, p.get(address), http.StatusOK, "Password")
	}
}

// Nor does it go on with the session of a sign-in that came in between.
func TestAStepUpIsOfItsOwnSession(t *testing.T) {
	p := meet(t)
	p.signedIn(p.password(params()))
	p.factors.give(demoAccount, app)
	p.factors.give(demoAccount, passkey)
	address := goesTo(t, p.get(goesTo(t, p.get(at("authorize", params("acr_values", login.ACRMultiple))), "login")), "login/factor")
	page := p.get(address)
	other := at("login", params("state", "other"))
	p.signedIn(p.fill(other, p.get(other), "passkey", p.use("demo", anyone)))
	session := p.cookie("session").Value
	p.granted(p.get(goesTo(t, p.fill(address, page, "code", rightCode), "authorize")))
	if p.cookie("session").Value != session {
		t.Error("the session was replaced by what began with another")
	}
}
