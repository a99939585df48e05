package introspect

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// RFC 7662 §2.3, RFC 9110 §10.2.3

// errOneToken is a fault that speaks of one token and not of the endpoint.
var errOneToken = errors.New("the endpoint cannot describe this token")

func isFault(err error) bool {
	var fault *Unavailable
	return errors.As(err, &fault)
}

// aboutToken says whether an endpoint failed on this one request: it is up, and a
// stranger who sends what it does not like must not open the breaker for all.
func aboutToken(err error) bool {
	if errors.Is(err, errOneToken) {
		return true
	}
	var status *statusError
	if !errors.As(err, &status) || status.code < 400 || status.code > 499 {
		return false
	}
	switch status.code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return true
}

// askedForRest reads the Retry-After of an endpoint that is overrun or down for
// a moment, as a time from now; 0 for none.
func askedForRest(err error, now time.Time) time.Duration {
	var status *statusError
	if !errors.As(err, &status) || status.code != http.StatusTooManyRequests && status.code != http.StatusServiceUnavailable {
		return 0
	}
	if seconds, err := strconv.ParseUint(status.retryAfter, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(status.retryAfter); err == nil {
		return at.Sub(now)
	}
	return 0
}

// advise turns the refusal of our own credentials, and an answer in another
// format than the settings ask for, into advice: it is our configuration that is
// wrong, or the endpoint's, and not the caller's token (RFC 7662 §2.3).
func (f *Foreign) advise(err error) error {
	var status *statusError
	switch errors.As(err, &status); {
	case status != nil && (status.code == http.StatusUnauthorized || status.code == http.StatusForbidden):
		return fmt.Errorf("introspection: the endpoint refuses our client (%w): check %s in the configuration of this issuer, and that it may introspect", err, f.credentials())
	case status != nil && status.code == http.StatusBadRequest:
		return fmt.Errorf("introspection: %w: some servers say so when they do not know the client, or not by auth %s", err, f.method())
	case errors.Is(err, errMediaType) && f.SignedResponse:
		return fmt.Errorf("introspection: %w: switch signed introspection answers on for our client over there, or take signed_response away", err)
	}
	return fmt.Errorf("introspection: %w", err)
}
