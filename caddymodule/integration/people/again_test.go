package people

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A configuration that is loaded anew while a form is open is not noticed: nothing
// is kept on the server between the steps.
func TestReloadsBetweenTheSteps(t *testing.T) {
	w := newWorld(t, "second_factor required")
	b := newTab(t)
	p := &person{b: b}
	b.open(w.request())
	for _, page := range []string{"Set up your authenticator app", "They are shown only now.", "Allow access?", w.app} {
		w.reload()
		p.goOn(w, page)
	}
	w.reload()
	if status := w.called(w.redeem(b)); status != http.StatusOK {
		t.Errorf("the API answers %d", status)
	}
}

// noKept is the feature by which a browser shows a page again without asking for
// it.
const noKept = "BackForwardCache"

// Back from each step, to a page that is asked for anew, and on from where that
// leads: it ends at the shop, with one code that is good.
func TestPG10_BackFromEachStep(t *testing.T) {
	for _, from := range []string{"Set up your authenticator app", "They are shown only now.", "Confirm that it is you", "Allow access?"} {
		t.Run(from, func(t *testing.T) {
			w := newWorld(t, "second_factor required")
			b := newTab(t, noKept)
			p := &person{b: b}
			b.open(w.request())
			if from == "Confirm that it is you" {
				p.goOn(w, w.app)
				b.open(w.request("prompt", "login consent"))
			}
			p.goOn(w, from)
			read(b, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Evaluate[chromedp.Void]("history.back()")))
			if strings.Contains(b.saw(), from) {
				t.Errorf("back is at %s", b.saw())
			}
			p.goOn(w, w.app)
			if status := w.called(w.redeem(b)); status != http.StatusOK {
				t.Errorf("the API answers %d", status)
			}
		})
	}
}

// person does what the page before them says.
type person struct {
	b   *tab
	app *phone
}

// goOn does so until the page or its address says something.
func (p *person) goOn(w *world, until string) {
	p.b.t.Helper()
	for range 10 {
		switch said := p.b.saw(); {
		case strings.HasPrefix(said, until), until != w.app && strings.Contains(said, until):
			return
		case strings.HasPrefix(said, "chrome-error:"):
			// The page answered a form: the browser wants to know whether to send it again.
			p.b.do(chromedp.Reload())
		case strings.Contains(said, "to continue to The Shop.") && p.app != nil:
			p.b.enter("code", p.app.code())
		case strings.Contains(said, "Set up your authenticator app"):
			p.app = p.b.scan()
			p.b.enter("code", p.app.code())
		case strings.Contains(said, "They are shown only now."):
			p.b.press(submit)
		case strings.Contains(said, "Allow access?"):
			p.b.press(button("decision", "allow"))
		case strings.Contains(said, "to continue to The Shop"):
			p.b.signIn(username, password)
		default:
			p.b.t.Fatalf("nothing goes on here: %s", said)
		}
	}
	p.b.t.Fatalf("never at %s: %s", until, p.b.saw())
}

// A form whose token is not good any more: its page is shown again with a word
// about it, or says where to begin.
func TestPG3_PG9_ExpiredForms(t *testing.T) {
	w := newWorld(t, "second_factor optional")
	b := newTab(t)
	b.open(w.request("claims", must(acrMFA)))
	b.expire()
	b.signIn(username, password)
	b.wants("This form has expired.", "to continue to The Shop")
	b.accessible("sign-in, expired")
	b.signIn(username, password)
	secret := b.scan().secret
	b.expire()
	b.enter("code", "000000")
	b.wants("This form has expired.", "Set up your authenticator app")
	if b.scan().secret == secret {
		t.Error("the key of an expired form is shown again")
	}
	app, _ := b.enrol()
	b.press(submit)
	b.wants("Allow access?")
	b.expire()
	b.press(button("decision", "allow"))
	b.wants("This form has expired", "Nothing was changed.")
	b.accessible("consent, expired")
	b.open(w.request())
	b.wants("Allow access?")
	b.press(button("decision", "allow"))
	w.answered(b)

	b.open(w.request("prompt", "login"))
	b.signIn(username, password)
	b.expire()
	b.enter("code", app.code())
	b.wants("This form has expired.", "Confirm that it is you")
	b.open(w.issuer + "/account")
	b.expire()
	b.press(action("revoke_application"))
	b.wants("This form has expired.", "The Shop")
	b.open(w.signOut())
	b.expire()
	b.press(button("decision", "sign_out"))
	b.wants("This form has expired", "Nothing was changed.")
}

// expire spoils the tokens of a page's forms.
func (b *tab) expire() {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll('input[name="form_token"]').forEach(i => { i.value = 'x' + i.value })`))
}

// Two tabs that sign in, one after the other, through all steps.
func TestPG10_TwoTabsAndASecondFactor(t *testing.T) {
	w := newWorld(t, "second_factor required")
	one := newTab(t)
	two := one.another()
	one.open(w.request("client_id", "trusted", "scope", "openid", "state", "one"))
	two.open(w.request("client_id", "trusted", "scope", "openid", "state", "two"))
	one.signIn(username, password)
	two.signIn(username, password)
	// The browser keeps one sign-in. The tab that began before begins anew, and
	// finds the person signed in at the end.
	app, _ := two.enrol()
	two.press(submit)
	if got := w.answered(two).Get("state"); got != "two" {
		t.Errorf("the second tab brings %q", got)
	}
	one.enter("code", app.code())
	if got := w.answered(one).Get("state"); got != "one" {
		t.Errorf("the first tab brings %q", got)
	}
}
