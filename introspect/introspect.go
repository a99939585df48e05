package introspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6750, RFC 9068 §4

// Introspector answers for one route.
type Introspector struct {
	config  Config
	issuers map[string]*Issuer // of config, by URL
	leeway  int64              // seconds
}

// Result is a verdict on a good token, and whether it came from the cache.
type Result struct {
	Token *Token
	// Refused is what a token says that its issuer vouches for and the route
	// refuses, for logs alone; nil for all others.
	Refused *Token
	Issuer  string // Issuer.Name
	Cached  bool
	// Nonce is one for the caller's next DPoP proof, "" for none. It is set on
	// refusals too.
	Nonce string
}

// Introspect says whether a token is good for the route: *Refusal or
// *Unavailable when not. The issuer's name is set as far as it was found out.
//
// The cache holds what sources said. What depends on the route or on the time
// is checked on every call, so a hit and a miss decide alike (RS33).
func (i *Introspector) Introspect(ctx context.Context, presented Presented) (Result, error) {
	result, issuer, now, err := i.seek(ctx, presented.Token, presented.Room)
	if err == nil {
		err = i.check(result.Token, issuer, now.Unix())
	}
	if err == nil {
		// Last, for a proof is used up by being looked at.
		result.Nonce, err = i.prove(ctx, result.Token, &presented, now)
	}
	if err != nil {
		return Result{Refused: result.Token, Issuer: result.Issuer, Nonce: result.Nonce}, err
	}
	return result, nil
}

// seek finds what an issuer says of a token, in the cache or by asking, and the
// time at which it did. What the cache has is written into room, where there is one.
func (i *Introspector) seek(ctx context.Context, token oauth.Secret, room *Token) (Result, *Issuer, time.Time, error) {
	text := token.Reveal()
	now := i.config.Now()
	if text == "" || len(text) > oauth.MaxTokenBytes {
		return Result{}, nil, now, refuse(ReasonMalformed)
	}
	if !i.config.DenyList.ready() && !i.config.DenyListLater {
		return Result{}, nil, now, unavailable(errors.New("the deny-list has not been read yet"))
	}
	digest := digestOf(text)
	if known, issuer := i.recall(&digest, now, room); known != nil {
		return Result{Token: known, Issuer: issuer.Name, Cached: true}, issuer, now, nil
	}
	verdict, issuer, now, err := i.learn(ctx, token, &digest)
	result := Result{Token: verdict}
	if issuer != nil {
		result.Issuer = issuer.Name
	}
	return result, issuer, now, err
}

// learn asks the issuer that answers for a token, and remembers what it says.
// The issuer is given as far as it was found out, and the time at which it
// answered: it may have taken a while.
func (i *Introspector) learn(ctx context.Context, token oauth.Secret, digest *[sha256.Size]byte) (*Token, *Issuer, time.Time, error) {
	issuer, jwt, err := i.route(token.Reveal())
	if err != nil {
		return nil, nil, i.config.Now(), err
	}
	verdict, err := ask(ctx, issuer, token, jwt)
	now := i.config.Now()
	if err != nil {
		return nil, issuer, now, err
	}
	// What this route does not take must not drive out what it does: there may be
	// any number of expired tokens (F23).
	if i.check(verdict, issuer, now.Unix()) == nil {
		verdict = i.config.Cache.put(digest, issuer, verdict, now)
	}
	return verdict, issuer, now, nil
}

// recall finds a verdict that still rests on what held when it was given.
func (i *Introspector) recall(digest *[sha256.Size]byte, now time.Time, room *Token) (*Token, *Issuer) {
	found := i.config.Cache.get(digest)
	if found == nil {
		return nil, nil
	}
	issuer := i.issuer(found.common.issuer)
	if issuer == nil || issuer.Fingerprint != found.fingerprint {
		return nil, nil
	}
	if room == nil {
		room = new(Token)
	}
	known := found.unpack(room)
	if now.Unix() >= known.until() || !issuer.Source.Current(known) {
		return nil, nil
	}
	return known, issuer
}

// ask turns whatever a source answers into a token, a refusal or Unavailable.
func ask(ctx context.Context, issuer *Issuer, token oauth.Secret, jwt *unverified) (verdict *Token, err error) {
	if reader, ok := issuer.Source.(jwtSource); ok && jwt != nil {
		verdict, err = reader.introspectJWT(ctx, token, jwt)
	} else {
		verdict, err = issuer.Source.Introspect(ctx, token)
	}
	var refusal *Refusal
	var unavailable *Unavailable
	switch {
	case err == nil && verdict != nil:
		return verdict, nil
	case errors.As(err, &refusal):
		return nil, refusal
	case errors.As(err, &unavailable):
		return nil, unavailable
	case err == nil:
		err = errors.New("the source gave no verdict")
	}
	return nil, &Unavailable{Cause: err, RetryAfter: retrySoon}
}

// check applies what the route asks and what the time says.
func (i *Introspector) check(token *Token, issuer *Issuer, now int64) error {
	switch {
	case token.Issuer != issuer.URL:
		return refuse(ReasonIssuer)
	case token.Subject == "":
		return refuseClaim("sub")
	// RFC 7519 §4.1.4: on or after exp the token is dead.
	case now >= token.Expires+i.leeway:
		return refuse(ReasonExpired)
	case now < token.NotBefore-i.leeway, token.issuedLater(now, i.leeway):
		return refuse(ReasonNotYetValid)
	case i.config.DenyList.denies(token):
		return refuse(ReasonDenied)
	case len(token.Audience) == 0 && issuer.AudienceOptional:
		return nil
	case !i.forUs(token.Audience):
		return refuse(ReasonAudience)
	}
	return nil
}

// forUs compares audiences exactly (RFC 9068 §4, RFC 7519 §4.1.3).
func (i *Introspector) forUs(audience []string) bool {
	return slices.ContainsFunc(i.config.Audiences, func(accepted string) bool { return slices.Contains(audience, accepted) })
}
