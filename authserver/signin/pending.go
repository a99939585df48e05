package signin

import (
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// pendingLifetime is how long a sign-in may take from its first factor on, or at
// another site.
const pendingLifetime = 10 * time.Minute

// sealPurpose keeps a sign-in apart from what else is sealed.
const sealPurpose = "signin"

// pending is a sign-in that is not complete, as the browser keeps it.
type pending struct {
	// ID is used up when the sign-in is complete, "" until the browser keeps it.
	ID string `json:"n,omitempty"`
	// Browser and Errand are the digests of the cookie for forms and of the errand
	// that it is for: it is good for no other.
	Browser string `json:"b"`
	Errand  string `json:"e"`
	// Account is who is signing in, Subject what they were called at the first
	// factor, AMR what was proven so far.
	Account store.Account `json:"a"`
	Subject string        `json:"s,omitempty"`
	AMR     []string      `json:"m,omitempty"`
	// Since is when, in unix seconds: what was revoked after that ends it.
	Since int64 `json:"t"`
	// Session is the digest of the session that is to become surer, "" for a new
	// sign-in.
	Session string `json:"i,omitempty"`
	// Method is how it began, for the audit log.
	Method string `json:"h,omitempty"`
	// Away is set while the browser is at another site.
	Away *away `json:"w,omitempty"`
}

// away is what has to be known when the browser comes back from another site.
type away struct {
	Service string `json:"s"`
	// Kept is the service's own.
	Kept string `json:"k"`
	// Query is the errand's, for the address that the browser comes back to cannot
	// have it.
	Query string `json:"q"`
	// Again is a sign-in that must not be an old one of the other site.
	Again bool `json:"a,omitempty"`
}

// begin is a sign-in whose first factor was sent at a time, and proven.
func begin(named oauth.Secret, errand *Errand, account login.Account, subject, method string, since time.Time, amr []string) *pending {
	return &pending{
		Browser: browser.Digest(named), Errand: Digest(errand.Query),
		Account: account.Account, Subject: subject, AMR: amr, Since: since.Unix(), Method: method,
	}
}

func (p *pending) since() time.Time { return time.Unix(p.Since, 0) }

// fresh says whether it began in this sign-in.
func (p *pending) fresh() bool { return p.Session == "" }

// add adds what was proven besides: that makes more than one factor.
func (p *pending) add(amr ...string) {
	for _, method := range append(amr, login.AMRMultiple) {
		if !slices.Contains(p.AMR, method) {
			p.AMR = append(p.AMR, method)
		}
	}
}

// keep gives a sign-in to the browser. What is too long is told to the person.
func (e *Endpoint) keep(w http.ResponseWriter, req *http.Request, p *pending) bool {
	if p.ID == "" {
		p.ID = rand.Text()
	}
	sealed, err := e.browser.Forms.Seal(sealPurpose, p, e.realm.Now().Add(pendingLifetime))
	if errors.Is(err, browser.ErrTooLong) {
		err = oauth.InvalidRequest("The request is too long for a sign-in of several steps.").WithCause(err)
	}
	if err != nil {
		e.fail(w, req, err)
		return false
	}
	e.browser.Cookies.Set(w, e.browser.Cookies.SignIn, sealed)
	return true
}

// kept reads the sign-in that a browser keeps, nil when there is none that was
// begun there.
func (e *Endpoint) kept(req *http.Request) (*pending, error) {
	p := new(pending)
	err := e.browser.Forms.Open(sealPurpose, e.browser.Cookies.Read(req, e.browser.Cookies.SignIn), e.realm.Now(), p)
	named := e.browser.Cookies.Read(req, e.browser.Cookies.Form)
	switch {
	case errors.Is(err, browser.ErrSealed):
		return nil, nil
	case err != nil:
		return nil, err
	case named.Empty() || p.Browser != browser.Digest(named):
		return nil, nil
	}
	return p, nil
}

// resume is kept for a step of an errand. It gives nil when it has answered: with
// the beginning of the errand where there is no sign-in for it.
func (e *Endpoint) resume(w http.ResponseWriter, req *http.Request, errand *Errand) *pending {
	p, err := e.kept(req)
	switch {
	case err != nil:
		e.fail(w, req, err)
		return nil
	case p == nil || p.Away != nil || p.Errand != Digest(errand.Query):
		e.restart(w, errand)
		return nil
	}
	return p
}

// forget takes a sign-in that is over from the browser, unless the browser keeps
// that of another errand meanwhile.
func (e *Endpoint) forget(w http.ResponseWriter, req *http.Request, errand *Errand) {
	if p, err := e.kept(req); err == nil && p != nil && p.Errand == Digest(errand.Query) {
		e.browser.Cookies.Remove(w, e.browser.Cookies.SignIn)
	}
}
