package wire

import (
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// ReadForm reads the body of a POST as the one place for parameters: of the
// form type, within its bound, nothing repeated. A query is refused, since
// credentials in it end up in logs (RFC 6749 §2.3.1); the realm parameter of
// the routing layer is the only one that may stand there.
func ReadForm(r *http.Request, repeatable ...string) (oauth.Form, error) {
	if r.Method != http.MethodPost {
		return oauth.Form{}, oauth.MethodNotAllowed(http.MethodPost)
	}
	query, err := oauth.ParseForm(r.URL.RawQuery)
	if err != nil {
		return oauth.Form{}, err
	}
	if !query.Only("realm") {
		return oauth.Form{}, oauth.InvalidRequest("Send the parameters in the body, not in the URL.")
	}
	return ReadBody(r, repeatable...)
}

const formType = "application/x-www-form-urlencoded"

func isForm(contentType string) bool {
	if contentType == formType {
		return true // as nearly everybody writes it
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == formType
}

// ReadBody reads a form body, whatever the query says.
func ReadBody(r *http.Request, repeatable ...string) (oauth.Form, error) {
	if !isForm(r.Header.Get("Content-Type")) || len(r.Header.Values("Content-Type")) > 1 {
		return oauth.Form{}, oauth.InvalidRequest("Send the parameters as application/x-www-form-urlencoded.")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return oauth.Form{}, oauth.InvalidRequest("Send the body without a Content-Encoding.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, oauth.MaxFormBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		e := oauth.InvalidRequest("The request is too large.")
		e.Status = http.StatusRequestEntityTooLarge
		return oauth.Form{}, e
	}
	if err != nil {
		return oauth.Form{}, oauth.InvalidRequest("The body could not be read.").WithCause(err)
	}
	return oauth.ParseForm(string(body), repeatable...)
}
