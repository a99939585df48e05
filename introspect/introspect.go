package introspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6750, RFC 9068 §4

// maxLeeway is the most that the clocks of issuer and gateway may differ by (RS8).
const maxLeeway = 60 * time.Second

// Token is what a good access token says, whoever said so. It is shared by all
// requests that carry the token: nobody may change it.
type Token struct {
	// Issuer is the configured issuer that answers for the token.
	Issuer   string
	Subject  string
	ClientID string
	Scope    oauth.Scope
	Audience []string
	// ID is the jti; GrantID and SessionID are set for our own realms.
	ID, GrantID, SessionID string
	// Expires, NotBefore and IssuedAt are unix seconds; the latter two are 0 when
	// not given.
	Expires, NotBefore, IssuedAt int64
	// Until is when the verdict has to be asked for again, in unix seconds. 0
	// means that it holds until Expires.
	Until int64
	// Confirmation is what the caller must prove to have.
	Confirmation Confirmation
	// Claims are all claims, registered ones included, as decoded JSON.
	Claims map[string]any
	// Generation is the state of the source that the verdict rests on: its key
	// set or its revocations. Sources compare it in Current.
	Generation uint64
}

// Source is one issuer's way to say whether a token is good.
type Source interface {
	// Introspect gives a verdict on a token not seen before: the token, a
	// *Refusal when it is bad, an *Unavailable when nobody can say now.
	Introspect(ctx context.Context, token oauth.Secret) (*Token, error)
	// Current says whether a verdict given earlier still rests on what holds
	// now. It is asked on every cache hit, so it must not block or allocate.
	Current(token *Token) bool
}

// Issuer is one issuer that a route trusts.
type Issuer struct {
	// Name is how the configuration calls it; metrics use it as a label.
	Name string
	// URL is its issuer identifier, compared byte for byte with iss.
	URL string
	// Source answers for its tokens.
	Source Source
	// Fingerprint covers every setting that Source's verdicts read: a verdict
	// cached under another one is a miss.
	Fingerprint uint64
	// Local marks a realm of this process. Only such an issuer is ever given a
	// token that begins with one of Config.OwnPrefixes.
	Local bool
	// JWT says whether it answers for JWTs whose iss is URL.
	JWT bool
	// Opaque says whether it answers for a token that is not a JWT; nil means
	// for none. For our own realms that is decided by the prefix of the token;
	// at most one foreign issuer of a route may take all others.
	Opaque func(token string) bool
	// AudienceOptional accepts tokens that name no audience at all. It is for
	// introspection endpoints that never tell one.
	AudienceOptional bool
}

// Config is what one route asks of tokens.
type Config struct {
	Issuers []Issuer
	// Audiences are the accepted aud values: one must be in the token, exactly.
	Audiences []string
	// OwnPrefixes are how the opaque tokens of this process begin. They are
	// never given to an issuer that is not Local.
	OwnPrefixes []string
	// Cache holds verdicts; shared by all routes. nil for none.
	Cache *Cache
	// DenyList is asked on every call, cached verdicts included. nil for none.
	DenyList *DenyList
	// DPoP is how tokens bound to a key are taken; nil for not at all.
	DPoP *DPoP
	// CertificateRequired refuses tokens that are not bound to a certificate.
	CertificateRequired bool
	// Leeway is what clocks may differ by, 0 to 60 s.
	Leeway time.Duration
	Now    func() time.Time
}

// Introspector answers for one route.
type Introspector struct {
	config Config
	leeway int64 // seconds
}

// New checks a Config and makes its Introspector.
func New(config Config) (*Introspector, error) {
	if len(config.Issuers) == 0 {
		return nil, errors.New("no issuer is trusted: name one whose access tokens are accepted")
	}
	if len(config.Audiences) == 0 || slices.Contains(config.Audiences, "") {
		return nil, errors.New("no audience is set: name the aud value of access tokens for this API, or tokens made for any other API would be accepted here")
	}
	if config.Leeway < 0 || config.Leeway > maxLeeway {
		return nil, fmt.Errorf("clock leeway %s is out of bounds: use 0s to %s", config.Leeway, maxLeeway)
	}
	if config.Now == nil || slices.Contains(config.OwnPrefixes, "") {
		return nil, errors.New("a clock is needed, and no empty token prefix")
	}
	if err := config.DPoP.check(); err != nil {
		return nil, err
	}
	var introspecting *Issuer
	for i, issuer := range config.Issuers {
		switch {
		case issuer.URL == "" || issuer.Source == nil:
			return nil, fmt.Errorf("issuer %q has no URL or no source", issuer.Name)
		case slices.ContainsFunc(config.Issuers[:i], func(other Issuer) bool { return other.URL == issuer.URL }):
			return nil, fmt.Errorf("issuer %s is listed twice: keep one line for it", issuer.URL)
		case issuer.Local || issuer.Opaque == nil:
		case introspecting != nil:
			return nil, fmt.Errorf("issuers %q and %q both introspect opaque tokens: nothing in such a token says whose it is, so keep one of them on this route", introspecting.Name, issuer.Name)
		default:
			introspecting = &config.Issuers[i]
		}
	}
	return &Introspector{config: config, leeway: int64(config.Leeway / time.Second)}, nil
}

// Result is a verdict on a good token, and whether it came from the cache.
type Result struct {
	Token  *Token
	Issuer string // Issuer.Name
	Cached bool
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
	result, issuer, now, err := i.seek(ctx, presented.Token)
	if err != nil {
		return result, err
	}
	return i.decide(ctx, result, issuer, &presented, now)
}

// seek finds what an issuer says of a token, in the cache or by asking, and the
// time at which it did.
func (i *Introspector) seek(ctx context.Context, token oauth.Secret) (Result, *Issuer, time.Time, error) {
	text := token.Reveal()
	now := i.config.Now()
	if text == "" || len(text) > oauth.MaxTokenBytes {
		return Result{}, nil, now, refuse(ReasonMalformed)
	}
	if !i.config.DenyList.ready() {
		return Result{}, nil, now, unavailable(errors.New("the deny-list has not been read yet"))
	}
	digest := digestOf(text)
	if known, issuer := i.recall(&digest, now); known != nil {
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
		i.config.Cache.put(&entry{
			digest: *digest, issuer: issuer.URL, fingerprint: issuer.Fingerprint,
			until: verdict.until(), token: verdict,
		}, now)
	}
	return verdict, issuer, now, nil
}

// recall finds a verdict that still rests on what held when it was given.
func (i *Introspector) recall(digest *[sha256.Size]byte, now time.Time) (*Token, *Issuer) {
	found := i.config.Cache.get(digest)
	if found == nil || now.Unix() >= found.until {
		return nil, nil
	}
	for n := range i.config.Issuers {
		issuer := &i.config.Issuers[n]
		if issuer.URL != found.issuer {
			continue
		}
		if issuer.Fingerprint != found.fingerprint || !issuer.Source.Current(found.token) {
			return nil, nil
		}
		return found.token, issuer
	}
	return nil, nil
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

// decide applies what the route asks, what the time says and what the caller
// has proven. The proof comes last: it is used up by being looked at.
func (i *Introspector) decide(ctx context.Context, result Result, issuer *Issuer, presented *Presented, now time.Time) (Result, error) {
	err := i.check(result.Token, issuer, now.Unix())
	if err == nil {
		result.Nonce, err = i.prove(ctx, result.Token, presented, now)
	}
	if err != nil {
		return Result{Issuer: result.Issuer, Nonce: result.Nonce}, err
	}
	return result, nil
}

func (i *Introspector) check(token *Token, issuer *Issuer, now int64) error {
	switch {
	case token.Issuer != issuer.URL:
		return refuse(ReasonIssuer)
	case token.Subject == "":
		return refuse(ReasonClaims)
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
	for _, accepted := range i.config.Audiences {
		if slices.Contains(audience, accepted) {
			return true
		}
	}
	return false
}

// until is when the cache must forget the token. Routes differ in leeway, so
// expiry itself stays with check.
func (t *Token) until() int64 {
	if t.Until != 0 {
		return t.Until
	}
	return t.Expires + int64(maxLeeway/time.Second)
}
