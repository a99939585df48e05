package people

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
)

// The acr values of a realm that names none.
const (
	acrMFA     = "urn:caddy-oauth2:acr:mfa"
	acrPasskey = "urn:caddy-oauth2:acr:phishing-resistant"
)

const totpPeriod = 30 * time.Second

// must makes an acr essential.
func must(acr string) string {
	return `{"id_token":{"acr":{"essential":true,"values":["` + acr + `"]}}}`
}

// phone is an authenticator app.
type phone struct {
	t      *testing.T
	secret string
	last   int64
}

// scan sets an app up with what its page says.
func (b *tab) scan() *phone {
	b.t.Helper()
	key := read(b, chromedp.Text(chromedp.CSS("code.key")))
	return &phone{t: b.t, secret: strings.ReplaceAll(key, " ", "")}
}

// code is one that was not shown before: that of now, or the next, which a server
// takes as well from a clock that is fast.
func (p *phone) code() string {
	p.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		now := time.Now().Unix() / int64(totpPeriod.Seconds())
		if next := max(now, p.last+1); next <= now+1 {
			p.last = next
			return p.at(next)
		}
		<-tick.C
	}
}

// at is the code of a step of time.
func (p *phone) at(step int64) string {
	p.t.Helper()
	code, err := totp.GenerateCode(p.secret, time.Unix(step*int64(totpPeriod.Seconds()), 0))
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// enrol goes through the page that sets an app up, and gives the app and the
// recovery codes.
func (b *tab) enrol() (app *phone, codes []string) {
	b.t.Helper()
	app = b.scan()
	b.enter("code", app.code())
	if err := json.Unmarshal([]byte(read(b, chromedp.Evaluate[string](
		`JSON.stringify([...document.querySelectorAll('.codes li')].map(i => i.innerText.trim()))`))), &codes); err != nil {
		b.t.Fatal(err)
	}
	if len(codes) != 10 {
		b.t.Fatalf("there are %d recovery codes: %s", len(codes), b.saw())
	}
	return app, codes
}

// enter sends a form of one field.
func (b *tab) enter(name, value string) {
	b.t.Helper()
	b.fill(name, value)
	b.press(`form:has(input[name="` + name + `"]) button:not([name])`)
}

func TestASecondFactorThatIsRequired(t *testing.T) {
	w := newWorld(t, "second_factor required")
	b := newTab(t)
	b.open(w.request("client_id", "trusted", "scope", "openid"))
	b.signIn(username, password)
	b.wants("Set up your authenticator app", username)
	if !b.has("main figure svg") {
		t.Error("there is no QR code")
	}
	b.accessible("setting up an app")
	before := b.scan().secret
	b.enter("code", b.scan().at(1))
	b.wants("This code is not right.")
	if b.scan().secret != before {
		t.Error("a wrong code makes another secret, which the app has not")
	}
	app, codes := b.enrol()
	b.wants("Your recovery codes", "They are shown only now.")
	b.accessible("recovery codes")
	b.press(submit)
	w.answered(b)
	b.back()
	b.until("away from the recovery codes", func() bool { return !strings.Contains(b.saw(), codes[0]) })

	b = newTab(t)
	b.open(w.request("client_id", "trusted", "scope", "openid"))
	b.signIn(username, password)
	b.wants("Confirm that it is you", username)
	b.accessible("second factor")
	b.enter("code", app.at(1))
	b.wants("This code is not right.")
	b.accessible("second factor, wrong")
	used := app.code()
	b.enter("code", used)
	w.answered(b)

	// What was used is worth nothing any more.
	b.open(w.request("client_id", "trusted", "scope", "openid", "prompt", "login"))
	b.signIn(username, password)
	b.enter("code", used)
	b.wants("This code is not right.")
	b.recover(codes[3])
	w.answered(b)
	b.open(w.request("client_id", "trusted", "scope", "openid", "prompt", "login"))
	b.signIn(username, password)
	b.recover(codes[3])
	b.wants("This code is not right.")
	b.recover(codes[4])
	w.answered(b)
}

// recover uses a recovery code.
func (b *tab) recover(code string) {
	b.t.Helper()
	if !b.has("details[open]") {
		b.do(chromedp.Click(chromedp.CSS("summary"), chromedp.NodeVisible))
	}
	b.enter("recovery", code)
}

func TestPG18_SteppingUp(t *testing.T) {
	w := newWorld(t, "second_factor optional")
	plain, surer := newTab(t), newTab(t)
	plain.open(w.request("client_id", "trusted", "scope", "openid"))
	// Nobody is asked for what they do not have, nor for what was but a wish.
	plain.signIn(username, password)
	w.answered(plain)
	plain.open(w.request("client_id", "trusted", "scope", "openid", "acr_values", acrMFA))
	w.answered(plain)

	// Who must be surer sets an app up, in this sign-in.
	surer.open(w.request("client_id", "trusted", "scope", "openid", "claims", must(acrMFA)))
	surer.signIn(username, password)
	app, _ := surer.enrol()
	surer.press(submit)
	w.answered(surer)

	// The first browser is asked for the code alone, and once.
	plain.open(w.request("client_id", "trusted", "scope", "openid", "acr_values", acrMFA))
	plain.wants("Confirm that it is you")
	plain.enter("code", app.code())
	w.answered(plain)
	for _, changes := range [][]string{{"acr_values", acrMFA}, {"claims", must(acrMFA)}, {"prompt", "none", "claims", must(acrMFA)}} {
		plain.open(w.request(append([]string{"client_id", "trusted", "scope", "openid"}, changes...)...))
		if got := w.answered(plain); got.Get("code") == "" {
			t.Errorf("%v: %v", changes, got)
		}
	}
	// prompt=login means all of it once more.
	plain.open(w.request("client_id", "trusted", "scope", "openid", "prompt", "login"))
	plain.signIn(username, password)
	plain.enter("code", app.code())
	w.answered(plain)
}
