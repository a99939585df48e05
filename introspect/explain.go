package introspect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Explanation is a verdict on a token with what an operator wants to know of it.
type Explanation struct {
	// Issuer is the name of the issuer that answers for it, as far as that was
	// found out, and Cached says that its verdict was remembered.
	Issuer string
	Cached bool
	// Token is set when the issuer vouches for it, also when the route refuses it.
	Token *Token
	// Claims are what it says; unverified ones when Token is nil. nil when it is
	// not a JWT and nobody vouches for it.
	Claims map[string]any
	// Algorithm, KeyID and Type are the header of a JWT, unverified like Claims.
	Algorithm, KeyID, Type string
	// Err is a *Refusal or an *Unavailable; nil when the token is good. Of a
	// token that is bound (cnf) only a request could bring the proof.
	Err error
	// Detail says more about Err, with what the token says and what was expected.
	Detail string
}

// Explain says what Introspect would of a token, and why. It asks for no proof of
// possession and uses none up.
func (i *Introspector) Explain(ctx context.Context, token oauth.Secret) Explanation {
	result, issuer, now, err := i.seek(ctx, token, nil)
	e := Explanation{Issuer: result.Issuer, Cached: result.Cached, Token: result.Token, Err: err}
	if text := token.Reveal(); jwtShaped(text) && len(text) <= oauth.MaxTokenBytes {
		if jwt, err := readJWT(text); err == nil {
			e.Claims, e.Algorithm, e.KeyID, e.Type = jwt.claims, jwt.jws.Algorithm, jwt.jws.KeyID, jwt.jws.Type
		}
	}
	if e.Token != nil {
		e.Claims = e.Token.Claims.All()
		if e.Err = i.check(e.Token, issuer, now.Unix()); e.Err == nil {
			e.Err = i.provable(e.Token)
		}
	}
	e.Detail = i.detail(&e, now)
	return e
}

// detail is for operators: what comes from the token is quoted and cut.
func (i *Introspector) detail(e *Explanation, now time.Time) string {
	var refusal *Refusal
	switch {
	case e.Err == nil:
		return ""
	case !errors.As(e.Err, &refusal):
		return e.Err.Error()
	}
	switch refusal.Reason {
	case ReasonIssuer:
		return i.issuerDetail(e.Claims)
	case ReasonAudience:
		audience, _ := oauth.StringsMember(e.Claims, "aud")
		if len(audience) == 0 {
			return "it has no aud; this route takes " + listed(i.config.Audiences)
		}
		return fmt.Sprintf("aud is %s; this route takes %s", listed(audience), listed(i.config.Audiences))
	case ReasonExpired:
		return timeDetail(e.Claims, "exp", "expired %s ago, at %s", now)
	case ReasonNotYetValid:
		for _, claim := range [...]string{"nbf", "iat"} {
			if at, there, ok := oauth.NumericDate(e.Claims, claim); there && ok && at > now.Unix() {
				return timeDetail(e.Claims, claim, claim+" lies %s in the future, at %s", now)
			}
		}
	case ReasonAlgorithm:
		return fmt.Sprintf("alg is %.40q", e.Algorithm)
	case ReasonUnknownKey, ReasonSignature:
		return fmt.Sprintf("kid is %.100q, alg is %.40q", e.KeyID, e.Algorithm)
	case ReasonType:
		detail := fmt.Sprintf("typ is %.100q", e.Type)
		if claim := otherJWT(e.Claims); claim != "" {
			detail += fmt.Sprintf(", and %s is as in another kind of JWT", claim)
		}
		return detail
	case ReasonClaims:
		if _, there := e.Claims[refusal.Claim]; there {
			return refusal.Claim + " is not of its type, too long or empty"
		}
		return refusal.Claim + " is missing"
	case ReasonDenied:
		if entry := i.config.DenyList.find(e.Token); entry != nil {
			return fmt.Sprintf("entry %s of the deny-list, until %s", entry.ID, entry.Expires.UTC().Format(time.RFC3339))
		}
	}
	return ""
}

func (i *Introspector) issuerDetail(claims map[string]any) string {
	if claims == nil {
		return "it is not a JWT, and no issuer of this route takes it as an opaque token"
	}
	iss, _ := oauth.StringMember(claims, "iss")
	return fmt.Sprintf("iss is %.200q; this route trusts %s", iss, listed(i.IssuerURLs()))
}

// timeDetail says how far a time lies from now; "" when the token has none.
func timeDetail(claims map[string]any, name, format string, now time.Time) string {
	at, there, ok := oauth.NumericDate(claims, name)
	if !there || !ok {
		return ""
	}
	apart := time.Duration(now.Unix()-at) * time.Second
	return fmt.Sprintf(format, apart.Abs(), time.Unix(at, 0).UTC().Format(time.RFC3339))
}

// listed writes a list of texts, of which there may be many.
func listed(texts []string) string {
	const most = 10
	out := make([]string, 0, most+1)
	for _, text := range texts {
		if len(out) == most {
			out = append(out, "…")
			break
		}
		out = append(out, fmt.Sprintf("%.200q", text))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
