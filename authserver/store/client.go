package store

import (
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Client is one registered client with every default of its realm filled in:
// what stands here is what holds. Lists are allow-lists; an empty one allows
// nothing (CL1).
type Client struct {
	ID string
	// Name is what people read on the consent page; the id when empty.
	Name string
	// Public clients have no secret; all others must authenticate.
	Public bool
	// Secrets are the digests that authenticate the client: up to two, so that
	// one can be replaced while the other still works.
	Secrets []SecretDigest
	// AuthMethod pins one method; "" accepts basic and post alike.
	AuthMethod    string
	RedirectURIs  []string
	Grants        []string
	ResponseModes []string
	Scopes        oauth.Scope
	DefaultScopes oauth.Scope
	// Resources are the audiences it may ask for (RFC 8707). Audience is what
	// its tokens get when it names none.
	Resources []string
	Audience  string
	// PKCEOptional lets a confidential client do without PKCE.
	PKCEOptional bool
	// SkipConsent marks a first-party client, set by the operator only (CL13).
	SkipConsent bool
	// CORSOrigins are the web origins that may read its token answers.
	CORSOrigins []string
	// PostLogoutRedirectURIs are where people may be sent who have signed out.
	PostLogoutRedirectURIs []string
	// LogoutURI is where the client is told that a session is over, "" for nowhere.
	// LogoutSessionRequired says that it must learn which one; it always does.
	LogoutURI             string
	LogoutSessionRequired bool

	// AccessTokenLifetime and AccessTokenFormat shape its access tokens.
	AccessTokenLifetime time.Duration
	AccessTokenFormat   string
	// IDTokenAlgorithm signs its ID tokens; IDTokenLifetime bounds them.
	IDTokenAlgorithm string
	IDTokenLifetime  time.Duration
	CodeLifetime     time.Duration
	Refresh          RefreshPolicy

	// RateLimit bounds its token requests, TokenQuota the tokens that they get.
	RateLimit, TokenQuota Limit
	// Disabled takes it out of service: as if it were not there.
	Disabled bool
}

// Limit is how many of something there may be in a span; a Count of 0 sets none.
type Limit struct {
	Count int
	Per   time.Duration
}

// RefreshPolicy is how refresh tokens of a client behave.
type RefreshPolicy struct {
	// Issue gives a refresh token with the first access token.
	Issue bool
	// Rotate gives a new refresh token on each refresh and ends the old one.
	Rotate bool
	// Lifetime and Idle end a family; 0 means never.
	Lifetime, Idle time.Duration
	// Grace is how long the immediate predecessor may be retried.
	Grace time.Duration
}

// SecretDigest is what we keep of a client secret: a PHC string of argon2id or
// bcrypt as the operator configured it, or the keyed digest of a plain secret.
type SecretDigest string

// Allows says whether the client lists a grant type.
func (c *Client) Allows(grantType string) bool { return slices.Contains(c.Grants, grantType) }

// DisplayName is what people read.
func (c *Client) DisplayName() string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}
