package introspect

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7662 §4, RFC 7519 §4.1.4

// Holds says whether a verdict that Introspect gave earlier still holds, for
// answers that go on for long. It asks nobody and does not block.
//
// current is false when the token has to be judged anew, by Renew: the keys or
// the revocations that the verdict rests on have changed since. A *Refusal says
// that the token fell: an operator has denied it. Expiry and Token.Until are the
// caller's to watch, for it alone knows what grace it gives.
func (i *Introspector) Holds(token *Token) (current bool, err error) {
	issuer := i.issuer(token.Issuer)
	if issuer == nil {
		return false, refuse(ReasonIssuer)
	}
	if err := i.check(token, issuer, min(i.config.Now().Unix(), token.Expires-1)); err != nil {
		return false, err
	}
	return issuer.Source.Current(token), nil
}

// Renew judges a token anew for an answer that has begun: as Introspect does,
// but for the proof of possession, which was used up at the door.
func (i *Introspector) Renew(ctx context.Context, token oauth.Secret) (*Token, error) {
	result, issuer, now, err := i.seek(ctx, token, nil)
	if err != nil {
		return nil, err
	}
	if err := i.check(result.Token, issuer, now.Unix()); err != nil {
		return nil, err
	}
	return result.Token, nil
}
