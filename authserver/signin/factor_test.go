package signin_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func TestWhoHasASecondFactorIsAskedForIt(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := p.code(params())
	if p.cookie("session") != nil {
		t.Fatal("a password alone gave a session")
	}
	if c := p.cookie("signin"); c == nil || !c.HttpOnly || !c.Secure || !strings.HasPrefix(c.Name, "__Host-") || strings.Contains(c.Value, "demo") {
		t.Fatalf("PG5: the sign-in is kept in %v", c)
	}
	p.second()
	page := p.get(address)
	isPage(t, page, http.StatusOK, "demo", "Code from your app", "Recovery code")
	grant := p.signedIn(p.fill(address, page, "code", rightCode))
	if grant.ACR != login.ACRMultiple || !slices.Equal(grant.AMR, []string{"pwd", "otp", "mfa"}) || !grant.AuthTime.Equal(p.world.Clock.Now()) {
		t.Errorf("acr %q, amr %v, auth_time %v", grant.ACR, grant.AMR, grant.AuthTime)
	}
	if p.cookie("signin") != nil {
		t.Error("the sign-in is kept after its end")
	}
	v, err := p.world.Realm.Sessions.Known(t.Context(), secret(p.cookie("session")), p.world.Clock.Now())
	if err != nil || v.Device != "Firefox, Windows" {
		t.Errorf("the session is of %q, %v", v.Device, err)
	}
}

func TestWaysToProveASecondFactor(t *testing.T) {
	for name, test := range map[string]struct {
		field, value string
		amr          []string
		acr          string
	}{
		"code":          {"code", rightCode, []string{"pwd", "otp", "mfa"}, login.ACRMultiple},
		"recovery code": {"recovery", recoveryCode, []string{"pwd", "otp", "mfa"}, login.ACRMultiple},
		"passkey":       {"passkey", "", []string{"pwd", "swk", "user", "mfa"}, login.ACRPhishingResistant},
	} {
		t.Run(name, func(t *testing.T) {
			p := meet(t)
			p.factors.give(demoAccount, app)
			p.factors.give(demoAccount, passkey)
			address := p.code(params())
			page := p.get(address)
			if test.value == "" {
				test.value = p.use(demoAccount.ID, factor.Ask{Account: demoAccount})
			}
			grant := p.signedIn(p.fill(address, page, test.field, test.value))
			if grant.ACR != test.acr || !slices.Equal(grant.AMR, test.amr) {
				t.Errorf("acr %q, amr %v", grant.ACR, grant.AMR)
			}
		})
	}
}

// A wrong code is told to the person and to the audit log, and counts as a wrong
// password does.
func TestAS64_CodesAreLimited(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := p.code(params())
	page := p.get(address)
	isPage(t, p.fill(address, page), http.StatusBadRequest, "not right")
	for range 5 {
		isPage(t, p.fill(address, page, "code", "000000"), http.StatusForbidden, "not right")
	}
	limited := p.fill(address, page, "recovery", recoveryCode)
	isPage(t, limited, http.StatusTooManyRequests, "too many attempts", "Wait 1 second, then try again.")
	if limited.Header().Get("Retry-After") == "" {
		t.Error("nobody is told when to try again")
	}
	// Another browser of somebody who knows the password is no way around it.
	thief := p.other()
	isPage(t, thief.visit(thief.code(params()), "code", rightCode), http.StatusTooManyRequests)
	p.second()
	p.signedIn(p.visit(address, "code", rightCode))
	told := "user sign_in_failed client=web subject=demo reason=wrong_code"
	lines := p.world.Observer.Told()
	if n := len(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l != told })); n != 5 {
		t.Errorf("%d wrong codes are told: %s", n, strings.Join(lines, "\n"))
	}
	if !slices.Contains(lines, "user sign_in_failed client=web subject=demo reason=limited") {
		t.Errorf("the limit is not told: %s", strings.Join(lines, "\n"))
	}
}

func TestAPasskeyAlone(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, passkey)
	p.factors.give(demoAccount, app)
	address := goesTo(t, p.get(at("authorize", params("acr_values", login.ACRPhishingResistant))), "login")
	page := p.get(address)
	grant := p.signedIn(p.fill(address, page, "passkey", p.use("demo", factor.Ask{Verified: true})))
	if grant.Subject != "demo" || grant.ACR != login.ACRPhishingResistant || !slices.Equal(grant.AMR, []string{"swk", "user"}) {
		t.Errorf("subject %q, acr %q, amr %v", grant.Subject, grant.ACR, grant.AMR)
	}
	p.world.Observer.WantTold(t,
		"user sign_in client=web subject=demo session=* method=passkey",
		"user code_issued client=web subject=demo grant=* session=* type=authorization_code scope=openid")
}

func TestPasskeysThatSignNobodyIn(t *testing.T) {
	for name, arrange := range map[string]func(p *person) string{
		"made up": func(*person) string { return "x" },
		"of another browser": func(p *person) string {
			q := p.other()
			q.get(at("login", params()))
			return q.use("demo", factor.Ask{Verified: true})
		},
		"of nobody": func(p *person) string { return p.use("nobody", factor.Ask{Verified: true}) },
		"of a client's name": func(p *person) string {
			account := demoAccount
			account.ID = "web"
			p.factors.give(account, passkey)
			return p.use("web", factor.Ask{Verified: true})
		},
		"of a closed account": func(p *person) string { p.world.Staff.Remove("demo"); return p.use("demo", factor.Ask{Verified: true}) },
		"without a user":      func(p *person) string { return p.use("demo", factor.Ask{}) },
	} {
		t.Run(name, func(t *testing.T) {
			p := meet(t)
			p.factors.give(demoAccount, passkey)
			address := at("login", params())
			page := p.get(address)
			isPage(t, p.fill(address, page, "passkey", arrange(p)), http.StatusForbidden, "passkey could not be used")
			if p.cookie("session") != nil {
				t.Error("somebody is signed in")
			}
		})
	}
	p := meet(t, func(s *realm.Settings) { s.NoPasskeys = true })
	p.factors.give(demoAccount, passkey)
	address := at("login", params())
	isPage(t, p.visit(address, "passkey", p.use("demo", factor.Ask{Verified: true})), http.StatusBadRequest)
}

// What has to be sure, and is changed on the way, is looked at again at each step.
func TestAccountsThatChangeBetweenTheSteps(t *testing.T) {
	for name, change := range map[string]func(p *person){
		"closed": func(p *person) { p.world.Staff.Remove("demo") },
		"locked, or its password changed": func(p *person) {
			if _, err := p.world.Realm.Revocations.RevokeSubject(p.t.Context(), "/", "demo", p.world.Clock.Now()); err != nil {
				p.t.Fatal(err)
			}
		},
		"its name taken by a client": func(p *person) {
			settings := p.world.Settings("/", issuer)
			settings.Clients[1].ID = "demo"
			p.handler = p.serve(p.world.Open(p.t, settings))
		},
		"another default service": func(p *person) {
			settings := p.world.Settings("/", issuer)
			settings.DefaultService = "ldap"
			p.handler = p.serve(p.world.Open(p.t, settings))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := meet(t)
			p.factors.give(demoAccount, app)
			address := p.code(params())
			page := p.get(address)
			change(p)
			goesTo(t, p.get(goesTo(t, p.fill(address, page, "code", rightCode), "authorize")), "login")
			if p.cookie("session") != nil || p.cookie("signin") != nil {
				t.Errorf("cookies are %v", p.jar)
			}
		})
	}
}

func TestPG9_ASignInThatTookTooLongBeginsAnew(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := p.code(params())
	page := p.get(address)
	p.world.Clock.Advance(10 * time.Minute)
	goesTo(t, p.get(goesTo(t, p.fill(address, page, "code", rightCode), "authorize")), "login")
}

func TestPG3_PG4_FormsOfFactorsWorkInTheirOwnBrowserAlone(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := p.code(params())
	page := p.get(address)

	// A sign-in that somebody else began is nobody's here, whatever cookies come.
	victim := p.other()
	victim.get(at("login", params()))
	tossed := *p.cookie("signin")
	victim.jar[tossed.Name] = &tossed
	goesTo(t, victim.get(address), "authorize")
	goesTo(t, victim.fill(address, page, "code", rightCode), "authorize")

	// Nor is it good for another request, which may be for more.
	elsewhere := strings.Replace(address, "abc123", "other", 1)
	goesTo(t, p.get(elsewhere), "authorize")

	cross := httptest.NewRequest(http.MethodPost, address, strings.NewReader("code="+rightCode+"&form_token="+field(t, page, "form_token")))
	cross.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	isPage(t, p.send(cross), http.StatusForbidden)

	login := p.other()
	old := login.get(at("login", params()))
	login.jar = p.jar
	isPage(t, login.fill(address, old, "code", rightCode), http.StatusForbidden, "expired")
	p.signedIn(p.fill(address, page, "code", rightCode))
}

func TestAS57_ASignInOfOneRealmIsNothingInAnother(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	p.code(params())
	const away = "https://auth.example.com/oauth2/realms/root/realms/customers"
	guest := p.other()
	guest.handler = p.serve(p.world.Open(t, p.world.Settings("/customers", away)))
	guest.visit(away+"/login?"+params().Encode(), "username", "demo", "password", "Ch4ng31t")
	own, theirs := guest.cookie("signin"), p.cookie("signin")
	if own == nil || own.Name == theirs.Name {
		t.Fatal("realms share a cookie")
	}
	if answer := guest.get(away + "/login/factor?" + params().Encode()); answer.Code != http.StatusOK {
		t.Fatalf("in its own realm: %d", answer.Code)
	}
	own.Value = theirs.Value
	if answer := guest.get(away + "/login/factor?" + params().Encode()); answer.Code != http.StatusSeeOther {
		t.Errorf("the other realm took it: %d", answer.Code)
	}
}

func TestAS61_FaultsInTheMiddleAre503(t *testing.T) {
	p := meet(t)
	p.factors.give(demoAccount, app)
	address := p.code(params())
	page := p.get(address)
	for _, step := range []string{"TakeAttempt", "Revocations", "Spend", "CreateSession"} {
		p.world.Store.Fail(step)
		answer := p.visit(address, "code", rightCode)
		isPage(t, answer, http.StatusServiceUnavailable)
		if answer.Header().Get("Retry-After") == "" || p.cookie("session") != nil {
			t.Errorf("%s: %v", step, answer.Header())
		}
		p.world.Store.Fail("")
		p.factors.used = map[string]bool{}
	}
	p.factors.fault = errors.New("the key is gone")
	isPage(t, p.fill(address, page, "code", rightCode), http.StatusServiceUnavailable)
	isPage(t, p.password(params()), http.StatusServiceUnavailable)
	p.factors.fault = nil
	p.world.Staff.Fail(errors.New("directory is gone"))
	isPage(t, p.get(address), http.StatusServiceUnavailable)
}
