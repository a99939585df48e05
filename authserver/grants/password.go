package grants

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// RFC 6749 §4.3

type password struct{ *families }

func (*password) Type() string { return oauth.GrantPassword }

func (*password) Parameters() []string {
	return []string{"username", "password", "scope", "resource", "auth_chain"}
}

// Redeem signs a user in with the credentials that the client was told, and
// begins a family that is active from the start. Whatever needs no password
// check is checked before it, since that is what costs.
func (g *password) Redeem(ctx context.Context, req *Request) (*Response, error) {
	scope, err := oauth.RequestedScope(req.Form.Get("scope"), req.Client.Scopes, req.Client.DefaultScopes)
	if err != nil {
		return nil, err
	}
	resources, err := oauth.RequestedResources(req.Form.List("resource"), req.Client.Resources, req.Client.Audience)
	if err != nil {
		return nil, err
	}
	account, subject, err := g.signIn(ctx, req)
	if err != nil {
		return nil, err
	}
	who := g.realm.SignedIn(account, subject, login.AMRPassword)
	grant := store.Grant{
		ID:    token.NewGrantID(req.Now),
		Realm: g.realm.Name, ClientID: req.Client.ID, Type: g.Type(),
		Account: who.Account, Subject: who.Subject,
		Scope: scope, Resources: resources,
		ACR: who.ACR, AMR: who.AMR, AuthTime: req.Now,
		State:   store.GrantActive,
		Created: req.Now,
	}
	g.begin(req.Client, &grant, req.Now)
	response, err := g.mint(ctx, req, grant, scope, resources)
	if err != nil {
		return nil, err
	}
	if grant.Generation > 0 {
		if response.RefreshToken, err = g.mintRefresh(&grant); err != nil {
			return nil, err
		}
	}
	if err := g.realm.Store.CreateGrant(ctx, grant, nil); err != nil {
		return nil, err
	}
	g.realm.Tell(ctx, audit.Record{
		Event: audit.SignIn, Actor: audit.ByUser, ClientID: req.Client.ID, Subject: subject,
		GrantID: grant.ID, GrantType: g.Type(),
	})
	return response, nil
}

// signIn finds the account of the credentials in the service that the request
// or the realm chooses. Unknown users and wrong passwords answer alike (A32).
func (g *password) signIn(ctx context.Context, req *Request) (account login.Account, subject string, err error) {
	form := req.Form
	for _, name := range []string{"username", "password"} {
		if !form.Has(name) {
			return account, "", oauth.MissingParameter(name)
		}
	}
	name, err := g.realm.PasswordService(form.Get("auth_chain"))
	if errors.Is(err, realm.ErrUnknownService) {
		return account, "", oauth.InvalidRequest("auth_chain names no authentication service that this realm has for the password grant.").WithCause(err)
	}
	if err != nil {
		return account, "", err
	}
	account, subject, err = g.realm.SignIn(ctx, realm.Attempt{
		Service: name, Username: form.Get("username"), Password: form.Secret("password"), Alone: true,
		Record: audit.Record{ClientID: req.Client.ID, GrantType: g.Type()},
	})
	switch {
	case errors.Is(err, login.ErrCredentials):
		err = oauth.InvalidGrant().WithCause(err)
	case errors.Is(err, login.ErrLimited):
		err = tooManyAttempts(err)
	}
	return account, subject, err
}

// tooManyAttempts is the answer to who tries too often: the error code is the one
// that every client knows for credentials that were not taken (RFC 6749 §5.2), and
// the status says that to wait is what helps (RFC 6585 §4).
func tooManyAttempts(cause error) error {
	limited := oauth.InvalidGrant().WithCause(cause)
	limited.Description = "There were too many attempts. Wait before the next one."
	limited.Status, limited.RetryAfter = http.StatusTooManyRequests, login.RetryAfter(cause)
	return limited
}
