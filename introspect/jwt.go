package introspect

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7519 §4.1, RFC 9068 §2.2 and §4, RFC 8725 §3.11 and §3.12

// maxNameBytes bounds sub, client_id and jti (OpenID Connect Core §2 for sub).
const maxNameBytes = 255

// Values of Foreign.TokenType.
const (
	// TokenTypeCompat takes JWTs whose typ is at+jwt, JWT or absent, unless
	// their claims show that they are something else than access tokens.
	TokenTypeCompat = "compat"
	// TokenTypeStrict takes what RFC 9068 describes and nothing else.
	TokenTypeStrict = "strict"
)

// readClaims reads what access tokens (RFC 9068) and introspection answers
// (RFC 7662 §2.2) have in common. It checks types and sizes, not the time.
func readClaims(claims map[string]any) (*Token, error) {
	token := &Token{Claims: ClaimsOf(claims)}
	var azp string
	for _, member := range [...]struct {
		name string
		into *string
	}{{"sub", &token.Subject}, {"client_id", &token.ClientID}, {"azp", &azp}, {"jti", &token.ID}} {
		text, ok := oauth.StringMember(claims, member.name)
		if !ok || len(text) > maxNameBytes || strings.ContainsFunc(text, unicode.IsControl) {
			return nil, refuseClaim(member.name)
		}
		*member.into = text
	}
	if token.ClientID == "" {
		token.ClientID = azp
	}
	var okIss, okExp, okNbf, okIat, okAud, okScope bool
	token.Issuer, okIss = oauth.StringMember(claims, "iss")
	token.Expires, _, okExp = oauth.NumericDate(claims, "exp")
	token.NotBefore, _, okNbf = oauth.NumericDate(claims, "nbf")
	token.IssuedAt, _, okIat = oauth.NumericDate(claims, "iat")
	token.Audience, okAud = oauth.StringsMember(claims, "aud")
	token.Scope, okScope = readScope(claims)
	for _, member := range [...]struct {
		name string
		good bool
	}{{"iss", okIss}, {"exp", okExp}, {"nbf", okNbf}, {"iat", okIat}, {"aud", okAud}, {"scope", okScope}, {"sub", token.Subject != ""}} {
		if !member.good {
			return nil, refuseClaim(member.name)
		}
	}
	var err error
	if token.Confirmation, err = readConfirmation(claims); err != nil {
		return nil, err
	}
	return token, nil
}

// readScope takes scope as RFC 9068 §2.2.3 has it, else scp, a string or an
// array of strings, as some servers write it.
func readScope(claims map[string]any) (oauth.Scope, bool) {
	wire, ok := oauth.StringMember(claims, "scope")
	if _, there := claims["scope"]; !there {
		var list []string
		list, ok = oauth.StringsMember(claims, "scp")
		wire = strings.Join(list, " ")
	}
	if !ok {
		return nil, false
	}
	scope, err := oauth.ParseScope(wire)
	return scope, err == nil
}

// checkJWT says what can be said of a JWT of an issuer before its signature is
// checked. What a route asks (audience, the exact time) is the route's.
func checkJWT(jwt *unverified, token *Token, tokenType string, now time.Time) error {
	missing := missingClaim(token, tokenType)
	switch {
	case !jwt.isAccessToken(tokenType):
		return refuse(ReasonType)
	case missing != "":
		return refuseClaim(missing)
	// Long dead by any route's clock: spare the signature.
	case now.Unix() >= token.Expires+int64(MaxLeeway/time.Second):
		return refuse(ReasonExpired)
	case token.issuedLater(now.Unix(), int64(MaxLeeway/time.Second)):
		return refuse(ReasonNotYetValid)
	case len(token.Audience) == 0:
		return refuse(ReasonAudience)
	}
	return nil
}

// missingClaim asks for exp always, and for what else RFC 9068 §2.2 requires where
// the issuer follows it. sub and aud are asked for everywhere.
func missingClaim(token *Token, tokenType string) string {
	required := []string{"exp"}
	if tokenType == TokenTypeStrict {
		required = []string{"exp", "iat", "jti", "client_id"}
	}
	claims := token.Claims.All()
	for _, name := range required {
		if value, there := claims[name]; !there || value == "" {
			return name
		}
	}
	return ""
}

// isAccessToken judges by typ (RFC 9068 §4). Where an issuer does not set it,
// the claims of the other kinds of JWT give those away.
func (j *unverified) isAccessToken(tokenType string) bool {
	switch j.jws.MediaType() {
	case "at+jwt":
		return true
	case "jwt", "":
		return tokenType == TokenTypeCompat && otherJWT(j.claims) == "" && !saysOtherKind(j.claims)
	default:
		return false
	}
}

// foreignClaims are claims that no access token has and another kind of JWT
// does.
var foreignClaims = []string{
	"nonce", "at_hash", "c_hash", "s_hash", // ID token: OpenID Connect Core §2, FAPI 1.0
	"events",     // logout token, security event: Back-Channel Logout §2.4, RFC 8417
	"htm", "htu", // DPoP proof: RFC 9449 §4.2
	"response_type",       // request object: RFC 9101 §4
	"token_introspection", // introspection answer: RFC 9701 §5
}

// otherJWT finds ID tokens and the like that carry no typ of their own, and
// names the claim that gives them away; "" when none does. An ID token whose optional claims are all missing is known by its
// audience: the client alone. An access token for a resource that is nothing
// but its own client looks the same and is refused too: let its issuer set
// typ at+jwt.
func otherJWT(claims map[string]any) string {
	for _, name := range foreignClaims {
		if _, there := claims[name]; there {
			return name
		}
	}
	audience, _ := oauth.StringsMember(claims, "aud")
	if len(audience) == 1 && (claims["client_id"] == audience[0] || claims["azp"] == audience[0]) {
		return "aud"
	}
	return ""
}

// saysOtherKind reads the members by which some servers tell their tokens
// apart: typ in the payload (Bearer, DPoP, ID, Refresh, …) and token_use.
func saysOtherKind(claims map[string]any) bool {
	confirmation, _ := readConfirmation(claims)
	return !oneOf(claims, "typ", append(confirmation.tokenTypes(), "at+jwt", "jwt")...) || !oneOf(claims, "token_use", "access", "access_token")
}

// oneOf says whether a member is absent or, case aside, one of some texts.
func oneOf(claims map[string]any, name string, texts ...string) bool {
	value, there := claims[name]
	text, isString := value.(string)
	return !there || isString && slices.Contains(texts, strings.ToLower(text))
}
