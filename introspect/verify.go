package introspect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7515 §5.2, RFC 7519 §7.2

// verify refuses what it can without a key, then checks the signature.
func (r *Remote) verify(ctx context.Context, jwt *unverified) (*Token, error) {
	f := &r.foreign
	if !slices.Contains(f.Algorithms, jwt.jws.Algorithm) {
		return nil, refuse(ReasonAlgorithm)
	}
	token, err := readClaims(jwt.claims)
	if err != nil {
		return nil, err
	}
	if token.Issuer != f.URL {
		return nil, refuse(ReasonIssuer)
	}
	if err := checkJWT(jwt, token, f.TokenType, f.Now(), f.Leeway); err != nil {
		return nil, err
	}
	key, generation, err := r.key(ctx, jwt.jws)
	if err != nil {
		return nil, err
	}
	if _, err := jwt.jws.Verify(key); err != nil {
		return nil, refuse(ReasonSignature)
	}
	token.Generation = generation
	return token, nil
}

// key finds the key that a token names. An unknown kid may be a new key: the
// set is then read again, now and then, and the request waits a moment for it.
// While the issuer cannot be asked, an unknown key is nobody's fault.
func (r *Remote) key(ctx context.Context, jws *oauth.JWS) (oauth.VerifyKey, uint64, error) {
	var trouble error
	set := r.fresh()
	if set == nil {
		trouble = r.refresher.await(ctx, false)
		if set = r.fresh(); set == nil {
			return oauth.VerifyKey{}, 0, unavailable(errors.Join(fmt.Errorf("there are no keys of %s, or they are too old", r.foreign.URL), trouble))
		}
	}
	key, found, known := set.find(jws.KeyID, jws.Algorithm)
	if !known {
		trouble = r.refresher.await(ctx, true)
		if newer := r.fresh(); newer != nil {
			set = newer
		}
		key, found, known = set.find(jws.KeyID, jws.Algorithm)
	}
	switch {
	case found:
		return key, set.generation, nil
	case known && jws.KeyID != "":
		return key, 0, refuse(ReasonAlgorithm)
	case !known && trouble != nil:
		return key, 0, unavailable(trouble)
	default:
		return key, 0, refuse(ReasonUnknownKey)
	}
}
