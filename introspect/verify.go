package introspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
	// One text for all tokens of the issuer: a cache holds many.
	token.Issuer = f.URL
	now := f.Now()
	if err := checkJWT(jwt, token, f.TokenType, now); err != nil {
		return nil, err
	}
	if err := f.limitAge(token, now); err != nil {
		return nil, err
	}
	set, err := r.signer(ctx, jwt.jws)
	if err != nil {
		return nil, err
	}
	token.Generation = set.generation
	// Verified by now: the cache keeps the claims as they came.
	token.Claims.text = string(jwt.jws.UnverifiedPayload())
	return token, nil
}

// limitAge refuses a token that was issued too long ago, whatever its exp says,
// and has the cache forget it when it will have been.
func (f *Foreign) limitAge(token *Token, now time.Time) error {
	if f.MaxTokenAge == 0 {
		return nil
	}
	if token.IssuedAt == 0 {
		return refuseClaim("iat")
	}
	token.Until = min(token.IssuedAt+int64(f.MaxTokenAge/time.Second), token.until())
	if now.Unix() >= token.Until {
		return refuse(ReasonExpired)
	}
	return nil
}

// signer gives the key set by which the signature holds. What fails by the set
// at hand may hold by a newer one, for the issuer may have changed its keys a
// moment ago, under a new name, the old one or none. So the set is read again,
// now and then, and the request waits a moment for it. What failed all the same
// is refused at once from then on, until a newer set was read or is due.
func (r *Remote) signer(ctx context.Context, jws *oauth.JWS) (*snapshot, error) {
	set, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	reason := set.judge(jws)
	if reason == "" {
		return set, nil
	}
	// After a failed read nobody can say any more that the key is not there.
	if set.doubts.have(doubtOf(reason, jws)) && !r.refresher.due() && r.refresher.well() {
		return nil, refuse(reason)
	}
	trouble := r.refresher.await(ctx, true)
	if newer := r.fresh(); newer != nil && newer != set {
		set, reason = newer, newer.judge(jws)
	}
	switch {
	case reason == "":
		return set, nil
	// While the issuer cannot be asked, an unknown key is nobody's fault; nor is
	// anything while the answer is still to come.
	case trouble != nil && (reason == ReasonUnknownKey || errors.Is(trouble, errNotYet)):
		return nil, unavailable(trouble)
	}
	set.doubts.add(doubtOf(reason, jws))
	return nil, refuse(reason)
}

// current gives the key set; where there is none it waits a moment for one.
func (r *Remote) current(ctx context.Context) (*snapshot, error) {
	if set := r.fresh(); set != nil {
		return set, nil
	}
	trouble := r.refresher.await(ctx, false)
	if set := r.fresh(); set != nil {
		return set, nil
	}
	return nil, unavailable(errors.Join(fmt.Errorf("there are no keys of %s, or they are too old", r.foreign.URL), trouble))
}

// judge says why a signature does not hold by the keys of the set; "" when it
// does.
func (s *keySet) judge(jws *oauth.JWS) (reason string) {
	key, found, known := s.find(jws.KeyID, jws.Algorithm)
	switch {
	case found:
		if _, err := jws.Verify(key); err != nil {
			return ReasonSignature
		}
		return ""
	case known && jws.KeyID != "":
		return ReasonAlgorithm
	default:
		return ReasonUnknownKey
	}
}
