package authorize

import "github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"

// OpenID Connect Core §3.1.2.1

// readHint verifies the id_token_hint: whom the client believes to be signed
// in. It names a person and lets nobody in, so its age does not matter.
func (e *Endpoint) readHint(r *request) error {
	if r.hint.Empty() {
		return nil
	}
	subject, _, err := e.realm.Tokens.OpenIDHint(r.hint)
	if err != nil {
		return oauth.InvalidRequest("id_token_hint is not an ID token of this server.").WithCause(err)
	}
	r.hintSubject = subject
	return nil
}
