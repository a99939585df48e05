package authorize

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// RFC 6749 §10.2, OpenID Connect Core §3.1.2.4

// consentFormLifetime is how long a consent page may be left open (PG9).
const consentFormLifetime = 10 * time.Minute

// Consent shows the consent page of an authorization request, and takes its
// form.
func (e *Endpoint) Consent(w http.ResponseWriter, req *http.Request) {
	r := e.openPage(w, req)
	if r == nil {
		return
	}
	v, err := e.browser.Visitor(req)
	if err != nil {
		e.refuse(w, req, r, err)
		return
	}
	if req.Method == http.MethodGet {
		e.showConsent(w, req, r, v)
	} else {
		e.takeConsent(w, req, r, v)
	}
}

// showConsent asks the user, or sends the browser back when there is no need.
// The form is made for one request, one session and one grant id.
func (e *Endpoint) showConsent(w http.ResponseWriter, req *http.Request, r *request, v *browser.Visitor) {
	next, err := e.next(req.Context(), r, v, false)
	switch {
	case err != nil:
		e.refuse(w, req, r, err)
		return
	case next != askConsent:
		e.goTo(w, "authorize", r)
		return
	}
	now := e.realm.Now()
	claim := consentClaim(v, r)
	claim.ID = token.NewGrantID(now)
	e.realm.Pages.Write(w, e.language(req, r), http.StatusOK, pages.Consent{
		ClientName:     r.client.DisplayName(),
		Account:        v.Account.Username,
		RedirectOrigin: oauth.RedirectOrigin(r.redirectURI),
		Scopes:         r.scope,
		Claims:         r.claims.Beyond(r.scope, v.Account.Claims),
		FormToken:      e.browser.Forms.Issue(claim, now.Add(consentFormLifetime)),
	})
}

func consentClaim(v *browser.Visitor, r *request) pages.FormClaim {
	return pages.FormClaim{Purpose: "consent", Browser: v.Session.Digest, Request: r.digest()}
}

// takeConsent acts on what the user decided. The grant that an allowed form
// creates bears the id in the form, so the store takes each form once.
func (e *Endpoint) takeConsent(w http.ResponseWriter, req *http.Request, r *request, v *browser.Visitor) {
	form, err := e.browser.ReadForm(req)
	switch {
	case err != nil:
		e.fail(w, req, err)
		return
	case v == browser.Nobody:
		// The session ended while the page was open.
		e.goTo(w, "authorize", r)
		return
	}
	id, genuine := e.browser.Forms.Check(form.Secret("form_token"), consentClaim(v, r), e.realm.Now())
	if !genuine {
		e.realm.Pages.Write(w, e.language(req, r), http.StatusForbidden, pages.Failure{Message: pages.FormExpired})
		return
	}
	switch form.Get("decision") {
	case "allow":
		e.allow(w, req, r, v, id)
	case "deny":
		e.deny(w, req, r, v, id)
	default:
		e.fail(w, req, oauth.InvalidRequest("decision must be allow or deny."))
	}
}

// allow answers a request that the user has just agreed to, if nothing else
// has changed meanwhile, and remembers it.
func (e *Endpoint) allow(w http.ResponseWriter, req *http.Request, r *request, v *browser.Visitor, id string) {
	ctx := req.Context()
	next, err := e.next(ctx, r, v, true)
	switch {
	case err != nil:
		e.refuse(w, req, r, err)
		return
	case next != giveAnswer:
		e.goTo(w, "authorize", r)
		return
	}
	e.answer(w, req, r, v, approval{grantID: id, given: true, consent: &store.Consent{
		Realm: e.realm.Name, Subject: v.Session.Subject, ClientID: r.client.ID,
		Scope: r.scope, Resources: r.resources, Updated: e.realm.Now(),
	}})
}

// deny tells the client that the user said no. That uses the form up, too: the
// row of a grant that was over from the start keeps it from being sent again
// with another decision (PG9).
func (e *Endpoint) deny(w http.ResponseWriter, req *http.Request, r *request, v *browser.Visitor, id string) {
	ctx, now := req.Context(), e.realm.Now()
	grant := e.newGrant(r, v, approval{grantID: id}, now)
	grant.Type, grant.State, grant.PurgeAt = oauth.GrantAuthorizationCode, store.GrantRevoked, purgeAt(0, now)
	if err := e.realm.Store.CreateGrant(ctx, grant, nil); err != nil {
		if !e.usedForm(w, req, r, err) {
			e.refuse(w, req, r, err)
		}
		return
	}
	e.realm.Tell(ctx, told(audit.ConsentDenied, &grant))
	e.respondError(w, req, r.target, denied())
}

// usedForm is told to whoever sends a consent form twice (PG10).
func (e *Endpoint) usedForm(w http.ResponseWriter, req *http.Request, r *request, err error) bool {
	if !errors.Is(err, store.ErrExists) {
		return false
	}
	e.realm.Pages.Write(w, e.language(req, r), http.StatusConflict, pages.Failure{Message: pages.FormUsed})
	return true
}
