package signin_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/authorize"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
)

// With the factors of package factor: an app is set up, used, its code is good
// once, and a recovery code stands in for it once.
func TestARealAppAndItsRecoveryCodes(t *testing.T) {
	p := meet(t, required)
	r := p.world.Realm
	front := authorize.New(r)
	real := factor.New(factor.Parts{Store: r.Store, Keys: r.Keys, Realm: r.Name, Issuer: r.Issuer, Now: r.Now})
	door := signin.New(r, signin.Parts{Open: front.Errand, Factors: real})
	mux := http.NewServeMux()
	for step, handler := range map[string]http.HandlerFunc{
		"authorize": front.Authorize, "login": door.Login, "login/factor": door.Factor, "login/enrol": door.Enrol,
	} {
		mux.HandleFunc("/oauth2/"+step, handler)
	}
	p.handler = mux

	address := goesTo(t, p.password(params()), "login/enrol")
	page := p.get(address)
	secret := strings.ReplaceAll(regexp.MustCompile(`<code class="key"[^>]*>([A-Z2-7 ]+)</code>`).FindStringSubmatch(page.Body.String())[1], " ", "")
	code := func() string {
		t.Helper()
		code, err := totp.GenerateCode(secret, p.world.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	shown := p.fill(address, page, "sealed", field(t, page, "sealed"), "code", code())
	codes := regexp.MustCompile(`<li><code>([^<]+)</code>`).FindAllStringSubmatch(shown.Body.String(), -1)
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes: %s", len(codes), shown.Body)
	}
	p.signedIn(p.fill(address, shown))

	p.world.Clock.Advance(time.Minute)
	again := p.other()
	next := code()
	again.signedIn(again.visit(again.code(params()), "code", next))
	thief := p.other()
	isPage(t, thief.visit(thief.code(params()), "code", next), http.StatusForbidden, "not right")

	lost := p.other()
	lost.signedIn(lost.visit(lost.code(params()), "recovery", codes[0][1]))
	isPage(t, thief.visit(thief.code(params()), "recovery", codes[0][1]), http.StatusForbidden, "not right")
}
