package caddymodule

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// RFC 6749 §4.4 and §5.1

// issueRequest asks for an access token of a client's own, without its secret.
type issueRequest struct {
	// Realm is the client's. Default: the root realm.
	Realm string `json:"realm,omitempty"`

	// Client is the client's id; it is the subject, too. Required.
	Client string `json:"client"`

	// Scope is what to ask for, separated by spaces. Default: as for a request of
	// the client.
	Scope string `json:"scope,omitempty"`

	// Audience are the resources that the token is for. Default: the client's.
	Audience []string `json:"audience,omitempty"`
}

// issueAnswer is the token, which is shown this once.
type issueAnswer struct {
	// Realm is whose token it is.
	Realm string `json:"realm"`

	// AccessToken is the token.
	AccessToken string `json:"access_token"`

	// TokenType says how it is used: Bearer.
	TokenType string `json:"token_type"`

	// ExpiresIn is its lifetime in seconds.
	ExpiresIn int64 `json:"expires_in"`

	// Scope is what it is good for.
	Scope string `json:"scope,omitempty"`

	// Audience are the resources that it is for.
	Audience []string `json:"audience"`

	// ID is its jti, by which it can be found in logs.
	ID string `json:"jti"`
}

// issueToken answers POST /oauth2/tokens: what client_credentials would give the
// client, by the same rules.
func issueToken(app *App, r *http.Request) (any, error) {
	var asked issueRequest
	if err := readBody(r, &asked, "realm, client, scope and audience"); err != nil {
		return nil, err
	}
	if asked.Client == "" {
		return nil, badRequest("whose token? give client")
	}
	return app.withRealm(r.Context(), asked.Realm, func(in *realm.Realm) (any, error) {
		client, known := in.Client(asked.Client)
		switch {
		case !known:
			return nil, apiError(http.StatusNotFound, errors.New("the realm has no such client"))
		case client.Public:
			return nil, badRequest("the client is public: it has no tokens of its own, only those of its users")
		case !in.AllowsGrant(client, oauth.GrantClientCredentials):
			return nil, badRequest("the realm and the client must both list the grant client_credentials: this gives what the client could get")
		}
		now := in.Now()
		raw, access, err := in.ClientToken(client, asked.Scope, asked.Audience, now)
		if err != nil {
			return nil, err
		}
		app.audit(r.Context(), audit.Record{
			Event: audit.AdminTokenIssued, Realm: in.Name, ClientID: client.ID, Subject: access.Subject, Scope: access.Scope.String(),
		}.With(audit.TokenID, access.ID))
		return issueAnswer{
			Realm: in.Name, AccessToken: raw.Reveal(), TokenType: "Bearer", ExpiresIn: int64(access.Expires.Sub(now) / time.Second),
			Scope: access.Scope.String(), Audience: access.Audience, ID: access.ID,
		}, nil
	})
}

// inspectRequest is a token to say all about.
type inspectRequest struct {
	// Realm is the one to ask. Default: all.
	Realm string `json:"realm,omitempty"`

	// Token is any token: an access, refresh or ID token, or a code. Required.
	Token string `json:"token"`
}

// inspected is all that we know of a token.
type inspected struct {
	// Ours says whether a realm of this server made it.
	Ours bool `json:"ours"`

	// Help says where to look when none did; there is nothing else then.
	Help string `json:"help,omitempty"`

	// Realm made it.
	Realm string `json:"realm,omitempty"`

	// Issuer is the realm's issuer identifier.
	Issuer string `json:"issuer,omitempty"`

	// Kind is access_token, refresh_token, code or id_token.
	Kind string `json:"kind,omitempty"`

	// Format is jwt or opaque, for an access token.
	Format string `json:"format,omitempty"`

	// State is active, expired, revoked, used (a code that was redeemed, or a
	// refresh token that a newer one has replaced) or orphaned (its client or grant
	// is gone).
	State string `json:"state,omitempty"`

	// RevokedBy says what was revoked: token, grant, subject, client, session or
	// consent.
	RevokedBy string `json:"revoked_by,omitempty"`

	// ID is the jti of an access token.
	ID string `json:"jti,omitempty"`

	// Client is who it was given to.
	Client string `json:"client,omitempty"`

	// Subject is whose it is.
	Subject string `json:"subject,omitempty"`

	// Session is the sid of the session that it came of.
	Session string `json:"session,omitempty"`

	// Scope is what an access token is good for.
	Scope string `json:"scope,omitempty"`

	// Audience are the resources that an access token is for.
	Audience []string `json:"audience,omitempty"`

	// IssuedAt is when it was given out.
	IssuedAt time.Time `json:"issued_at,omitzero"`

	// AuthTime is when the user had signed in.
	AuthTime time.Time `json:"auth_time,omitzero"`

	// Expires is its end; absent when it has none.
	Expires time.Time `json:"expires,omitzero"`

	// Generation is the place of a refresh token in its family.
	Generation uint32 `json:"generation,omitempty"`

	// Grant is what it came of, as that is now.
	Grant *shownGrant `json:"grant,omitempty"`
}

const notOurs = "no realm of this server made it, or it was made under keys that are gone; " +
	"POST /oauth2/explain (caddy oauth2-explain) says what the bearer_auth handlers make of it"

// inspectToken answers POST /oauth2/tokens/inspect. The token is neither logged
// nor repeated.
func inspectToken(app *App, r *http.Request) (any, error) {
	var asked inspectRequest
	if err := readBody(r, &asked, "realm and token"); err != nil {
		return nil, err
	}
	if asked.Token == "" {
		return nil, badRequest("give the token as token")
	}
	return app.withRealms(r.Context(), asked.Realm, func(realms []*realm.Realm) (any, error) {
		in, report, err := whoseToken(r.Context(), realms, oauth.NewSecret(asked.Token))
		if err != nil {
			return nil, err
		}
		if in == nil {
			return inspected{Help: notOurs}, nil
		}
		return showReport(in, &report), nil
	})
}

// showReport is what a realm knows of a token as operators see it.
func showReport(in *realm.Realm, report *realm.TokenReport) inspected {
	out := inspected{
		Ours: true, Realm: in.Name, Issuer: in.Issuer,
		State: string(report.State), RevokedBy: report.Cause.String(), Expires: report.Expires,
	}
	if report.Grant != nil {
		grant := showGrant(in, report.Grant)
		out.Grant = &grant
		out.Client, out.Subject, out.Session = grant.Client, grant.Subject, grant.Session
		out.IssuedAt, out.AuthTime = grant.Created, grant.AuthTime
	}
	switch {
	case report.Access != nil:
		out.Kind = "access_token"
		out.access(report.Access, report.Opaque)
	case report.ID != nil:
		id := report.ID
		out.Kind, out.Client, out.Subject, out.Session = "id_token", id.ClientID, id.Subject, id.SessionID
		out.IssuedAt, out.AuthTime = id.IssuedAt, id.AuthTime
	case report.Refresh != nil:
		out.Kind, out.Generation = "refresh_token", report.Refresh.Generation
		if report.Grant != nil {
			out.IssuedAt = report.Grant.RotatedAt
		}
	default:
		out.Kind = "code"
	}
	return out
}

// access fills in what an access token says.
func (out *inspected) access(access *token.Access, opaque bool) {
	out.Format = oauth.FormatJWT
	if opaque {
		out.Format = oauth.FormatOpaque
	}
	out.ID, out.Client, out.Subject, out.Session = access.ID, access.ClientID, access.Subject, access.SessionID
	out.Scope, out.Audience = access.Scope.String(), access.Audience
	out.IssuedAt, out.AuthTime = access.IssuedAt, access.AuthTime
}
