package realm

import (
	"context"
	"strconv"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// EndAccount ends all that rests on a sign-in of an account up to now: sessions,
// grants and tokens, here at once and on other nodes within a second. It is for an
// account that was disabled or deleted, or whose password has changed (AS41).
// reason is one of a few words, for the audit log.
func (r *Realm) EndAccount(ctx context.Context, account store.Account, reason string) error {
	subject, ok := r.Subject(account)
	if !ok {
		return nil // it never had a session or a token
	}
	ended, err := r.Revocations.RevokeAll(ctx, store.Reach{Realm: r.Name, Subject: subject}, r.Now())
	if err != nil {
		return err
	}
	r.Tell(ctx, audit.Record{
		Event: audit.SubjectRevoked, Actor: audit.BySystem, Subject: subject,
		Details: audit.Details{{Key: audit.Reason, Value: reason}, {Key: audit.Count, Value: strconv.Itoa(ended.Grants)}},
	})
	return nil
}
