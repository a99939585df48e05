package realm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// TokenState is how a token of a realm stands.
type TokenState string

const (
	// TokenActive can be used now.
	TokenActive TokenState = "active"
	// TokenExpired was good until its end.
	TokenExpired TokenState = "expired"
	// TokenRevoked was ended before its time.
	TokenRevoked TokenState = "revoked"
	// TokenUsed is a code that was redeemed, or a refresh token that was given up
	// for a newer one.
	TokenUsed TokenState = "used"
	// TokenOrphaned has lost its client, or its grant was deleted.
	TokenOrphaned TokenState = "orphaned"
)

// TokenReport is all that a realm knows of a token of its own, for operators.
type TokenReport struct {
	token.Inspected
	State TokenState
	// Cause is what the revocation speaks of.
	Cause store.RevocationKind
	// Expires is the token's end; zero means never.
	Expires time.Time
	// Grant is what it came of, as it is now; nil for none.
	Grant *store.Grant
}

// Inspect says all that the realm knows of a token of its own, of any kind.
// token.ErrInvalid when it is none of its own; any other error means that we
// cannot know now.
func (r *Realm) Inspect(ctx context.Context, raw oauth.Secret) (TokenReport, error) {
	if !r.Revocations.Ready() {
		return TokenReport{}, oauth.Unavailable(errors.New("the revocation log has not been read yet"))
	}
	said, err := r.Tokens.Inspect(raw)
	if err != nil {
		return TokenReport{}, err
	}
	report := TokenReport{Inspected: said}
	if err := r.findGrant(ctx, &report); err != nil {
		return TokenReport{}, err
	}
	now := r.Now()
	switch {
	case said.Access != nil:
		r.judgeAccess(&report)
	case said.ID != nil:
		// Nothing revokes an ID token: it says who signed in, and lets nobody in.
		report.Expires = said.ID.Expires
	default:
		r.judgeGrant(&report)
	}
	expired := !report.Expires.IsZero() && !now.Before(report.Expires)
	switch {
	case expired && (report.State == "" || said.Access != nil && report.State == TokenOrphaned):
		report.State = TokenExpired
	case report.State == "":
		report.State = TokenActive
	}
	return report, nil
}

// findGrant reads the grant that a token names. A code is known by its grant
// alone: without one it may be anybody's text.
func (r *Realm) findGrant(ctx context.Context, report *TokenReport) error {
	id := report.CodeGrant
	switch {
	case report.Access != nil:
		id = report.Access.GrantID
	case report.Refresh != nil:
		id = report.Refresh.GrantID
	}
	if id == "" {
		return nil
	}
	grant, err := r.Store.Grant(ctx, r.Name, id)
	switch {
	case errors.Is(err, store.ErrNotFound) && report.CodeGrant == "":
		report.State = TokenOrphaned
		return nil
	case errors.Is(err, store.ErrNotFound), err == nil && report.CodeGrant != "" && grant.CodeHash != report.CodeHash:
		return fmt.Errorf("%w: no such code", token.ErrInvalid)
	case err != nil:
		return err
	}
	report.Grant = &grant
	return nil
}

func (r *Realm) judgeAccess(report *TokenReport) {
	access := report.Access
	report.Expires = access.Expires
	of := access.Lineage()
	report.Cause = r.Revocations.Cause(r.Name, of)
	switch {
	case report.Cause == 0 && report.Grant != nil && report.Grant.State == store.GrantRevoked:
		report.Cause = store.RevokedGrant
		fallthrough
	case report.Cause != 0:
		report.State = TokenRevoked
	case !r.Alive(of):
		report.State = TokenOrphaned
	}
}

// judgeGrant judges a code or refresh token, which are what their grant is.
func (r *Realm) judgeGrant(report *TokenReport) {
	grant := report.Grant
	if grant == nil {
		return
	}
	report.Expires = grant.CodeExpires
	used := grant.State == store.GrantActive
	if report.Refresh != nil {
		report.Expires = r.RefreshEnd(grant)
		used = grant.Generation != report.Refresh.Generation
	}
	_, known := r.Client(grant.ClientID)
	switch {
	case r.Over(grant):
		report.State = TokenRevoked
		if report.Cause = r.Revocations.Cause(r.Name, token.LineageOf(grant)); report.Cause == 0 {
			report.Cause = store.RevokedGrant
		}
	case used:
		report.State = TokenUsed
	case !known:
		report.State = TokenOrphaned
	}
}
