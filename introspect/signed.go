package introspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// RFC 9701 §4, §5 and §8, RFC 8725 §3.11

// signedAnswerType is the media type of a signed answer.
const signedAnswerType = "application/token-introspection+jwt"

// verifier says whether a signature holds by the issuer's keys.
type verifier func(ctx context.Context, jws *oauth.JWS) error

// openSigned checks who signed an answer, that it was made for us and now, and
// gives what it says of the token: the member token_introspection and nothing
// else. Whatever is wrong with it is the endpoint's fault, not the token's.
func (f *Foreign) openSigned(ctx context.Context, body string, verify verifier) (map[string]any, error) {
	text := strings.TrimSpace(body)
	if strings.Count(text, ".") == 4 {
		return nil, errors.New("the answer is encrypted, which is not supported: switch the encryption of introspection answers off for our client over there; signed ones are enough")
	}
	jws, err := oauth.ParseJWSWithin(text, outbound.MaxBody)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer is no signed JWT: %w", err)
	case "application/"+jws.MediaType() != signedAnswerType:
		return nil, errors.New("the JWT in the answer has another typ than token-introspection+jwt")
	case !slices.Contains(f.Algorithms, jws.Algorithm):
		return nil, fmt.Errorf("the answer is signed by an algorithm that this issuer is not trusted with; it may use %v", f.Algorithms)
	}
	if err := verify(ctx, jws); err != nil {
		return nil, fmt.Errorf("the signature of the answer does not hold: %s", keyTrouble(err))
	}
	claims, err := oauth.DecodeObject(jws.UnverifiedPayload())
	if err != nil {
		return nil, fmt.Errorf("the signed answer is %w", err)
	}
	if err := f.checkSigned(claims); err != nil {
		return nil, err
	}
	answer, ok := claims["token_introspection"].(map[string]any)
	if !ok {
		return nil, errors.New("the signed answer has no object named token_introspection")
	}
	return answer, sameTokenMembers(answer)
}

// checkSigned holds the claims around the answer to RFC 9701 §5.
func (f *Foreign) checkSigned(claims map[string]any) error {
	issuer, _ := oauth.StringMember(claims, "iss")
	audience, _ := oauth.StringsMember(claims, "aud")
	issuedAt, there, ok := oauth.NumericDate(claims, "iat")
	now, slack := f.Now().Unix(), int64(MaxLeeway.Seconds())
	switch {
	case issuer != f.URL:
		return fmt.Errorf("the signed answer is of the issuer %q, configured is %q: both must be the same, byte for byte", clip(issuer), f.URL)
	case !slices.Contains(audience, f.ClientID):
		return fmt.Errorf("the signed answer is not for our client: its aud does not name %q", f.ClientID)
	case !there || !ok:
		return errors.New("the signed answer does not say when it was made (iat)")
	case issuedAt > now+slack || issuedAt < now-slack:
		return fmt.Errorf("the signed answer was made more than %s from now: an old answer was kept, or the clocks differ", MaxLeeway)
	}
	if expires, there, ok := oauth.NumericDate(claims, "exp"); !ok || there && expires <= now-slack {
		return errors.New("the signed answer has expired")
	}
	return nil
}

// sameTokenMembers refuses names that differ in case only: DecodeObject does so
// at the top alone, and here the answer lies one level below.
func sameTokenMembers(answer map[string]any) error {
	folded := make(map[string]struct{}, len(answer))
	for name := range answer {
		folded[strings.ToLower(name)] = struct{}{}
	}
	if len(folded) != len(answer) {
		return errors.New("the signed answer says something twice")
	}
	return nil
}

// keyTrouble puts the reason of a signature that does not hold into words. It is
// no refusal of the token, and must not become one on its way up.
func keyTrouble(err error) string {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return "no key that the issuer publishes fits (" + refusal.Reason + ")"
	}
	return err.Error()
}
