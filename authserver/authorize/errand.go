package authorize

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
)

// Errand is the authorization request of a query as something that people sign in
// for. It is a signin.Opener.
func (e *Endpoint) Errand(w http.ResponseWriter, req *http.Request, query string) *signin.Errand {
	r := e.openQuery(w, req, query)
	if r == nil {
		return nil
	}
	return &signin.Errand{
		Query:      r.encode(),
		ClientID:   r.client.ID,
		ClientName: r.client.DisplayName(),
		FormTarget: oauth.RedirectOrigin(r.redirectURI),
		Hint:       r.loginHint,
		Locales:    r.form.Get("ui_locales"),
		Again:      r.prompts(promptLogin) || r.prompts(promptSelectAccount),
		MaxAge:     r.maxAge,
		Least:      r.least,
		Preferred:  r.preferred,
		Concerns:   r.concerns,
		Done: func(proof oauth.Secret) string {
			r.proof = proof
			return e.address("authorize", r)
		},
		Refuse: func(w http.ResponseWriter, req *http.Request, err error) { e.respondError(w, req, r.target, err) },
	}
}

// openPage reads the authorization request in the address of a page of ours.
// When there is no page to show, it has answered and gives nil.
func (e *Endpoint) openPage(w http.ResponseWriter, req *http.Request) *request {
	if req.Method != http.MethodGet && req.Method != http.MethodPost {
		e.fail(w, req, oauth.MethodNotAllowed(http.MethodGet, http.MethodPost))
		return nil
	}
	return e.openQuery(w, req, req.URL.RawQuery)
}

// openQuery is open for a query. A request that wants no page gets none.
func (e *Endpoint) openQuery(w http.ResponseWriter, req *http.Request, query string) *request {
	form, err := oauth.ParseForm(query, "resource")
	if err != nil {
		e.fail(w, req, err)
		return nil
	}
	r := e.open(w, req, form)
	if r != nil && r.prompts(promptNone) {
		e.goTo(w, "authorize", r)
		return nil
	}
	return r
}

// language is the one that the pages of a request speak.
func (e *Endpoint) language(req *http.Request, r *request) pages.Language {
	return e.realm.Pages.Language(r.form.Get("ui_locales"), req.Header)
}
