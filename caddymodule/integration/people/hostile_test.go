package people

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// hostile are texts that would do something in a page that took them for more.
var hostile = []string{
	`"><script>document.title='pwned'</script>`, `'onfocus=document.title='pwned' autofocus='`, `javascript:document.title='pwned'`,
	`</title><img src=x onerror=document.title='pwned'>`, "{{.}}", "\u202egnp.exe", "%3Cscript%3E", "<!--", "]]>",
}

const (
	hostileName  = "<img src=x onerror=document.title='pwned'><script>document.title='pwned'</script>"
	hostileAgent = `Mozilla/5.0 (<script>document.title='pwned'</script>; Linux) <img src=x onerror=document.title='pwned'>`
)

// unharmed fails the test when a page has executed what it was to show.
func (b *tab) unharmed(where string) {
	b.t.Helper()
	if title := read(b, chromedp.Title()); strings.Contains(title, "pwned") {
		b.t.Errorf("%s was executed", where)
	}
}

func TestPG13_CL10_HostileParametersExecuteNothing(t *testing.T) {
	w := newWorld(t, "")
	b := newTab(t)
	for _, text := range hostile {
		b.open(w.request("state", text, "nonce", text, "login_hint", text, "ui_locales", text))
		b.wants("The Shop")
		b.signIn(text, text)
		b.unharmed("the username " + text)
		for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope", "prompt", "max_age", "claims", "id_token_hint", "code_challenge"} {
			b.open(w.request(name, text))
			b.unharmed(name + "=" + text)
		}
		b.open(w.issuer + "/login?page=account&ui_locales=" + url.QueryEscape(text) + "&prompt=" + url.QueryEscape(text))
		b.unharmed("the sign-in for the account page, " + text)
	}
	b.open(w.issuer + "/account")
	b.signIn(username, password)
	for _, text := range hostile {
		b.open(w.issuer + "/account?" + url.Values{"said": {text}, "ui_locales": {text}, text: {text}}.Encode())
		b.wants("Your account")
		b.unharmed("account, " + text)
		for _, name := range []string{"client_id", "post_logout_redirect_uri", "state", "id_token_hint", "ui_locales", "request", "logout_hint"} {
			b.open(w.signOut("client_id", "shop", name, text))
			b.unharmed("sign-out, " + name + "=" + text)
		}
	}
}

func TestPG13_CL10_HostileNamesExecuteNothing(t *testing.T) {
	w := newWorld(t, `client hostile {
		name "`+hostileName+`"
		secret hostile-secret
		grants authorization_code
		redirect_uri http://localhost/callback
		scopes openid
	}`)
	b := newTab(t)
	b.agent(hostileAgent, "en")
	b.open(w.request("client_id", "hostile", "redirect_uri", "http://localhost/callback", "scope", "openid"))
	b.wants("<img src=x")
	b.unharmed("the client's name, to sign in")
	b.signIn(username, password)
	b.wants("<img src=x", "Allow access?")
	b.unharmed("the client's name, to agree")
	b.do(chromedp.Click(chromedp.CSS(button("decision", "allow"))))
	b.until("sent on to where nobody answers", func() bool { return strings.HasPrefix(b.saw(), "chrome-error:") })
	b.open(w.issuer + "/account")
	b.wants("<img src=x")
	b.unharmed("the account page")
	b.open(w.signOut("client_id", "hostile"))
	b.wants("Sign out?", "<img src=x")
	b.unharmed("the client's name, to sign out")
	b.press(button("decision", "sign_out"))
	b.wants("You are signed out")
	b.unharmed("signed out")
}
