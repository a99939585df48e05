package authorize

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

// RFC 6749 §4.1.2 and §4.2.2, RFC 9207 §2
// OAuth 2.0 Multiple Response Types §2.1

// respond sends parameters to the client, with its state and with our issuer,
// by which it tells our answers from those of another server (AS11).
func (e *Endpoint) respond(w http.ResponseWriter, req *http.Request, t target, parameters [][2]string) {
	if t.state != "" {
		parameters = append(parameters, [2]string{"state", t.state})
	}
	parameters = append(parameters, [2]string{"iss", e.realm.Issuer})
	if t.mode == oauth.ResponseModeFormPost {
		e.realm.Pages.Write(w, e.browser.Language(req), http.StatusOK, pages.FormPost{RedirectURI: t.redirectURI, Parameters: parameters})
		return
	}
	browser.SeeOther(w, locate(t, parameters))
}

// locate adds parameters to the redirect URI, whose own query stays as it is
// (RFC 6749 §3.1.2).
func locate(t target, parameters [][2]string) string {
	var b strings.Builder
	b.WriteString(t.redirectURI)
	separator := "?"
	switch {
	case t.mode == oauth.ResponseModeFragment:
		separator = "#"
	case strings.Contains(t.redirectURI, "?"):
		separator = "&"
	}
	for _, p := range parameters {
		b.WriteString(separator)
		b.WriteString(url.QueryEscape(p[0]))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p[1]))
		separator = "&"
	}
	return b.String()
}

// goTo sends the browser to another step of ours.
func (e *Endpoint) goTo(w http.ResponseWriter, step string, r *request) {
	browser.SeeOther(w, e.address(step, r))
}

// address is that of a step of a request.
func (e *Endpoint) address(step string, r *request) string {
	address := e.realm.URL(step) + "?" + r.encode()
	if !r.proof.Empty() {
		address += "&" + proofParameter + "=" + url.QueryEscape(r.proof.Reveal())
	}
	return address
}

// refuse tells the client of an error. Our own faults are told to the person
// instead, who can try again, unless the client wants no page at all (PG19).
func (e *Endpoint) refuse(w http.ResponseWriter, req *http.Request, r *request, err error) {
	if oauth.AsError(err).Status >= http.StatusInternalServerError && !r.prompts(promptNone) {
		e.fail(w, req, err)
		return
	}
	e.realm.Fault(req.Context(), "authorize", err)
	e.respondError(w, req, r.target, err)
}

// respondError sends an error to the client.
func (e *Endpoint) respondError(w http.ResponseWriter, req *http.Request, t target, err error) {
	answer := oauth.AsError(err)
	e.respond(w, req, t, [][2]string{{"error", answer.Code}, {"error_description", answer.Description}})
}

// fail shows the person a page: the request names no client or redirect URI to
// answer to, or we cannot answer now.
func (e *Endpoint) fail(w http.ResponseWriter, req *http.Request, err error) {
	e.browser.Fail(w, req, "authorize", err)
}
