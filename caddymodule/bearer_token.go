package caddymodule

import (
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6750 §2

// takeCredentials takes the credentials that are ours off a request and gives
// them back as they stood: the upstream gets none that we did not verify
// (RFC 9700 §4.9.1). One header of another scheme, such as Basic, is not ours
// and stays.
func takeCredentials(h http.Header) []string {
	values := h["Authorization"]
	if len(values) == 1 && !carriesToken(values[0]) {
		return nil
	}
	delete(h, "Authorization")
	return values
}

// carriesToken says whether an Authorization value is, or is meant to be, of a
// scheme for access tokens, however badly it is written.
func carriesToken(value string) bool {
	value = strings.TrimLeft(value, " \t")
	end := 0
	for end < len(value) && foldByte(value[end]) != '-' {
		end++
	}
	scheme := value[:end]
	return scheme == "" || strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")
}

// accessToken reads the token from credentials that were taken off a request.
// A token in the query is never used (RFC 9700 §4.3.2): alone it counts as
// none, and beside the header it makes the request ambiguous.
func accessToken(credentials []string, r *http.Request) (token oauth.Secret, present bool, err error) {
	return oauth.BearerCredentials(credentials, r.URL.RawQuery)
}
