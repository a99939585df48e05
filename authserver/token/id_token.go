package token

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OpenID Connect Core §2 and §3.1.3.6

// IDToken is what an ID token says.
type IDToken struct {
	Subject   string
	ClientID  string // aud and azp
	Nonce     string
	AuthTime  time.Time
	ACR       string
	AMR       []string
	SessionID string
	IssuedAt  time.Time
	Expires   time.Time
	// AccessToken and Code, when given, are bound by at_hash and c_hash.
	AccessToken oauth.Secret
	Code        oauth.Secret
	// Claims are those of the user that were asked for; they never override the
	// protocol's own.
	Claims map[string]any
}

// protocolClaims are ours to say, or to leave out: what is known of a user
// never stands in for them.
var protocolClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp",
	"sid", "at_hash", "c_hash", "s_hash", "client_id", "scope", "gid", "cnf", "act", "may_act",
	"events", "sub_jwk", "_claim_names", "_claim_sources",
}

// MintID signs an ID token with the realm's key of algorithm.
func (m *Minter) MintID(id IDToken, algorithm string) (oauth.Secret, error) {
	if err := checkSubject(id.Subject); err != nil {
		return oauth.Secret{}, fmt.Errorf("no ID token for client %q: %w", id.ClientID, err)
	}
	if id.ClientID == "" || id.IssuedAt.IsZero() || !id.Expires.After(id.IssuedAt) {
		return oauth.Secret{}, errors.New("an ID token needs a client and an expiry after its issue")
	}
	claims := maps.Clone(id.Claims)
	if claims == nil {
		claims = map[string]any{}
	}
	// Names are compared without case: a reader that ignores case must not find
	// a second "Sub".
	maps.DeleteFunc(claims, func(name string, _ any) bool {
		return slices.Contains(protocolClaims, strings.ToLower(name))
	})
	claims["iss"] = m.issuer
	claims["sub"] = id.Subject
	claims["aud"] = id.ClientID
	claims["azp"] = id.ClientID
	claims["iat"] = id.IssuedAt.Unix()
	claims["exp"] = id.Expires.Unix()
	if !id.AuthTime.IsZero() {
		claims["auth_time"] = id.AuthTime.Unix()
	}
	if len(id.AMR) > 0 {
		claims["amr"] = id.AMR
	}
	for name, text := range map[string]string{
		"nonce": id.Nonce, "acr": id.ACR, "sid": id.SessionID,
		"at_hash": halfHash(id.AccessToken, algorithm),
		"c_hash":  halfHash(id.Code, algorithm),
	} {
		if text != "" {
			claims[name] = text
		}
	}
	text, err := m.sign(algorithm, typeID, claims)
	if err != nil {
		return oauth.Secret{}, err
	}
	return oauth.NewSecret(text), nil
}

// halfHash is the left half of the hash of a token, by the hash of the ID
// token's algorithm (OpenID Connect Core §3.1.3.6 and §3.3.2.11); "" for none.
func halfHash(token oauth.Secret, algorithm string) string {
	if token.Empty() {
		return ""
	}
	sum := digest(hashOf(algorithm), []byte(token.Reveal()))
	return encode(sum[:len(sum)/2])
}
