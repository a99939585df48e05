package endpoint

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// ForgeRock AM, /json/authenticate with X-OpenAM-Username and X-OpenAM-Password

// signedIn is the answer to a sign-in. The session is in the document, never in
// a cookie: it works only where its holder puts it.
type signedIn struct {
	TokenID    string `json:"tokenId"`
	SuccessURL string `json:"successUrl"`
	Realm      string `json:"realm"`
}

// amError is AM's error document, and an error with it.
type amError struct {
	Code    int       `json:"code"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Detail  *amDetail `json:"detail,omitempty"`
}

type amDetail struct {
	FailureURL string `json:"failureUrl"`
}

// amErrorV1 is the failed sign-in of resource version 1.
type amErrorV1 struct {
	Message    string `json:"errorMessage"`
	FailureURL string `json:"failureUrl"`
}

func (e *amError) Error() string { return e.Message }

func refusal(status int, message string) *amError {
	return &amError{Code: status, Reason: http.StatusText(status), Message: message}
}

var errAuthentication = &amError{
	Code: http.StatusUnauthorized, Reason: http.StatusText(http.StatusUnauthorized),
	Message: "Authentication Failed", Detail: &amDetail{},
}

// JSONAuthenticate signs a user of the realm's default service in by two
// headers and hands out a session of its own kind: no browser can use it, and
// browsers are not answered, so that no page can try passwords through one.
// There are no callbacks to fill in: both headers must come with the request.
func JSONAuthenticate(r *realm.Realm) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		version, err := readAPIVersion(req.Header)
		if err == nil {
			w.Header().Set("Content-API-Version", version.String())
			err = checkAuthenticate(req)
		}
		var answer signedIn
		if err == nil {
			answer, err = signIn(r, req)
		}
		if err != nil {
			writeAMError(w, req, r, version, err)
			return
		}
		wire.JSON(w, http.StatusOK, answer)
	})
}

func readAPIVersion(header http.Header) (apiVersion, error) {
	version, err := parseAPIVersion(header.Values("Accept-API-Version"))
	var unroutable *unroutableVersion
	switch {
	case errors.As(err, &unroutable):
		return version, refusal(http.StatusNotFound, `Accept-API-Version: Requested version "`+unroutable.version+`" does not match any routes.`)
	case err != nil:
		return version, refusal(http.StatusBadRequest, "Accept-API-Version must look like: resource=2.0, protocol=1.0")
	}
	return version, nil
}

// checkAuthenticate refuses what is not a plain request of a program. The body
// is never read: it could only answer callbacks.
func checkAuthenticate(req *http.Request) error {
	if req.Method != http.MethodPost {
		return refusal(http.StatusMethodNotAllowed, "Required Method: POST")
	}
	for name := range req.Header {
		if name == "Origin" || name == "Referer" || strings.HasPrefix(name, "Sec-Fetch-") {
			return refusal(http.StatusForbidden, "This endpoint does not answer browsers.")
		}
	}
	mediaType, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	empty := req.Header.Get("Content-Type") == "" && req.ContentLength == 0
	if !empty && (err != nil || mediaType != "application/json") {
		return refusal(http.StatusUnsupportedMediaType, "Content-Type must be application/json.")
	}
	query, err := oauth.ParseForm(req.URL.RawQuery)
	if err != nil || !query.Only("realm") {
		return refusal(http.StatusBadRequest, "No query parameter but realm is supported: the realm's default service signs in.")
	}
	return nil
}

func signIn(r *realm.Realm, req *http.Request) (signedIn, error) {
	username, okName := amHeader(req.Header, "X-OpenAM-Username")
	text, okPassword := amHeader(req.Header, "X-OpenAM-Password")
	if !okName || !okPassword {
		return signedIn{}, refusal(http.StatusBadRequest, "Send the headers X-OpenAM-Username and X-OpenAM-Password, once each; callbacks are not supported.")
	}
	// What ends the account while its password is looked at ends the session, too.
	sent := r.Now()
	account, subject, err := r.SignIn(req.Context(), realm.Attempt{
		Service: r.DefaultService, Username: username, Password: oauth.NewSecret(text), Alone: true,
	})
	if errors.Is(err, login.ErrCredentials) {
		return signedIn{}, errAuthentication
	}
	if errors.Is(err, login.ErrLimited) {
		limited := oauth.NewError(oauth.CodeTooManyRequests, "There were too many attempts. Wait before the next one.")
		limited.RetryAfter = login.RetryAfter(err)
		err = limited.WithCause(err)
	}
	if err != nil {
		return signedIn{}, err
	}
	cookie, session, err := r.Sessions.Start(req.Context(), store.SessionJSON, r.SignedIn(account, subject, login.AMRPassword), oauth.Secret{}, sent)
	if err != nil {
		return signedIn{}, err
	}
	r.Tell(req.Context(), audit.Record{
		Event: audit.SignIn, Actor: audit.ByUser, Subject: subject, SessionID: session.ID,
		Details: audit.Details{{Key: audit.Method, Value: "json_authenticate"}},
	})
	return signedIn{TokenID: cookie.Reveal(), SuccessURL: r.Issuer, Realm: r.Name}, nil
}

// amHeader reads a header that is there once, as it is or as one RFC 2047
// encoded word, which is how text beyond ASCII travels.
func amHeader(header http.Header, name string) (string, bool) {
	values := header.Values(name)
	if len(values) != 1 || values[0] == "" || len(values[0]) > oauth.MaxCredentialBytes {
		return "", false
	}
	text := values[0]
	if strings.HasPrefix(text, "=?") && strings.HasSuffix(text, "?=") {
		decoded, err := new(mime.WordDecoder).Decode(text)
		if err != nil {
			return "", false
		}
		text = decoded
	}
	return text, text != "" && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

func writeAMError(w http.ResponseWriter, req *http.Request, r *realm.Realm, version apiVersion, err error) {
	var refused *amError
	if !errors.As(err, &refused) {
		r.Fault(req.Context(), "json/authenticate", err)
		fault := oauth.AsError(err)
		refused = refusal(fault.Status, fault.Description)
		wire.RetryAfter(w.Header(), fault.RetryAfter)
	}
	if refused.Code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if refused.Code == http.StatusUnauthorized && version.legacy() {
		wire.JSON(w, refused.Code, amErrorV1{Message: refused.Message})
		return
	}
	wire.JSON(w, refused.Code, refused)
}
