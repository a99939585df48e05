package oauth

// Grant types. RFC 6749 §4 and §6; "implicit" is the registry name of RFC 7591
// for the grant that has no grant_type value.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantClientCredentials = "client_credentials"
	GrantImplicit          = "implicit"
	GrantPassword          = "password"
	GrantRefreshToken      = "refresh_token"
)

// Response types in canonical order. RFC 6749 §3.1.1, OAuth 2.0 Multiple
// Response Types §3.
const (
	ResponseTypeCode         = "code"
	ResponseTypeToken        = "token"
	ResponseTypeIDToken      = "id_token"
	ResponseTypeIDTokenToken = "id_token token"
)

// Response modes. OAuth 2.0 Multiple Response Types §2.1, Form Post Response
// Mode §2.
const (
	ResponseModeQuery    = "query"
	ResponseModeFragment = "fragment"
	ResponseModeFormPost = "form_post"
)

// Client authentication methods. RFC 7591 §2.
const (
	AuthMethodBasic = "client_secret_basic"
	AuthMethodPost  = "client_secret_post"
	AuthMethodNone  = "none"
)

// Scopes with a meaning of their own. OpenID Connect Core §5.4 and §11.
const (
	ScopeOpenID        = "openid"
	ScopeProfile       = "profile"
	ScopeEmail         = "email"
	ScopeAddress       = "address"
	ScopePhone         = "phone"
	ScopeOfflineAccess = "offline_access"
)

// Access token formats that a client can be given.
const (
	FormatJWT    = "jwt"
	FormatOpaque = "opaque"
)

// Signing algorithms. RFC 7518 §3.1, RFC 8037 §3.1. There is no symmetric one:
// a verifier that knows none cannot be confused into using one.
const (
	RS256 = "RS256"
	RS384 = "RS384"
	RS512 = "RS512"
	PS256 = "PS256"
	PS384 = "PS384"
	PS512 = "PS512"
	ES256 = "ES256"
	ES384 = "ES384"
	ES512 = "ES512"
	EdDSA = "EdDSA"
)
