package caddymodule

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 7519 §4.1.4, RFC 7662 §4

const (
	// askAgainAfter is the least time, in seconds, until an issuer is asked about
	// the token of an answer once more: also one whose verdicts may not be kept,
	// or who cannot say at the moment.
	askAgainAfter = 5
	// askTimeout bounds one question.
	askTimeout = 10 * time.Second
)

// carrier is the token that carries an answer for as long as it is good.
type carrier struct {
	introspector *introspect.Introspector
	secret       oauth.Secret
	grace        int64 // seconds

	mu     sync.Mutex
	token  *introspect.Token
	judged int64 // when token was last found good; 0 for at the door
	asking bool
	retry  int64 // not to be judged anew before
}

// review says what is to become of the answer: ask, the token has to be judged
// anew; or a reason, it carries nothing any more. While nobody can judge a token
// it carries on, up to its expiry.
func (c *carrier) review(now int64) (ask bool, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.judged == 0 {
		c.judged = now
	}
	if now >= c.end() {
		return false, introspect.ReasonExpired
	}
	current, err := c.introspector.Holds(c.token)
	if reason := refusalReason(err); reason != "" {
		return false, reason
	}
	due := !current || c.token.Until != 0 && now >= max(c.token.Until, c.judged+askAgainAfter)
	if !due || c.asking || now < c.retry || c.expired(now) {
		return false, ""
	}
	c.asking = true
	return true, ""
}

// end is when the token carries nothing any more, whoever says so. One whose
// expiry nobody told ends when it is not confirmed in time.
func (c *carrier) end() int64 {
	if c.token.Dated() {
		return c.token.Expires + c.grace
	}
	return max(c.token.Expires, c.judged+askAgainAfter) + c.grace
}

// expired says whether only the grace is left: nobody would call the token good
// now, and that says nothing new.
func (c *carrier) expired(now int64) bool { return c.token.Dated() && now >= c.token.Expires }

// renew has the token judged anew and gives the reason when it fell.
func (c *carrier) renew(now func() time.Time) (reason string) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	token, err := c.introspector.Renew(ctx, c.secret)
	at := now().Unix()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking = false
	switch {
	case err == nil:
		c.token, c.judged = token, at
	case refusalReason(err) == "":
		c.retry = at + askAgainAfter
	case !c.expired(at):
		return refusalReason(err)
	}
	return ""
}

// refusalReason is why a token was refused; "" for any other outcome.
func refusalReason(err error) string {
	var refused *introspect.Refusal
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return ""
}
