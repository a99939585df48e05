package introspect

import (
	"errors"
	"fmt"
	"time"
)

// RFC 7662 §2.2, RFC 9068 §2.2, RFC 9449 §6.2

// readAnswer judges an introspection answer. active is not enough: what the
// answer says is held to the same rules as the claims of a JWT. An answer that
// is not what the RFC describes says nothing about the token.
func (f *Foreign) readAnswer(answer map[string]any) (*Token, error) {
	switch active, ok := answer["active"].(bool); {
	case !ok:
		return nil, unavailable(errors.New("introspection: the answer has no boolean member named active"))
	case !active:
		return nil, refuse(ReasonInactive)
	}
	answer, ok := withSubject(answer)
	if !ok {
		return nil, refuseClaim("sub")
	}
	token, err := readClaims(answer)
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Reason == ReasonClaims:
		return nil, unavailable(fmt.Errorf("introspection: %w: a member of the answer is not of its type, or too long", errOneToken))
	case err != nil:
		return nil, err
	}
	if err := f.checkAnswer(token); err != nil {
		return nil, err
	}
	token.Issuer = f.URL
	f.limit(token, f.Now())
	return token, nil
}

// checkAnswer says what can be said of an active token before any route is asked.
func (f *Foreign) checkAnswer(token *Token) error {
	answer := token.Claims.All()
	if _, there := answer["iss"]; there && token.Issuer != f.URL {
		return refuse(ReasonIssuer)
	}
	if !oneOf(answer, "token_type", token.Confirmation.tokenTypes()...) || saysOtherKind(answer) {
		return refuse(ReasonType)
	}
	if _, there := answer["aud"]; f.RequireAudience && !there || there && len(token.Audience) == 0 {
		return refuse(ReasonAudience)
	}
	return nil
}

// withSubject makes sure that an answer says whose token it is. Without sub, the
// token is the client's own, as with client credentials (RFC 9068 §2.2): then
// its subject is the client. An answer that names a user without sub is about a
// person whom we could only guess, so not even the client's id will do.
func withSubject(answer map[string]any) (map[string]any, bool) {
	if sub, there := answer["sub"]; there {
		return answer, sub != ""
	}
	client, isText := answer["client_id"].(string)
	if _, person := answer["username"]; person || !isText || client == "" {
		return nil, false
	}
	answer["sub"] = client
	return answer, true
}

// limit sets until when the answer may be used: CacheTTL, and never past exp.
// exp is optional in RFC 7662: without it the answer lives no longer than that.
func (f *Foreign) limit(token *Token, now time.Time) {
	token.Until = now.Add(f.CacheTTL).Unix()
	if !token.Dated() {
		token.Expires = now.Add(max(f.CacheTTL, time.Second)).Unix()
	}
	token.Until = min(token.Until, token.Expires)
}
