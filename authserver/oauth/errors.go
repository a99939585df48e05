package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error codes. RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 8707 §2,
// RFC 9470 §3, OpenID Connect Core §3.1.2.6.
const (
	CodeInvalidRequest          = "invalid_request"
	CodeInvalidClient           = "invalid_client"
	CodeInvalidGrant            = "invalid_grant"
	CodeInvalidScope            = "invalid_scope"
	CodeInvalidTarget           = "invalid_target"
	CodeInvalidToken            = "invalid_token"
	CodeInsufficientScope       = "insufficient_scope"
	CodeInsufficientUserAuth    = "insufficient_user_authentication"
	CodeUnauthorizedClient      = "unauthorized_client"
	CodeUnsupportedGrantType    = "unsupported_grant_type"
	CodeUnsupportedResponseType = "unsupported_response_type"
	CodeAccessDenied            = "access_denied"
	CodeServerError             = "server_error"
	CodeTemporarilyUnavailable  = "temporarily_unavailable"
	CodeLoginRequired           = "login_required"
	CodeConsentRequired         = "consent_required"
	CodeInteractionRequired     = "interaction_required"
	CodeUnmetAuthRequirements   = "unmet_authentication_requirements"
	CodeRequestNotSupported     = "request_not_supported"
	CodeRequestURINotSupported  = "request_uri_not_supported"
	CodeRegistrationUnsupported = "registration_not_supported"
	CodeMethodNotAllowed        = "method_not_allowed"
	CodeNotFound                = "not_found"
	CodeTooManyRequests         = "too_many_requests"
)

// Error is a protocol failure as a value. Code, Description and Status go to
// the caller; the cause stays in our logs. Descriptions come from fixed texts:
// they never repeat what a stranger sent (PG13).
type Error struct {
	// Code is the RFC's error code.
	Code string
	// Description tells the developer of a client what to change.
	Description string
	// Status is the HTTP status where the error is answered directly.
	Status int
	// RetryAfter, when positive, is sent as Retry-After (429 and 503 answers).
	RetryAfter time.Duration
	// Challenge is the WWW-Authenticate value to send, if any.
	Challenge string
	// Allow is the Allow header of a 405.
	Allow string

	cause error
}

// Error implements error for logs: code, description and cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Description, e.cause)
	}
	return e.Code + ": " + e.Description
}

// Unwrap gives the private cause.
func (e *Error) Unwrap() error { return e.cause }

// WithCause returns a copy that remembers why, for logs only.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// WithChallenge returns a copy that asks for credentials by challenge.
func (e *Error) WithChallenge(challenge string) *Error {
	c := *e
	c.Challenge = challenge
	return &c
}

// NewError makes an Error with the status that the RFC gives its code.
func NewError(code, description string) *Error {
	return &Error{Code: code, Description: description, Status: statusOf(code)}
}

func statusOf(code string) int {
	switch code {
	case CodeInvalidClient, CodeInvalidToken, CodeInsufficientUserAuth:
		return http.StatusUnauthorized
	case CodeInsufficientScope:
		return http.StatusForbidden
	case CodeServerError:
		return http.StatusInternalServerError
	case CodeTemporarilyUnavailable:
		return http.StatusServiceUnavailable
	case CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case CodeNotFound:
		return http.StatusNotFound
	case CodeTooManyRequests:
		return http.StatusTooManyRequests
	default:
		return http.StatusBadRequest
	}
}

// InvalidRequest is a request that is malformed: a parameter is missing,
// repeated, too long or contradicts another one.
func InvalidRequest(description string) *Error { return NewError(CodeInvalidRequest, description) }

// MissingParameter is the InvalidRequest for a parameter that is not there.
// The name is one of ours, never the caller's.
func MissingParameter(name string) *Error {
	return InvalidRequest("Missing parameter, '" + name + "'")
}

// InvalidClient is failed client authentication. One text for every reason,
// so that nobody learns which clients exist (A32).
func InvalidClient() *Error {
	return NewError(CodeInvalidClient, "Client authentication failed")
}

// InvalidGrant is a code, refresh token or password that is not, or no longer,
// good. One text for every reason (RFC 6749 §5.2).
func InvalidGrant() *Error {
	return NewError(CodeInvalidGrant, "The provided access grant is invalid, expired, or revoked.")
}

// InvalidScope is a scope that is malformed, unknown or beyond the client's.
func InvalidScope(description string) *Error { return NewError(CodeInvalidScope, description) }

// InvalidTarget is a resource that the client may not ask for. RFC 8707 §2.
func InvalidTarget() *Error {
	return NewError(CodeInvalidTarget, "The client may not request this resource.")
}

// UnauthorizedClient is a client that may not use what it asked for.
func UnauthorizedClient(description string) *Error {
	return NewError(CodeUnauthorizedClient, description)
}

// MethodNotAllowed is the 405 of an endpoint that takes only these methods.
func MethodNotAllowed(methods ...string) *Error {
	allow := strings.Join(methods, ", ")
	e := NewError(CodeMethodNotAllowed, "Required Method: "+allow)
	e.Allow = allow
	return e
}

// Unavailable is our own failure to decide: the store or a peer cannot be
// reached. It is never the caller's fault and never a verdict on a token.
func Unavailable(cause error) *Error {
	e := NewError(CodeTemporarilyUnavailable, "The server cannot answer right now. Try again shortly.")
	e.RetryAfter = 2 * time.Second
	e.cause = cause
	return e
}

// AsError gives the protocol error within err; anything else is our own fault
// and becomes Unavailable, so that a storage fault is never invalid_grant.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Unavailable(err)
}
