package authorize

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// RFC 6749 §4.1.2 and §4.2.2
// OpenID Connect Core §3.2.2.5

// approval is what a consent form adds to the grant that it creates; empty when
// the user did not have to be asked.
type approval struct {
	grantID string
	consent *store.Consent
	// given says that the user has agreed just now, remembered or not.
	given bool
}

// answer creates the grant and sends the client what it asked for: a code, or
// tokens. Nothing leaves before the grant is stored.
func (e *Endpoint) answer(w http.ResponseWriter, req *http.Request, r *request, v *browser.Visitor, a approval) {
	ctx, now := req.Context(), e.realm.Now()
	grant := e.newGrant(r, v, a, now)
	issue := e.issueCode
	if r.responseType != oauth.ResponseTypeCode {
		issue = e.issueTokens
	}
	parameters, err := issue(ctx, r, &grant, now)
	// A client that wants to hear of the end of the session is known by its grant.
	if r.client.LogoutURI != "" && v.Session.Expires.After(grant.PurgeAt) {
		grant.PurgeAt = v.Session.Expires
	}
	if err == nil {
		err = e.realm.Store.CreateGrant(ctx, grant, a.consent)
	}
	if err != nil {
		if !e.usedForm(w, req, r, err) {
			e.refuse(w, req, r, err)
		}
		return
	}
	if a.given {
		e.realm.Tell(ctx, told(audit.ConsentGiven, &grant))
	}
	if grant.Type == oauth.GrantImplicit {
		e.realm.Observer.TokenAnswered(e.realm.Name, oauth.GrantImplicit, "ok")
		e.realm.Tell(ctx, told(audit.TokenIssued, &grant))
	} else {
		e.realm.Tell(ctx, told(audit.CodeIssued, &grant))
	}
	e.respond(w, req, r.target, parameters)
}

// told is the record of what a user did for a client.
func told(event audit.Event, grant *store.Grant) audit.Record {
	return audit.Record{
		Event: event, Actor: audit.ByUser, ClientID: grant.ClientID, Subject: grant.Subject,
		GrantID: grant.ID, SessionID: grant.SessionID, GrantType: grant.Type, Scope: grant.Scope.String(),
	}
}

// newGrant is the grant of a request by a visitor.
func (e *Endpoint) newGrant(r *request, v *browser.Visitor, a approval, now time.Time) store.Grant {
	id := a.grantID
	if id == "" {
		id = token.NewGrantID(now)
	}
	return store.Grant{
		ID: id, Realm: e.realm.Name, ClientID: r.client.ID,
		Account: v.Session.Account, Subject: v.Session.Subject, SessionID: v.Session.ID,
		Scope: r.scope, Resources: r.resources,
		RedirectURI: r.redirectURI, RedirectURISent: r.named, CodeChallenge: r.challenge,
		Nonce: r.nonce, Claims: r.claims.Known(v.Account.Claims).Encode(),
		ACR: r.acr(&v.Session), AMR: v.Session.AMR, AuthTime: v.Session.AuthTime,
		Created: now,
	}
}

// issueCode gives the grant a code to be redeemed.
func (e *Endpoint) issueCode(_ context.Context, r *request, grant *store.Grant, now time.Time) ([][2]string, error) {
	code, hash := e.realm.Tokens.NewCode(grant.ID)
	grant.Type, grant.State = oauth.GrantAuthorizationCode, store.GrantPending
	grant.CodeHash, grant.CodeExpires = hash, now.Add(r.client.CodeLifetime)
	grant.PurgeAt = purgeAt(r.client.CodeLifetime, now)
	return [][2]string{{"code", code.Reveal()}}, nil
}

// issueTokens makes the tokens of the implicit grant. They name the grant, so
// that it can end them.
func (e *Endpoint) issueTokens(ctx context.Context, r *request, grant *store.Grant, now time.Time) (parameters [][2]string, err error) {
	grant.Type, grant.State = oauth.GrantImplicit, store.GrantActive
	grant.PurgeAt = purgeAt(r.client.AccessTokenLifetime, now)
	var access oauth.Secret
	if r.wantsToken() {
		var said token.Access
		if access, said, err = e.realm.AccessFor(r.client, grant, grant.Scope, now); err != nil {
			return nil, err
		}
		parameters = append(parameters,
			[2]string{"access_token", access.Reveal()},
			[2]string{"token_type", "Bearer"},
			[2]string{"expires_in", strconv.FormatInt(int64(said.Expires.Sub(now)/time.Second), 10)},
			[2]string{"scope", grant.Scope.String()})
	}
	if r.wantsIDToken() {
		id, err := e.realm.IDFor(ctx, r.client, grant, access, oauth.Secret{}, !r.wantsToken(), now)
		if err != nil {
			return nil, err
		}
		parameters = append(parameters, [2]string{"id_token", id.Reveal()})
	}
	return parameters, nil
}

// purgeAt is when a grant's row may go: after what was issued has expired, and
// not before the consent form that made it has, which the row keeps from being
// used again.
func purgeAt(lifetime time.Duration, now time.Time) time.Time {
	lifetime = max(lifetime, consentFormLifetime)
	return now.Add(lifetime + lifetime/10)
}
