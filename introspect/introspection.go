package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7662

const (
	// maxIntrospections bounds the calls to one endpoint at a time (RS32).
	maxIntrospections = 64
	// maxWaiting bounds the calls that wait for their turn. They outlive the
	// requests that they were made for, so strangers could pile them up.
	maxWaiting = 256
)

// introspectionClient asks an introspection endpoint about tokens.
type introspectionClient struct {
	foreign *Foreign
	health  *health
	flights singleflight.Group
	slots   chan struct{} // held by calls that run
	waiting chan struct{} // held by calls that run or wait
	breaker breaker
	refused *refused
}

func newIntrospectionClient(foreign *Foreign) *introspectionClient {
	return &introspectionClient{
		foreign: foreign,
		health:  newHealth(foreign.Log, "introspection at "+foreign.URL),
		slots:   make(chan struct{}, maxIntrospections),
		waiting: make(chan struct{}, maxIntrospections+maxWaiting),
		refused: newRefused(foreign.NegativeTTL),
	}
}

// introspect gives the verdict of the endpoint. However many requests bring the
// same token at once, one call is made; it goes on when its first caller gives
// up, for the others and for the cache.
func (c *introspectionClient) introspect(ctx context.Context, token oauth.Secret, endpoint string) (*Token, error) {
	digest := token.Digest()
	if reason, there := c.refused.reason(digest, c.foreign.Now()); there {
		return nil, refuse(reason)
	}
	flight := c.flights.DoChan(string(digest[:]), func() (verdict any, err error) {
		// A panic here would end the process: nobody stands above a flight.
		defer func() {
			if p := recover(); p != nil {
				err = unavailable(fmt.Errorf("introspection: panic: %v", p))
			}
		}()
		found, err := c.call(context.WithoutCancel(ctx), token, endpoint)
		var refusal *Refusal
		if errors.As(err, &refusal) {
			c.refused.add(digest, refusal.Reason, c.foreign.Now())
		}
		return found, err
	})
	select {
	case result := <-flight:
		verdict, _ := result.Val.(*Token)
		return verdict, result.Err
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
}

// call makes one call within bounds: a place in the queue, the breaker's leave
// and the time-out, which covers the wait for a place as well.
func (c *introspectionClient) call(ctx context.Context, token oauth.Secret, endpoint string) (*Token, error) {
	select {
	case c.waiting <- struct{}{}:
		defer func() { <-c.waiting }()
	default:
		return nil, unavailable(errors.New("introspection: too many calls wait for the endpoint"))
	}
	ctx, cancel := context.WithTimeout(ctx, c.foreign.Timeout)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, unavailable(errors.New("introspection: too many calls wait for the endpoint"))
	}
	began := c.foreign.Now()
	if !c.breaker.allow(began) {
		return nil, &Unavailable{Cause: errors.New("introspection: the endpoint failed repeatedly and is left alone for a moment"), RetryAfter: breakFor}
	}
	verdict, err := c.exchange(ctx, token, endpoint)
	c.observe(err, began)
	return verdict, err
}

// observe tells the breaker, the operator and the counters how a call ended.
// A refusal is a good answer about a bad token.
func (c *introspectionClient) observe(err error, began time.Time) {
	now := c.foreign.Now()
	var fault *Unavailable
	failed := errors.As(err, &fault)
	c.breaker.report(!failed || aboutToken(err), now)
	result := "active"
	switch {
	case failed:
		result = "error"
		c.health.bad(fault.Cause, now)
	case err != nil:
		result = "inactive"
	}
	if !failed {
		c.health.good(now)
	}
	c.foreign.Observer.Introspected(c.foreign.Name, result, now.Sub(began))
}

// exchange posts the token, form-encoded so that no text in it can become
// another parameter, with the client's credentials in Basic (RFC 7662 §2.1,
// RFC 6749 §2.3.1).
func (c *introspectionClient) exchange(ctx context.Context, token oauth.Secret, endpoint string) (*Token, error) {
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {"access_token"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, unavailable(fmt.Errorf("introspection: %w", err))
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(c.foreign.ClientID), url.QueryEscape(c.foreign.ClientSecret.Reveal()))
	body, err := roundTrip(c.foreign.Client, request)
	if err != nil {
		return nil, unavailable(explain(err))
	}
	return c.foreign.readAnswer(body)
}

// explain turns the refusal of our own credentials into advice: it is our
// configuration that is wrong, not the caller's token (RFC 7662 §2.3).
func explain(err error) error {
	var status *statusError
	if errors.As(err, &status) && (status.code == http.StatusUnauthorized || status.code == http.StatusForbidden) {
		return fmt.Errorf("introspection: the endpoint refuses our client (%w): check client and secret in the configuration of this issuer, and that it may introspect", err)
	}
	return fmt.Errorf("introspection: %w", err)
}

// aboutToken says whether an endpoint failed on this one request: it is up, and a
// stranger who sends what it does not like must not open the breaker for all.
func aboutToken(err error) bool {
	var status *statusError
	if !errors.As(err, &status) || status.code < 400 || status.code > 499 {
		return false
	}
	switch status.code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return true
}

// readAnswer judges an introspection answer (RFC 7662 §2.2). An answer that is
// not what the RFC describes says nothing about the token.
func (f *Foreign) readAnswer(body []byte) (*Token, error) {
	answer, err := oauth.DecodeObject(body)
	if err != nil {
		return nil, unavailable(fmt.Errorf("introspection: answer is %w", err))
	}
	switch active, ok := answer["active"].(bool); {
	case !ok:
		return nil, unavailable(errors.New("introspection: the answer has no boolean member named active"))
	case !active:
		return nil, refuse(ReasonInactive)
	}
	token, err := readClaims(answer)
	switch {
	case err != nil:
		return nil, err
	case token.Issuer != "" && token.Issuer != f.URL:
		return nil, refuse(ReasonIssuer)
	case !oneOf(answer, "token_type", token.Confirmation.tokenTypes()...) || saysOtherKind(answer):
		return nil, refuse(ReasonType)
	}
	if _, there := answer["aud"]; f.RequireAudience && !there || there && len(token.Audience) == 0 {
		return nil, refuse(ReasonAudience)
	}
	now := f.Now()
	token.Issuer = f.URL
	f.limit(token, now)
	return token, nil
}

// limit sets until when the answer may be used: CacheTTL, and never past exp.
// exp is optional in RFC 7662: without it the answer lives no longer than that.
func (f *Foreign) limit(token *Token, now time.Time) {
	token.Until = now.Add(f.CacheTTL).Unix()
	if _, there := token.Claims["exp"]; !there {
		token.Expires = now.Add(max(f.CacheTTL, time.Second)).Unix()
	}
	token.Until = min(token.Until, token.Expires)
}
