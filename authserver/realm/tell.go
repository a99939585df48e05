package realm

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/clientauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Tell tells of a security event of this realm. It comes after the commit of what
// it tells of, and once.
func (r *Realm) Tell(ctx context.Context, record audit.Record) {
	record.Realm, record.Time = r.Name, r.Now()
	r.Audit.Record(ctx, record)
}

// Authenticate is ClientAuth.Authenticate, and tells of clients that fail.
// grantType is what the request is for, "" when it is for no tokens.
func (r *Realm) Authenticate(ctx context.Context, header http.Header, form oauth.Form, grantType string) (*store.Client, error) {
	client, err := r.ClientAuth.Authenticate(ctx, header, form)
	if err == nil || oauth.AsError(err).Code != oauth.CodeInvalidClient {
		return client, err
	}
	failure := &clientauth.Failure{Reason: clientauth.Malformed}
	_ = errors.As(err, &failure) // else it stays what it is
	record := audit.Record{
		Event: audit.ClientAuthFailed, Actor: audit.ByClient, ClientID: failure.ClientID, GrantType: grantType,
		Details: audit.Details{{Key: audit.Reason, Value: failure.Reason}},
	}
	if failure.Method != "" {
		record = record.With(audit.Method, failure.Method)
	}
	r.Tell(ctx, record)
	return client, err
}

// Why a right password signs nobody in.
var (
	// ErrSubjectTaken is an account that bears the name of a client, or of another
	// service's account.
	ErrSubjectTaken = errors.New("subject_taken")
	// ErrAnotherUser is not the one who was asked for.
	ErrAnotherUser = errors.New("another_user")
)

// TellSignInFailed tells of a sign-in that was refused with err. What was typed
// is not told, for it may be a password: only an account that there is.
func (r *Realm) TellSignInFailed(ctx context.Context, err error, record audit.Record) {
	reason := login.UnknownUser
	var refused *login.Refused
	var elsewhere *login.RedirectRefused
	switch {
	case errors.As(err, &refused):
		reason = refused.Reason
		if subject, ok := r.Subject(refused.Account); ok {
			record.Subject = subject
		}
	case errors.Is(err, login.ErrLimited):
		reason = "limited"
	case errors.As(err, &elsewhere):
		reason = elsewhere.Reason
	case errors.Is(err, ErrSubjectTaken):
		reason = ErrSubjectTaken.Error()
	case errors.Is(err, ErrAnotherUser):
		reason = ErrAnotherUser.Error()
	}
	record.Event, record.Actor = audit.SignInFailed, audit.ByUser
	r.Tell(ctx, record.With(audit.Reason, reason))
}
