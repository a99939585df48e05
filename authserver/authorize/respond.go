package authorize

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// RFC 6749 §4.1.2 and §4.2.2, RFC 9207 §2
// OAuth 2.0 Multiple Response Types §2.1

// respond sends parameters to the client, with its state and with our issuer,
// by which it tells our answers from those of another server (AS11).
func (e *Endpoint) respond(w http.ResponseWriter, t target, parameters [][2]string) {
	if t.state != "" {
		parameters = append(parameters, [2]string{"state", t.state})
	}
	parameters = append(parameters, [2]string{"iss", e.realm.Issuer})
	if t.mode == oauth.ResponseModeFormPost {
		e.realm.Pages.Write(w, e.realm.Pages.Language("", nil), http.StatusOK, pages.FormPost{RedirectURI: t.redirectURI, Parameters: parameters})
		return
	}
	seeOther(w, locate(t, parameters))
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

// seeOther sends the browser on with a GET. 303 is the one status that never
// makes it repeat a POST, password and all, to someone else (RFC 9700 §4.12).
func seeOther(w http.ResponseWriter, location string) {
	wire.NoStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// goTo sends the browser to another step of ours.
func (e *Endpoint) goTo(w http.ResponseWriter, step, query string) {
	seeOther(w, e.realm.URL(step)+"?"+query)
}

// refuse tells the client of an error. Our own faults are told to the person
// instead, who can try again, unless the client wants no page at all (PG19).
func (e *Endpoint) refuse(ctx context.Context, w http.ResponseWriter, r *request, err error) {
	if oauth.AsError(err).Status >= http.StatusInternalServerError && !r.prompts(promptNone) {
		e.fail(ctx, w, err)
		return
	}
	e.realm.Fault(ctx, "authorize", err)
	e.respondError(w, r.target, err)
}

// respondError sends an error to the client.
func (e *Endpoint) respondError(w http.ResponseWriter, t target, err error) {
	answer := oauth.AsError(err)
	e.respond(w, t, [][2]string{{"error", answer.Code}, {"error_description", answer.Description}})
}

// fail shows the person a page: the request names no client or redirect URI to
// answer to, or we cannot answer now.
func (e *Endpoint) fail(ctx context.Context, w http.ResponseWriter, err error) {
	e.realm.Fault(ctx, "authorize", err)
	answer := oauth.AsError(err)
	message := pages.CannotAnswer
	if answer.Status >= http.StatusInternalServerError {
		message = pages.TryAgain
	}
	if answer.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(answer.RetryAfter.Seconds())))
	}
	if answer.Allow != "" {
		w.Header().Set("Allow", answer.Allow)
	}
	e.realm.Pages.Write(w, e.realm.Pages.Language("", nil), answer.Status, pages.Failure{Message: message, Detail: answer.Description})
}
