package registration

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Client is one client of a realm. Its lists are allow-lists: what they do not
// name, the client may not do.
type Client struct {
	// ID is the client_id. Required.
	ID string `json:"id"`

	// Name is what people read on the consent page. Default: the id.
	Name string `json:"name,omitempty"`

	// Public marks a client that cannot keep a secret, such as an app in a
	// browser or on a phone (RFC 6749 §2.1). It has no secret and must use PKCE.
	// Default: false.
	Public bool `json:"public,omitempty"`

	// Secrets authenticate the client: one, or two while one is being replaced.
	// Each is a plain secret, best as a placeholder (`{env.NAME}` or
	// `{file./path}`), or an argon2id or bcrypt hash as `caddy hash-password`
	// makes it. Only digests are kept in memory.
	Secrets []string `json:"secrets,omitempty"`

	// AuthMethod pins how the client authenticates: `client_secret_basic` or
	// `client_secret_post`. Default: either, one per request.
	AuthMethod string `json:"auth_method,omitempty"`

	// RedirectURIs are where the authorization endpoint may send answers,
	// compared byte for byte, except that the port of an `http://127.0.0.1` or
	// `http://[::1]` URI may vary (RFC 8252 §7.3).
	RedirectURIs []string `json:"redirect_uris,omitempty"`

	// Grants are the grant types that the client may use; the realm must list
	// them as well. Required: without any the client could do nothing.
	Grants []string `json:"grants,omitempty"`

	// ResponseModes are how the authorization endpoint may answer. Default:
	// `query`, `fragment` and `form_post`.
	ResponseModes []string `json:"response_modes,omitempty"`

	// Scopes are what the client may ask for. Default: nothing.
	Scopes []string `json:"scopes,omitempty"`

	// DefaultScopes are granted to a request that asks for no scope; each must
	// be among Scopes. Default: none, and such a request is `invalid_scope`.
	DefaultScopes []string `json:"default_scopes,omitempty"`

	// Resources are the audiences that the client may ask for (RFC 8707). The
	// first is the `aud` of its access tokens when it asks for none. Default:
	// those of the realm; where that has none either, `aud` is the issuer.
	Resources []string `json:"resources,omitempty"`

	// PKCEOptional lets a confidential client do without PKCE (RFC 7636). A
	// challenge that is sent is always verified. Default: false.
	PKCEOptional bool `json:"pkce_optional,omitempty"`

	// SkipConsent marks a client of your own, for which users are not asked.
	// Default: false.
	SkipConsent bool `json:"skip_consent,omitempty"`

	// CORSOrigins are the web origins, such as `https://app.example.com`, whose
	// scripts may read the answers to this client. Default: none.
	CORSOrigins []string `json:"cors_origins,omitempty"`

	// PostLogoutRedirectURIs are where people may be sent after they have signed
	// out, compared byte for byte (OpenID Connect RP-Initiated Logout §3.1).
	// Default: none, and they stay on the page that says so.
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`

	// BackchannelLogoutURI is where this server tells the client that a session is
	// over in which it was used (OpenID Connect Back-Channel Logout §2.2). https, or
	// http on loopback. A private address must be among the `logout_allow_private`
	// of the realm. Default: the client is not told.
	BackchannelLogoutURI string `json:"backchannel_logout_uri,omitempty"`

	// BackchannelLogoutSessionRequired says that the client must be told which
	// session is over (`sid`). Every client is; the setting is for the client's
	// description. Default: false.
	BackchannelLogoutSessionRequired bool `json:"backchannel_logout_session_required,omitempty"`

	// AccessToken overrides what the realm says of access tokens.
	AccessToken *AccessTokens `json:"access_token,omitempty"`

	// RefreshToken overrides what the realm says of refresh tokens.
	RefreshToken *RefreshTokens `json:"refresh_token,omitempty"`

	// IDToken overrides what the realm says of ID tokens.
	IDToken *IDTokens `json:"id_token,omitempty"`

	// CodeLifetime overrides how long the realm's authorization codes live.
	CodeLifetime Duration `json:"code_lifetime,omitempty"`

	// RateLimit bounds the token requests of the client; more are answered 429.
	// Each node counts for itself. Default: no limit.
	RateLimit *RateLimit `json:"rate_limit,omitempty"`

	// TokenQuota bounds the access tokens that the client is given; requests for
	// more are answered 429. Each node counts for itself. Default: no limit.
	TokenQuota *TokenQuota `json:"token_quota,omitempty"`

	// Disabled takes the client out of service: it is treated as if it were not
	// there, and its tokens are refused until it is back. Default: false.
	Disabled bool `json:"disabled,omitempty"`
}

// RateLimit is how many token requests a client may send in a span of time, which
// begins with the first of them.
type RateLimit struct {
	// Requests is how many. Required.
	Requests int `json:"requests"`

	// Per is the span, from 1s to 31d. Required.
	Per Duration `json:"per"`
}

// TokenQuota is how many access tokens a client is given in a span of time, which
// begins with the first of them.
type TokenQuota struct {
	// Tokens is how many. Required.
	Tokens int `json:"tokens"`

	// Per is the span, from 1s to 31d. Required.
	Per Duration `json:"per"`
}

// Resolve is the client as the server knows it: what the realm gives every
// client, with what stands here over it. Secrets stay out: they are kept as
// digests, which the caller adds. Errors go on from the client's name.
func (c *Client) Resolve(defaults Defaults) (store.Client, error) {
	out := defaults.Client
	out.ID, out.Name, out.Public = c.ID, c.Name, c.Public
	out.RedirectURIs, out.Grants = c.RedirectURIs, c.Grants
	out.Scopes, out.DefaultScopes = c.Scopes, c.DefaultScopes
	out.PKCEOptional, out.SkipConsent = c.PKCEOptional, c.SkipConsent
	out.CORSOrigins, out.Disabled = c.CORSOrigins, c.Disabled
	out.PostLogoutRedirectURIs, out.LogoutURI = c.PostLogoutRedirectURIs, c.BackchannelLogoutURI
	out.LogoutSessionRequired = c.BackchannelLogoutSessionRequired
	if len(c.Grants) == 0 {
		return out, errors.New("lists no grants, and so may do nothing; add, for example: grants client_credentials")
	}
	if len(c.Resources) > 0 {
		out.Resources, out.Audience = c.Resources, c.Resources[0]
	}
	var err error
	if out.AuthMethod, err = c.authMethod(); err != nil {
		return out, err
	}
	if len(c.ResponseModes) > 0 {
		out.ResponseModes = c.ResponseModes
	}
	if err := oneOf("response mode", out.ResponseModes, responseModes); err != nil {
		return out, err
	}
	for _, origin := range c.CORSOrigins {
		if err := CheckOrigin(origin); err != nil {
			return out, err
		}
	}
	return out, c.override(&out, defaults.MaxAccessToken)
}

// override lays the client's own token settings over those of the realm.
func (c *Client) override(out *store.Client, maxAccessToken Duration) error {
	if c.AccessToken != nil && c.AccessToken.MaxLifetime != 0 {
		return errors.New("sets max_lifetime of access_token, which is the realm's to set")
	}
	return cmp.Or(
		c.AccessToken.apply(out, maxAccessToken),
		c.RefreshToken.apply(out),
		c.IDToken.apply(out),
		setCodeLifetime(out, c.CodeLifetime),
		c.limit(out),
	)
}

// limit lays the client's limits over none.
func (c *Client) limit(out *store.Client) (err error) {
	if c.RateLimit != nil {
		out.RateLimit, err = limitOf("rate_limit", c.RateLimit.Requests, c.RateLimit.Per)
	}
	if c.TokenQuota != nil && err == nil {
		out.TokenQuota, err = limitOf("token_quota", c.TokenQuota.Tokens, c.TokenQuota.Per)
	}
	return err
}

func limitOf(what string, count int, per Duration) (store.Limit, error) {
	limit := store.Limit{Count: count, Per: time.Duration(per)}
	if count < 1 || limit.Per < time.Second || limit.Per > maxLimitSpan {
		return limit, fmt.Errorf("has a %s of %d in %s; it is 1 or more in a span from 1s to 31d", what, count, limit.Per)
	}
	return limit, nil
}

func (c *Client) authMethod() (string, error) {
	switch {
	case c.AuthMethod == "":
		return "", nil
	case c.Public:
		return "", errors.New("is public and does not authenticate: take auth_method away")
	default:
		return c.AuthMethod, oneOf("auth_method", []string{c.AuthMethod}, []string{oauth.AuthMethodBasic, oauth.AuthMethodPost})
	}
}

// maxLimitSpan bounds the span of a limit.
const maxLimitSpan = 31 * 24 * time.Hour

var responseModes = []string{oauth.ResponseModeQuery, oauth.ResponseModeFragment, oauth.ResponseModeFormPost}

// oneOf refuses words that are not among known.
func oneOf(what string, words, known []string) error {
	for _, word := range words {
		if !slices.Contains(known, word) {
			return fmt.Errorf("has the unknown %s %q; there are %s", what, word, strings.Join(known, ", "))
		}
	}
	return nil
}

// CheckOrigin says whether a browser could send origin in an Origin header.
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Scheme+"://"+strings.ToLower(u.Host) != origin {
		return fmt.Errorf("has cors_origin %q; an origin is scheme, host and port in lower case, such as https://app.example.com", origin)
	}
	return nil
}
