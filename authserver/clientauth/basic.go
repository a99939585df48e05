package clientauth

import "github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"

// RFC 6749 §2.3.1, RFC 7617

// readBasic takes client_secret_basic out of the Authorization header. The body
// may repeat the client's id, not contradict it (A29).
func readBasic(authorization string, form oauth.Form) (credentials, error) {
	id, secret, ok, err := oauth.ParseBasic(authorization)
	if err != nil {
		// Malformed credentials are failed ones: 401 and a challenge, as RFC 6749
		// §5.2 has it for the Authorization header (A27).
		return credentials{}, refuse(oauth.NewError(oauth.CodeInvalidClient, oauth.AsError(err).Description))
	}
	if !ok {
		return credentials{}, refuse(oauth.NewError(oauth.CodeInvalidClient,
			"The Authorization header must use the Basic scheme to authenticate a client."))
	}
	if form.Has("client_id") && form.Get("client_id") != id {
		return credentials{}, refuse(oauth.NewError(oauth.CodeInvalidClient,
			"client_id and the Authorization header name different clients."))
	}
	return credentials{method: oauth.AuthMethodBasic, id: id, secret: secret}, nil
}
