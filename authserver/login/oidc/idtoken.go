package oidc

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OpenID Connect Core §2, §3.1.3.6 and §3.1.3.7, RFC 8725 §3

const (
	// maxIDToken bounds an ID token: those with many groups are long.
	maxIDToken = 64 << 10
	// leeway is how far the clocks of two sites may be apart.
	leeway = time.Minute
)

// expected is what an ID token must say.
type expected struct {
	issuer, clientID, nonce string
	accessToken             oauth.Secret
	// since is when a new sign-in was asked for; zero when it was not.
	since time.Time
}

// idToken is what a verified one says.
type idToken struct {
	claims  map[string]any
	subject string
	at      time.Time
	amr     []string
}

// parseIDToken reads an ID token whose signature is still to be verified.
func parseIDToken(raw string) (*oauth.JWS, error) {
	jws, err := oauth.ParseJWSWithin(raw, maxIDToken)
	if err != nil {
		return nil, fmt.Errorf("ID token: %w", err)
	}
	if !slices.Contains(algorithms, jws.Algorithm) {
		return nil, fmt.Errorf("ID token: signed by %q, which is none of %v", clip(jws.Algorithm), algorithms)
	}
	// A token of another kind is none of these (RFC 8725 §3.11).
	if typ := jws.MediaType(); typ != "" && typ != "jwt" && typ != "id_token+jwt" {
		return nil, fmt.Errorf("ID token: its type is %q", clip(jws.Type))
	}
	return jws, nil
}

// verify checks the signature and then every claim that protects us. Its error is
// the provider's fault but for a *login.RedirectRefused.
func (e expected) verify(jws *oauth.JWS, key oauth.VerifyKey, now time.Time) (idToken, error) {
	payload, err := jws.Verify(key)
	if err != nil {
		return idToken{}, fmt.Errorf("ID token: %w", err)
	}
	claims, err := oauth.DecodeObject(payload)
	if err != nil {
		return idToken{}, fmt.Errorf("ID token: %w", err)
	}
	if err := e.checkParties(claims); err != nil {
		return idToken{}, fmt.Errorf("ID token: %w", err)
	}
	if err := checkTimes(claims, now); err != nil {
		return idToken{}, fmt.Errorf("ID token: %w", err)
	}
	// What the browser brought may be the code of another sign-in.
	nonce, _ := claims["nonce"].(string)
	if subtle.ConstantTimeCompare([]byte(nonce), []byte(e.nonce)) != 1 {
		return idToken{}, refused(ReasonNonce, "the nonce of the ID token is not that of the departure")
	}
	if err := e.checkHash(claims, jws.Algorithm); err != nil {
		return idToken{}, fmt.Errorf("ID token: %w", err)
	}
	token := idToken{claims: claims}
	token.subject, _ = claims["sub"].(string)
	token.amr, _ = oauth.StringsMember(claims, "amr")
	return token, e.checkSignIn(&token, now)
}

// checkParties says who speaks, to whom and of whom.
func (e expected) checkParties(claims map[string]any) error {
	if issuer, _ := claims["iss"].(string); issuer != e.issuer {
		return fmt.Errorf("iss is %q", clip(issuer))
	}
	audience, ok := oauth.StringsMember(claims, "aud")
	if !ok || !slices.Contains(audience, e.clientID) {
		return errors.New("aud does not name our client")
	}
	// With several audiences azp says whose it is (§3.1.3.7, 4 and 5).
	if party, there := claims["azp"]; there && party != e.clientID || !there && len(audience) > 1 {
		return errors.New("azp does not name our client")
	}
	if subject, _ := claims["sub"].(string); subject == "" || len(subject) > 4<<10 {
		return errors.New("sub is not there, or too long")
	}
	return nil
}

func checkTimes(claims map[string]any, now time.Time) error {
	expires, there, ok := oauth.NumericDate(claims, "exp")
	if !there || !ok || !now.Add(-leeway).Before(time.Unix(expires, 0)) {
		return errors.New("exp is over, or not there: are both clocks right?")
	}
	for _, name := range []string{"iat", "nbf"} {
		at, there, ok := oauth.NumericDate(claims, name)
		if !ok || there && time.Unix(at, 0).After(now.Add(leeway)) || !there && name == "iat" {
			return fmt.Errorf("%s lies in the future, or is not there: are both clocks right?", name)
		}
	}
	return nil
}

// checkHash holds the access token to the ID token that names it (§3.1.3.6).
func (e expected) checkHash(claims map[string]any, algorithm string) error {
	named, there := claims["at_hash"]
	if !there || e.accessToken.Empty() {
		return nil
	}
	if named != halfHash(e.accessToken, algorithm) {
		return errors.New("at_hash is not of the access token that came with it")
	}
	return nil
}

// halfHash is the left half of the hash of a token. Ed25519 hashes with SHA-512.
func halfHash(token oauth.Secret, algorithm string) string {
	var sum []byte
	switch text := []byte(token.Reveal()); algorithm {
	case oauth.EdDSA:
		whole := sha512.Sum512(text)
		sum = whole[:]
	case oauth.ES384:
		whole := sha512.Sum384(text)
		sum = whole[:]
	default:
		whole := sha256.Sum256(text)
		sum = whole[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// checkSignIn reads when the account signed in there. Where a new sign-in was
// asked for, a provider that does not say when it was did not do it (§3.1.2.1).
func (e expected) checkSignIn(token *idToken, now time.Time) error {
	at, there, ok := oauth.NumericDate(token.claims, "auth_time")
	if !ok {
		return errors.New("ID token: auth_time is not a time")
	}
	if there {
		token.at = time.Unix(at, 0)
	}
	if token.at.After(now.Add(leeway)) {
		return errors.New("ID token: auth_time lies in the future: are both clocks right?")
	}
	if !e.since.IsZero() && token.at.Before(e.since.Add(-leeway)) {
		return refused(ReasonNotAgain, "auth_time is from before the new sign-in that was asked for")
	}
	return nil
}
