package clientauth

import "github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"

// RFC 6749 §3.2.1

// readNone takes the id by which a public client names itself.
func readNone(form oauth.Form) (credentials, error) {
	if !form.Has("client_id") {
		return credentials{}, refuse(oauth.NewError(oauth.CodeInvalidClient,
			"The request does not say which client sends it: authenticate with the Basic scheme or with client_id and client_secret, or send client_id if the client is public."))
	}
	return credentials{method: oauth.AuthMethodNone, id: form.Get("client_id")}, nil
}
