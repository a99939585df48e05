package realm

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// GrantState is how a grant of a realm stands, for operators.
type GrantState string

const (
	// GrantPending has a code that waits to be redeemed.
	GrantPending GrantState = "pending"
	// GrantActive has given tokens, and may give more.
	GrantActive GrantState = "active"
	// GrantExpired is one whose code or refresh token has come to its end.
	GrantExpired GrantState = "expired"
	// GrantRevoked was ended before its time.
	GrantRevoked GrantState = "revoked"
)

// GrantState says how a grant stands now, as Inspect does of its tokens.
func (r *Realm) GrantState(grant *store.Grant) GrantState {
	pending := grant.State == store.GrantPending
	end := r.RefreshEnd(grant)
	if pending {
		end = grant.CodeExpires
	}
	switch {
	case r.Over(grant):
		return GrantRevoked
	case (pending || grant.Generation > 0) && !end.IsZero() && !r.Now().Before(end):
		return GrantExpired
	case pending:
		return GrantPending
	}
	return GrantActive
}

// RefreshEnd is when the refresh token of a grant ends; zero means never. The row
// has the lifetime of the day it was made; a shorter one of its client holds too.
func (r *Realm) RefreshEnd(grant *store.Grant) time.Time {
	end := earlier(grant.Expires, grant.IdleExpires)
	if client, ok := r.Client(grant.ClientID); ok && client.Refresh.Lifetime > 0 {
		end = earlier(end, grant.Created.Add(client.Refresh.Lifetime))
	}
	return end
}

// earlier of two ends, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
