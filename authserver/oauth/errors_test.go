package oauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// The statuses are those of RFC 6749 §5.2, RFC 6750 §3.1 and OpenID Connect.
func TestErrorStatus(t *testing.T) {
	for _, test := range []struct {
		err    *oauth.Error
		code   string
		status int
	}{
		{oauth.InvalidRequest("x"), "invalid_request", http.StatusBadRequest},
		{oauth.MissingParameter("code"), "invalid_request", http.StatusBadRequest},
		{oauth.InvalidClient(), "invalid_client", http.StatusUnauthorized},
		{oauth.InvalidGrant(), "invalid_grant", http.StatusBadRequest},
		{oauth.InvalidScope("x"), "invalid_scope", http.StatusBadRequest},
		{oauth.InvalidTarget(), "invalid_target", http.StatusBadRequest},
		{oauth.UnauthorizedClient("x"), "unauthorized_client", http.StatusBadRequest},
		{oauth.NewError(oauth.CodeUnsupportedGrantType, "x"), "unsupported_grant_type", http.StatusBadRequest},
		{oauth.NewError(oauth.CodeInvalidToken, "x"), "invalid_token", http.StatusUnauthorized},
		{oauth.NewError(oauth.CodeInsufficientScope, "x"), "insufficient_scope", http.StatusForbidden},
		{oauth.NewError(oauth.CodeInsufficientUserAuth, "x"), "insufficient_user_authentication", http.StatusUnauthorized},
		{oauth.NewError(oauth.CodeAccessDenied, "x"), "access_denied", http.StatusBadRequest},
		{oauth.NewError(oauth.CodeServerError, "x"), "server_error", http.StatusInternalServerError},
		{oauth.NewError(oauth.CodeNotFound, "x"), "not_found", http.StatusNotFound},
		{oauth.MethodNotAllowed(http.MethodPost), "method_not_allowed", http.StatusMethodNotAllowed},
		{oauth.Unavailable(errors.New("x")), "temporarily_unavailable", http.StatusServiceUnavailable},
	} {
		if test.err.Code != test.code || test.err.Status != test.status || test.err.Description == "" {
			t.Errorf("%#v, want %s with %d and a description", test.err, test.code, test.status)
		}
	}
	if e := oauth.MethodNotAllowed(http.MethodGet, http.MethodHead); e.Allow != "GET, HEAD" {
		t.Errorf("Allow: %q", e.Allow)
	}
	if e := oauth.MissingParameter("username"); e.Description != "Missing parameter, 'username'" {
		t.Errorf("description %q", e.Description)
	}
}

func TestAS61_AnyOtherErrorIsOurFault(t *testing.T) {
	disk := errors.New("disk full")
	e := oauth.AsError(fmt.Errorf("writing: %w", disk))
	if e.Status != http.StatusServiceUnavailable || e.RetryAfter <= 0 || !errors.Is(e, disk) {
		t.Errorf("got %#v", e)
	}
	if strings.Contains(e.Description, "disk") {
		t.Errorf("the caller is told %q", e.Description)
	}
	grant := oauth.InvalidGrant().WithCause(disk)
	if got := oauth.AsError(fmt.Errorf("redeeming: %w", grant)); got != grant {
		t.Errorf("a protocol error became %#v", got)
	}
}

func TestErrorCopies(t *testing.T) {
	cause := errors.New("the grant is revoked")
	plain := oauth.InvalidGrant()
	full := plain.WithCause(cause).WithChallenge("Basic")
	if errors.Is(plain, cause) || plain.Challenge != "" {
		t.Errorf("the original changed: %#v", plain)
	}
	if !errors.Is(full, cause) || full.Challenge != "Basic" || full.Code != plain.Code {
		t.Errorf("the copy is %#v", full)
	}
	if !strings.Contains(full.Error(), "revoked") || strings.Contains(full.Description, "revoked by") {
		t.Errorf("logs read %q, callers %q", full.Error(), full.Description)
	}
	if plain.Error() != plain.Code+": "+plain.Description {
		t.Errorf("without a cause it reads %q", plain.Error())
	}
}
