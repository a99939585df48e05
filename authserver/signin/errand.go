package signin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Errand is what somebody signs in for.
type Errand struct {
	// Query names the errand in the address of each page, which reads it again. It
	// is in the one form that its reader would write it in.
	Query string
	// ClientID and ClientName are of the client that waits, "" for ourselves.
	ClientID, ClientName string
	// FormTarget is the origin that the browser may be sent on to in the end, "" for
	// ours.
	FormTarget string
	// Hint is the username that is expected, Locales the languages that were asked
	// for (ui_locales); "" when neither was.
	Hint, Locales string
	// Again asks for a sign-in even of somebody who is signed in.
	Again bool
	// MaxAge is how long ago a sign-in may be, negative for any time.
	MaxAge time.Duration
	// Least is how sure the sign-in must be. Preferred are the levels that would be
	// welcome, the best first: the first that the account can reach is asked for.
	Least     login.Level
	Preferred []login.Level
	// Concerns says whether the errand may be run for a subject.
	Concerns func(subject string) bool
	// Done is where the browser goes afterwards. Prove gave the proof; without one
	// it is where the errand begins anew.
	Done func(proof oauth.Secret) string
	// Refuse tells whoever waits that nobody signs in.
	Refuse func(w http.ResponseWriter, req *http.Request, err error)
}

// Opener reads the errand of a query. When there is none it has answered, and
// gives nil.
type Opener func(w http.ResponseWriter, req *http.Request, query string) *Errand

// Digest names an errand by its query, in form tokens.
func Digest(query string) string {
	sum := sha256.Sum256([]byte(query))
	return hex.EncodeToString(sum[:])
}

// errand reads what a page of ours was opened for; nil when that is answered.
func (e *Endpoint) errand(w http.ResponseWriter, req *http.Request) *Errand {
	if req.Method != http.MethodGet && req.Method != http.MethodPost {
		e.fail(w, req, oauth.MethodNotAllowed(http.MethodGet, http.MethodPost))
		return nil
	}
	return e.read(w, req, req.URL.RawQuery)
}

func (e *Endpoint) read(w http.ResponseWriter, req *http.Request, query string) *Errand {
	form, err := oauth.ParseForm(query, "resource")
	if err != nil {
		e.fail(w, req, err)
		return nil
	}
	if form.Get("page") == accountPage {
		return e.accountErrand(form)
	}
	return e.open(w, req, query)
}

// accountPage is the value of page in the query of a sign-in for the account page:
// login?page=account, with prompt=login for somebody who is to sign in again.
const accountPage = "account"

func (e *Endpoint) accountErrand(form oauth.Form) *Errand {
	if form.Get("prompt") != "login" {
		form = form.With("prompt", "")
	}
	return &Errand{
		Query:    form.Encode("page", "prompt", "ui_locales"),
		Locales:  form.Get("ui_locales"),
		Again:    form.Has("prompt"),
		MaxAge:   -1,
		Least:    e.realm.LeastLevel(),
		Concerns: func(string) bool { return true },
		Done:     func(oauth.Secret) string { return e.realm.URL("account") },
		Refuse:   e.fail,
	}
}

// goTo sends the browser to a step of ours.
func (e *Endpoint) goTo(w http.ResponseWriter, step string, errand *Errand) {
	browser.SeeOther(w, e.realm.URL(step)+"?"+errand.Query)
}

// restart sends the browser to where the errand begins anew: its sign-in is over,
// was for something else, or is complete already.
func (e *Endpoint) restart(w http.ResponseWriter, errand *Errand) {
	browser.SeeOther(w, errand.Done(oauth.Secret{}))
}
