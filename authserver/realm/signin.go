package realm

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Attempt is somebody who signs in with a username and a password.
type Attempt struct {
	// Service is the authentication service to ask.
	Service  string
	Username string
	Password oauth.Secret
	// Alone is a way in that can ask for nothing but the password. It is closed to
	// accounts that a page would ask for a second factor.
	Alone bool
	// Record is what is told of a failure, but for its reason.
	Record audit.Record
}

// SignIn finds the account that a username and a password belong to, with its
// subject. It is the one way in for passwords: every grant and page goes through
// it. login.ErrCredentials for whoever cannot sign in here, whatever the reason,
// which the audit log is told; of a success the caller tells once it is committed.
// Who tries too often gets login.ErrLimited before a password is looked at.
func (r *Realm) SignIn(ctx context.Context, attempt Attempt) (login.Account, string, error) {
	service, ok := r.Services[attempt.Service].(login.Passwords)
	if !ok {
		return login.Account{}, "", fmt.Errorf("realm %s has no authentication service %q that takes passwords", r.Name, attempt.Service)
	}
	var account login.Account
	var subject string
	told, looked := attempt.Record, false
	err := r.Attempts.Try(ctx, store.AttemptPassword, attempt.Username, &told, func() error {
		looked = true
		var err error
		account, subject, err = r.authenticate(ctx, service, attempt)
		told.Subject = subject
		if errors.Is(err, login.ErrCredentials) {
			r.TellSignInFailed(ctx, err, attempt.Record)
		}
		return err
	})
	if errors.Is(err, login.ErrLimited) && !looked {
		r.TellSignInFailed(ctx, err, attempt.Record)
	}
	if err != nil {
		return login.Account{}, "", err
	}
	return account, subject, nil
}

func (r *Realm) authenticate(ctx context.Context, service login.Passwords, attempt Attempt) (login.Account, string, error) {
	account, err := service.Authenticate(ctx, attempt.Username, attempt.Password)
	if errors.Is(err, login.ErrNoAccount) {
		err = login.ErrCredentials
	}
	if err != nil {
		return login.Account{}, "", err
	}
	subject, err := r.SubjectOf(ctx, account)
	if err == nil && attempt.Alone {
		err = r.passwordSuffices(ctx, account.Account, subject)
	}
	return account, subject, err
}

// SubjectOf is Subject for an account that is signing in. login.ErrCredentials,
// and a line for the operator, when it has none.
func (r *Realm) SubjectOf(ctx context.Context, account login.Account) (string, error) {
	subject, ok := r.Subject(account.Account)
	if !ok {
		r.Log.WarnContext(ctx, "an account bears the id of a client and cannot sign in; rename one of them",
			"realm", r.Name, "service", account.Service, "account", account.ID)
		return "", fmt.Errorf("%w: %w", ErrSubjectTaken, login.ErrCredentials)
	}
	return subject, nil
}

// SignedIn is an account that signed in by these methods.
func (r *Realm) SignedIn(account login.Account, subject string, amr ...string) login.SignedIn {
	return login.SignedIn{Account: account.Account, Subject: subject, AMR: amr, ACR: r.ACRs.Name(login.LevelOf(amr))}
}
