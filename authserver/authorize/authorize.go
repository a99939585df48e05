package authorize

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// RFC 6749 §3.1

// Endpoint is the authorization endpoint of one realm with its consent page.
type Endpoint struct {
	realm   *realm.Realm
	browser *browser.Browser
}

// New makes the Endpoint of a realm. Its methods answer at the realm's URLs
// "authorize" and "consent"; Errand is what package signin signs people in for.
func New(r *realm.Realm) *Endpoint {
	return &Endpoint{realm: r, browser: browser.New(r)}
}

// Authorize answers an authorization request, or sends the browser to the page
// that has to come first.
func (e *Endpoint) Authorize(w http.ResponseWriter, req *http.Request) {
	form, err := readForm(req)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	r := e.open(w, req, form)
	if r == nil {
		return
	}
	v, err := e.browser.AnyVisitor(req)
	switch {
	case err != nil:
		e.refuse(w, req, r, err)
	case v == browser.Nobody && crossSitePost(req):
		e.goTo(w, "authorize", r)
	// In a POST only: the csrf value is the session, which no URL may hold.
	case v != browser.Nobody && v.Scripted && form.Has("decision") && req.Method == http.MethodPost:
		e.decideScripted(w, req, r, v, form)
	default:
		e.advance(w, req, r, v, false)
	}
}

// readForm takes the parameters from the query of a GET or the body of a POST,
// never from both (A36, PG20).
func readForm(req *http.Request) (oauth.Form, error) {
	switch req.Method {
	case http.MethodGet:
		return oauth.ParseForm(req.URL.RawQuery, "resource")
	case http.MethodPost:
		return wire.ReadForm(req, "resource")
	default:
		return oauth.Form{}, oauth.MethodNotAllowed(http.MethodGet, http.MethodPost)
	}
}

// crossSitePost is a form that a client's page posted here. Browsers leave our
// Lax cookies off such a request and bring them to the GET that follows.
func crossSitePost(req *http.Request) bool {
	site := req.Header.Get("Sec-Fetch-Site")
	return req.Method == http.MethodPost && (site == "cross-site" || site == "same-site")
}

// open reads a request. When it cannot be acted on, open has answered and gives
// nil: with a page as long as the client or its redirect URI is in doubt, with
// an error to the client after that (RFC 6749 §4.1.2.1).
func (e *Endpoint) open(w http.ResponseWriter, req *http.Request, form oauth.Form) *request {
	t, err := e.findTarget(form)
	if err != nil {
		e.fail(w, req, err)
		return nil
	}
	r, err := parseRequest(form, t, e.realm.GrantTypes())
	if err == nil {
		err = cmp.Or(e.readHint(r), r.readAssurance(&e.realm.Settings))
	}
	if err != nil {
		e.respondError(w, req, t, err)
		return nil
	}
	return r
}

func (e *Endpoint) findTarget(form oauth.Form) (target, error) {
	if !form.Has("client_id") {
		return target{}, oauth.MissingParameter("client_id")
	}
	client, ok := e.realm.Client(form.Get("client_id"))
	if !ok {
		return target{}, oauth.InvalidRequest("There is no such client here: check client_id.")
	}
	return parseTarget(form, client)
}

// advance takes the next step of a request.
func (e *Endpoint) advance(w http.ResponseWriter, req *http.Request, r *request, v *browser.Visitor, allowed bool) {
	next, err := e.next(req.Context(), r, v, allowed)
	switch {
	case err != nil:
		e.refuse(w, req, r, err)
	case next == signIn:
		e.goTo(w, "login", r)
	case next == askConsent:
		e.goTo(w, "consent", r)
	default:
		e.answer(w, req, r, v, approval{given: allowed})
	}
}

// next decides on a request with what is remembered of its user.
func (e *Endpoint) next(ctx context.Context, r *request, v *browser.Visitor, allowed bool) (step, error) {
	s := situation{request: r, visitor: v, allowed: allowed, now: e.realm.Now()}
	s.proven = v != browser.Nobody && signin.Proven(e.browser.Forms, r.proof, &v.Session, r.digest(), s.now)
	if v != browser.Nobody && !allowed && !r.client.SkipConsent {
		var err error
		s.remembered, err = e.realm.Store.Consent(ctx, e.realm.Name, v.Session.Subject, r.client.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return signIn, err
		}
	}
	return decide(s)
}

// decideScripted takes the decision that a program sends along with the
// request. Only its session id proves that the program means it: a csrf value
// is of no use to a page that cannot read the session.
func (e *Endpoint) decideScripted(w http.ResponseWriter, req *http.Request, r *request, v *browser.Visitor, form oauth.Form) {
	switch {
	case !form.Secret("csrf").Equal(v.Cookie):
		wire.Error(w, oauth.InvalidRequest("csrf must be the session id that the cookie carries."))
	case !strings.EqualFold(form.Get("decision"), "allow"):
		e.tellDenied(req.Context(), r, v)
		e.respondError(w, req, r.target, denied())
	default:
		e.advance(w, req, r, v, true)
	}
}

// tellDenied tells of a decision that makes no grant.
func (e *Endpoint) tellDenied(ctx context.Context, r *request, v *browser.Visitor) {
	grant := e.newGrant(r, v, approval{}, e.realm.Now())
	grant.ID = ""
	e.realm.Tell(ctx, told(audit.ConsentDenied, &grant))
}

// denied is the answer of a user who says no.
func denied() error {
	return oauth.NewError(oauth.CodeAccessDenied, "Resource Owner did not authorize the request")
}
