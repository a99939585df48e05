package introspect

import (
	"context"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 8725 §3.8, RFC 7519 §5

// unverified is a JWT that has been read but not verified.
type unverified struct {
	jws    *oauth.JWS
	claims map[string]any
}

// jwtSource is a Source that takes a JWT as the router has read it, so that
// it is not read twice.
type jwtSource interface {
	introspectJWT(ctx context.Context, token oauth.Secret, jwt *unverified) (*Token, error)
}

// readJWT reads a JWT: one strict compact JWS around one strict JSON object.
func readJWT(token string) (*unverified, error) {
	jws, err := oauth.ParseJWS(token)
	if err != nil {
		return nil, refuse(ReasonMalformed)
	}
	claims, err := oauth.DecodeObject(jws.UnverifiedPayload())
	if err != nil {
		return nil, refuse(ReasonMalformed)
	}
	return &unverified{jws, claims}, nil
}

// jwtShaped says whether a token claims to be some JOSE compact form. All of
// them are held to the rules for JWTs, so that a JWE or a mangled JWT is never
// taken for an opaque token (RS1, RS16).
func jwtShaped(token string) bool {
	// An opening brace, then a quote or a space, or a line break or a tab.
	return (strings.HasPrefix(token, "ey") || strings.HasPrefix(token, "ew")) && strings.Contains(token, ".")
}

// route says which issuer answers for a token; for a JWT, also what it says.
// It looks at the token alone: a token that no configured issuer answers for
// is refused without asking anybody.
func (i *Introspector) route(token string) (*Issuer, *unverified, error) {
	if jwtShaped(token) {
		return i.routeJWT(token)
	}
	own := i.isOwn(token)
	for n := range i.config.Issuers {
		issuer := &i.config.Issuers[n]
		if issuer.Opaque != nil && (issuer.Local || !own) && issuer.Opaque(token) {
			return issuer, nil, nil
		}
	}
	return nil, nil, refuse(ReasonIssuer)
}

// routeJWT chooses by the unverified iss among the configured issuers. Each
// verifies with its own keys only, so the choice gives a forger nothing (G34).
func (i *Introspector) routeJWT(token string) (*Issuer, *unverified, error) {
	jwt, err := readJWT(token)
	if err != nil {
		return nil, nil, err
	}
	iss, ok := oauth.StringMember(jwt.claims, "iss")
	if !ok || iss == "" {
		return nil, nil, refuse(ReasonIssuer)
	}
	issuer := i.issuer(iss)
	if issuer == nil {
		return nil, nil, refuse(ReasonIssuer)
	}
	return issuer, jwt, nil
}

func (i *Introspector) isOwn(token string) bool {
	return slices.ContainsFunc(i.config.OwnPrefixes, func(prefix string) bool { return strings.HasPrefix(token, prefix) })
}
