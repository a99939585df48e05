package introspect

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9470 §3 and §5

// loggedIn says whether the login behind a token is strong enough (acr) and
// fresh enough (auth_time). A token that does not tell is not.
func (q *Requirement) loggedIn(token *Token, now time.Time, leeway time.Duration) bool {
	if len(q.ACR) == 0 && q.MaxAge == 0 {
		return true
	}
	claims := token.Claims.All()
	if len(q.ACR) > 0 {
		if acr, _ := claims["acr"].(string); !slices.Contains(q.ACR, acr) {
			return false
		}
	}
	if q.MaxAge == 0 {
		return true
	}
	at, present, ok := oauth.NumericDate(claims, "auth_time")
	age, apart := now.Unix()-at, int64(leeway/time.Second)
	return present && ok && age <= int64(q.MaxAge/time.Second)+apart && age >= -apart
}

func (r Rule) checkStepUp() error {
	for _, acr := range r.ACR {
		// The values stand in a challenge, separated by spaces (RFC 9470 §3).
		if !oauth.ValidScopeToken(acr) {
			return fmt.Errorf("%q is not an acr value: it is printable ASCII without spaces, quotes and backslashes", acr)
		}
	}
	if r.MaxAge < 0 || r.MaxAge%time.Second != 0 {
		return errors.New("max_age is in whole seconds, and 1s at least")
	}
	return nil
}
