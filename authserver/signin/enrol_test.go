package signin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// required is a realm in which everybody has a second factor.
func required(s *realm.Settings) {
	s.SecondFactor, s.JSONAuthenticate, s.PasswordServices = realm.SecondFactorRequired, false, nil
	password := func(grant string) bool { return grant == oauth.GrantPassword }
	s.Grants = slices.DeleteFunc(s.Grants, password)
	for i := range s.Clients {
		s.Clients[i].Grants = slices.DeleteFunc(slices.Clone(s.Clients[i].Grants), password)
	}
}

func TestWhoMustHaveASecondFactorMakesOne(t *testing.T) {
	p := meet(t, required)
	address := goesTo(t, p.password(params()), "login/enrol")
	page := p.get(address)
	isPage(t, page, http.StatusOK, "JBSW Y3DP EHPK 3PXP")
	wrong := p.fill(address, page, "sealed", field(t, page, "sealed"), "code", "000000")
	isPage(t, wrong, http.StatusForbidden, "not right")
	codes := p.fill(address, wrong, "sealed", field(t, wrong, "sealed"), "code", rightCode)
	isPage(t, codes, http.StatusOK, recoveryCode)
	if p.cookie("session") != nil {
		t.Error("there is a session before the codes were seen")
	}
	grant := p.signedIn(p.fill(address, codes))
	if grant.ACR != login.ACRMultiple || !slices.Equal(grant.AMR, []string{"pwd", "otp", "mfa"}) {
		t.Errorf("acr %q, amr %v", grant.ACR, grant.AMR)
	}
	// The next sign-in asks for it, and the codes are not shown again.
	p.second()
	next := p.other()
	isPage(t, next.get(next.code(params())), http.StatusOK, "Code from your app")
}

// The secret of one account's app is not another's to confirm, and a page that was
// open too long gets a new one.
func TestTheSecretOfAnAppIsForItsAccount(t *testing.T) {
	p := meet(t, required)
	address := goesTo(t, p.password(params()), "login/enrol")
	page := p.get(address)
	for name, sealed := range map[string]string{"made up": "x", "none of ours": strings.Repeat("A", 200), "a sign-in": p.cookie("signin").Value} {
		again := p.fill(address, page, "sealed", sealed, "code", rightCode)
		isPage(t, again, http.StatusForbidden, "expired")
		if field(t, again, "sealed") == sealed {
			t.Errorf("%s: the page has it still", name)
		}
	}
	if p.factors.has[demoAccount].TOTP {
		t.Error("the account has an app")
	}
}

// Whoever knows the password alone cannot go around the factor that there is.
func TestAFactorThatIsThereComesBeforeANewOne(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	values := params("claims", `{"id_token":{"acr":{"essential":true,"value":"`+login.ACRPhishingResistant+`"}}}`)
	enrol := strings.Replace(p.code(values), "login/factor", "login/enrol", 1)
	goesTo(t, p.get(enrol), "login/factor")
}

func TestAPasskeyIsMadeAndThenUsed(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	values := params("claims", `{"id_token":{"acr":{"essential":true,"value":"`+login.ACRPhishingResistant+`"}}}`)
	address := p.code(values)
	enrol := goesTo(t, p.visit(address, "code", rightCode), "login/enrol")
	page := p.get(enrol)
	isPage(t, page, http.StatusOK)
	isPage(t, p.fill(enrol, page, "passkey", "made up"), http.StatusForbidden, "passkey could not be used")
	binding, _, _ := strings.Cut(p.use("", factor.Ask{}), " of ")
	binding = strings.Fields(binding)[1]
	address = goesTo(t, p.fill(enrol, page, "passkey", "create "+binding+" demo"), "login/factor")
	page = p.get(address)
	isPage(t, page, http.StatusOK)
	if strings.Contains(page.Body.String(), "Code from your app") {
		t.Error("the page asks for a code, which is not enough")
	}
	isPage(t, p.fill(address, page, "code", nextCode), http.StatusForbidden)
	grant := p.signedIn(p.fill(address, page, "passkey", p.use("demo", factor.Ask{Account: demoAccount, Verified: true})))
	if grant.ACR != login.ACRPhishingResistant || !slices.Equal(grant.AMR, []string{"pwd", "otp", "mfa", "swk", "user"}) {
		t.Errorf("acr %q, amr %v", grant.ACR, grant.AMR)
	}
}

func TestAnEssentialACROutOfReachIsToldToTheClient(t *testing.T) {
	essential := func(acr string) string { return `{"id_token":{"acr":{"essential":true,"value":"` + acr + `"}}}` }
	off := func(s *realm.Settings) { s.SecondFactor, s.NoPasskeys = realm.SecondFactorOff, true }
	p := meet(t, off)
	for _, acr := range []string{login.ACRMultiple, login.ACRPhishingResistant, "urn:unknown"} {
		if got := answered(t, p.get(at("authorize", params("claims", essential(acr))))).Get("error"); got != oauth.CodeUnmetAuthRequirements {
			t.Errorf("%s: the client is told %q", acr, got)
		}
	}
	// It is known only at the sign-in that the browser has no passkeys.
	p = meet(t)
	p.factors.withoutPasskeys = true
	if got := answered(t, p.password(params("claims", essential(login.ACRPhishingResistant)))).Get("error"); got != oauth.CodeUnmetAuthRequirements {
		t.Errorf("without passkeys the client is told %q", got)
	}
	if p.cookie("session") != nil || p.cookie("signin") != nil {
		t.Error("the sign-in goes on")
	}
}

// What was sealed for one account is not another's.
func TestTheSecretOfAnotherAccountsApp(t *testing.T) {
	p := meet(t, required)
	address := goesTo(t, p.get(p.leave(params())), "login/enrol")
	sealed := field(t, p.get(address), "sealed")
	address = goesTo(t, p.password(params()), "login/enrol")
	isPage(t, p.fill(address, p.get(address), "sealed", sealed, "code", rightCode), http.StatusForbidden, "expired")
}
