package people

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// device keeps passkeys, and asks its owner for a fingerprint.
type device struct {
	b  *tab
	id webauthn.AuthenticatorID
}

// device gives a tab one whose owner's finger is on it.
func (b *tab) device() *device {
	b.t.Helper()
	command(b, webauthn.Enable, webauthn.EnableParams{})
	made := command(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		},
	})
	return &device{b, made.AuthenticatorID}
}

// knows says whether the finger is its owner's.
func (d *device) knows(owner bool) {
	d.b.t.Helper()
	command(d.b, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: d.id, IsUserVerified: owner})
}

// withoutOffers makes the tab's browser one that does not offer passkeys where a
// username is typed. Else the device takes the offer as soon as a page makes it.
func (b *tab) withoutOffers() (again func()) {
	b.t.Helper()
	made := command(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: "delete PublicKeyCredential.isConditionalMediationAvailable",
	})
	return func() {
		b.t.Helper()
		command(b, page.RemoveScriptToEvaluateOnNewDocument, page.RemoveScriptToEvaluateOnNewDocumentParams(made))
	}
}

// passkeys is how many it keeps.
func (d *device) passkeys() int {
	d.b.t.Helper()
	return len(command(d.b, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: d.id}).Credentials)
}

const (
	addPasskey = `form[data-passkey-create] button`
	usePasskey = `form[data-passkey-get] button`
)

func TestPasskeys(t *testing.T) {
	w := newWorld(t, "")
	b := newTab(t)
	d := b.device()
	surest := func(changes ...string) string {
		return w.request(append([]string{"client_id", "trusted", "scope", "openid", "claims", must(acrPasskey)}, changes...)...)
	}
	b.open(surest())
	b.signIn(username, password)
	b.wants("Add a passkey", username)
	b.accessible("adding a passkey")
	b.fill("label", "Laptop")
	b.press(addPasskey)
	if d.passkeys() != 1 {
		t.Fatalf("the device keeps %d passkeys: %s", d.passkeys(), b.saw())
	}
	// That it works is shown at once.
	b.wants("Confirm that it is you")
	b.accessible("asking for a passkey")

	// Somebody else's finger.
	d.knows(false)
	b.do(chromedp.Click(chromedp.CSS(usePasskey), chromedp.NodeVisible))
	b.until("told so", func() bool { return strings.Contains(b.text(), "The passkey could not be used.") })
	b.accessible("a passkey that fails")
	d.knows(true)
	b.press(usePasskey)
	w.answered(b)

	// As the second factor.
	offers := b.withoutOffers()
	b.open(w.request("client_id", "trusted", "scope", "openid", "prompt", "login"))
	b.signIn(username, password)
	b.wants("Confirm that it is you")
	b.press(usePasskey)
	w.answered(b)

	// Alone, without a name: by its button, and from the list of usernames.
	b.open(surest("prompt", "login"))
	b.accessible("sign-in with passkeys")
	b.press(usePasskey)
	w.answered(b)
	offers()
	b.open(surest("prompt", "login", "state", "offered"))
	b.until("signed in by what was offered", func() bool { return strings.HasPrefix(b.at(), w.app) && strings.Contains(b.at(), "state=offered") })
	b.open(surest("prompt", "none"))
	if got := w.answered(b); got.Get("code") == "" {
		t.Errorf("signed in with a passkey: %v", got)
	}

	// A stolen device, whose finger is another's, signs nobody in.
	b.withoutOffers()
	d.knows(false)
	b.open(surest("prompt", "login"))
	b.do(chromedp.Click(chromedp.CSS(usePasskey), chromedp.NodeVisible))
	b.until("refused", func() bool { return strings.Contains(b.text(), "The passkey could not be used.") })
	b.accessible("sign-in, a passkey that fails")
}
