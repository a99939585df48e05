package store

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// GrantState is how far one authorization has come.
type GrantState int

const (
	// GrantPending has a code that waits to be redeemed.
	GrantPending GrantState = 0
	// GrantActive has given tokens.
	GrantActive GrantState = 1
	// GrantRevoked is over, and its tokens with it.
	GrantRevoked GrantState = 2
)

// Grant is one authorization of a client: the family of every token that came
// of it. It carries the code, what the code is bound to, what was granted, and
// the generation of the refresh token. It outlives its last access token.
type Grant struct {
	// ID is 32 hex digits, time-ordered; access tokens name it as "gid".
	ID string
	// Realm and ClientID say whose it is.
	Realm, ClientID string
	// Type is the grant type that began it, such as authorization_code.
	Type string
	// Account is who granted it; Subject is its sub in this realm.
	Account Account
	Subject string
	// SessionID is the browser session it was granted in, "" for none.
	SessionID string
	// Scope and Resources are what was granted, and never widen.
	Scope     oauth.Scope
	Resources []string

	// RedirectURI, CodeChallenge, Nonce and Claims (the raw claims parameter)
	// come from the authorization request.
	RedirectURI, CodeChallenge, Nonce, Claims string
	// RedirectURISent says whether the request named the redirect URI: then the
	// token request must name it too (RFC 6749 §4.1.3).
	RedirectURISent bool
	// ACR, AMR and AuthTime say how and when the user signed in.
	ACR      string
	AMR      []string
	AuthTime time.Time

	State GrantState
	// CodeHash is the hex SHA-256 of the code's secret part, "" for none.
	CodeHash    string
	CodeExpires time.Time

	// Generation is the current refresh token's; 0 means none was issued.
	Generation uint32
	// RefreshKey is the key that authenticates this family's refresh tokens,
	// fixed for its life.
	RefreshKey string
	// RotatedAt is when Generation became current.
	RotatedAt time.Time
	// IdleExpires and Expires end the refresh token; zero means never.
	IdleExpires, Expires time.Time

	Created time.Time
	// PurgeAt is when nothing can need the row any more: no token of the family
	// lives longer.
	PurgeAt time.Time
}

// Outlives says whether the grant goes on when the session ends that it was given
// in: that is what offline_access is for (OpenID Connect Core §11).
func (g *Grant) Outlives() bool { return g.Scope.Has(oauth.ScopeOfflineAccess) }

// Account names one person to one authentication service of a realm.
type Account struct {
	// Service is the name of the authentication service.
	Service string
	// ID is the account's immutable id in that service.
	ID string
}

// Redemption is the use of a code. The caller has checked the client, the
// redirect URI and the PKCE verifier: a wrong client cannot spend a code.
type Redemption struct {
	Realm, GrantID, ClientID string
	// CodeHash is the hex SHA-256 of the presented code's secret part.
	CodeHash string
	// Generation is 1 when a refresh token goes with the answer, 0 when not.
	Generation uint32
	RefreshKey string
	// IdleExpires and Expires end the refresh token; zero means never.
	IdleExpires, Expires time.Time
	// PurgeAt is the new end of the row.
	PurgeAt time.Time
	Now     time.Time
}

// Rotation is the use of a refresh token whose MAC has been verified.
//
// When Generation is the grant's current one and the grant is active, not
// expired and the client's own, the step succeeds: generation + 1. Otherwise
// the store re-reads and decides in this order:
//
//  1. no grant, another client, not active, expired: ErrNotFound, no write;
//  2. current - 1, within Grace of the rotation: success with the current
//     generation, no write;
//  3. older, while Now is still within Grace of the last rotation: ErrNotFound,
//     family kept (an honest duplicate that comes late);
//  4. any other smaller generation: the family is revoked, ErrReplayed;
//  5. greater than current: the store lost a commit (a restore from backup), and
//     the family moves forward to presented + 1 under the conditions of success.
type Rotation struct {
	Realm, GrantID, ClientID string
	// Generation is the one in the presented token.
	Generation uint32
	// Grace is how long the immediate predecessor may be retried. With 0 an
	// immediate predecessor within 5 seconds is ErrNotFound, without revoking.
	Grace time.Duration
	// IdleExpires is the new idle expiry; zero means never.
	IdleExpires time.Time
	// PurgeAt is the new end of the row, a tenth of its span beyond what has to be
	// covered. It is moved only when it gains more than that tenth.
	PurgeAt time.Time
	Now     time.Time
}
