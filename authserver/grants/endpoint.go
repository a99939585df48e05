package grants

import (
	"context"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// RFC 6749 §3.2 and §5, RFC 8707 §2.2

// unknown is what a request is counted as whose grant type is not one of ours:
// metrics never bear a stranger's text.
const unknown = "unknown"

type endpoint struct {
	realm  *realm.Realm
	grants map[string]Grant
}

// New is the token endpoint of a realm.
func New(r *realm.Realm) http.Handler {
	shared := &families{realm: r}
	e := &endpoint{realm: r, grants: map[string]Grant{}}
	for _, grant := range []Grant{
		&authorizationCode{shared},
		&clientCredentials{r},
		&password{shared},
		&refreshToken{shared},
	} {
		e.grants[grant.Type()] = grant
	}
	return e
}

// ServeHTTP answers one token request and counts the answer.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := e.realm.Now()
	grantType, response, err := e.redeem(r, now)
	if err != nil {
		e.refuse(r.Context(), w, grantType, err)
		return
	}
	e.realm.Observer.TokenAnswered(e.realm.Name, grantType, "ok")
	e.realm.Tell(r.Context(), response.Record)
	wire.JSON(w, http.StatusOK, response.document(now))
}

// redeem is the pipeline. The client proves who it is before it learns anything
// about grants; a parameter that the grant does not declare has no effect.
func (e *endpoint) redeem(r *http.Request, now time.Time) (grantType string, response *Response, err error) {
	form, err := wire.ReadForm(r, "resource")
	if err != nil {
		return unknown, nil, err
	}
	grant, known := e.grants[form.Get("grant_type")]
	grantType = unknown
	if known {
		grantType = grant.Type()
	}
	client, err := e.realm.Authenticate(r.Context(), r.Header, form, grantType)
	if err != nil {
		return grantType, nil, err
	}
	switch {
	case !form.Has("grant_type"):
		return grantType, nil, oauth.InvalidRequest("Grant type is not set")
	case !known || !e.realm.AllowsGrantType(grantType):
		return grantType, nil, oauth.NewError(oauth.CodeUnsupportedGrantType, "Grant type is not supported")
	case !client.Allows(grantType):
		return grantType, nil, oauth.UnauthorizedClient("The client is not registered for this grant type.")
	}
	giveBack, err := e.realm.Admit(client, now)
	if err != nil {
		return grantType, nil, err
	}
	response, err = grant.Redeem(r.Context(), &Request{
		Client: client,
		Form:   form.Keep(grant.Parameters()...),
		Now:    now,
	})
	if err != nil {
		giveBack()
	}
	return grantType, response, err
}

// refuse writes and counts an error, and tells the operator of a fault of ours.
func (e *endpoint) refuse(ctx context.Context, w http.ResponseWriter, grantType string, err error) {
	answer := oauth.AsError(err)
	e.realm.Observer.TokenAnswered(e.realm.Name, grantType, answer.Code)
	e.realm.Fault(ctx, "access_token", err)
	wire.Error(w, answer)
}
