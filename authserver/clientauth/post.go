package clientauth

import "github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"

// RFC 6749 §2.3.1

// readPost takes client_secret_post out of the body.
func readPost(form oauth.Form) (credentials, error) {
	if !form.Has("client_id") {
		return credentials{}, oauth.MissingParameter("client_id")
	}
	return credentials{
		method: oauth.AuthMethodPost,
		id:     form.Get("client_id"),
		secret: form.Secret("client_secret"),
	}, nil
}
