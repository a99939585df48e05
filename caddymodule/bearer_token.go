package caddymodule

import (
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6750 §2, RFC 9449 §7.1

var errNotBearer = oauth.InvalidRequest("The Authorization header must be the word Bearer, one space and one token.")

// takeCredentials takes off a request what may be an access token; a second
// bearer_auth finds it in the identity. byWebSocket says that a WebSocket brought
// one as a subprotocol.
func (b *BearerAuth) takeCredentials(r *http.Request, id *identity) (byWebSocket bool) {
	credentials := takeAuthorization(r.Header)
	if b.WebSocketToken && isWebSocket(r) {
		var offered []string
		offered, byWebSocket = takeSubprotocolToken(r.Header)
		credentials = append(credentials, offered...)
	}
	if len(credentials) > 0 {
		id.authorization = credentials
	}
	return byWebSocket
}

// takeAuthorization takes the credentials that are ours off a request and gives
// them back as they stood: the upstream gets none that we did not verify
// (RFC 9700 §4.9.1). One header of another scheme, such as Basic, is not ours
// and stays.
func takeAuthorization(h http.Header) []string {
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

// accessToken reads the token from credentials that were taken off a request, of
// a scheme that the route takes. A token in the query is never used (RFC 9700
// §4.3.2): alone it counts as none, and beside the header it makes the request
// ambiguous.
func (b *BearerAuth) accessToken(credentials []string, r *http.Request) (token oauth.Secret, present bool, err error) {
	if b.DPoP != nil && underDPoP(credentials) {
		return oauth.DPoPCredentials(credentials, r.URL.RawQuery)
	}
	return oauth.BearerCredentials(credentials, r.URL.RawQuery)
}
