package introspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7662 §2.1

// introspectionClient asks an introspection endpoint about tokens.
type introspectionClient struct {
	foreign *Foreign
	verify  verifier // of signed answers
	health  *health
	flights singleflight.Group
	lanes   *lanes
	// strangers can make an endpoint fail, or ask for a rest, by what they send.
	// That does not keep out whose token it vouched for lately: these are known.
	known, strangers breaker

	refused *refused
	trouble atomic.Pointer[string] // how the last call failed; nil when it did not
}

func newIntrospectionClient(foreign *Foreign, verify verifier) *introspectionClient {
	return &introspectionClient{
		foreign: foreign,
		verify:  verify,
		health:  newHealth(foreign.Log, "introspection at "+foreign.URL),
		lanes:   newLanes(foreign.CacheTTL),
		refused: newRefused(foreign.NegativeTTL),

		known: breaker{maxRest: maxRestOfKnown}, strangers: breaker{maxRest: maxRest},
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
		found, err := c.call(context.WithoutCancel(ctx), token, digest, endpoint)
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

// call makes one call within bounds: a place in a lane, the breaker's leave and
// the time-out, which covers the wait for a place as well. Half of it at least
// is left for the call itself.
func (c *introspectionClient) call(ctx context.Context, token oauth.Secret, digest [sha256.Size]byte, endpoint string) (*Token, error) {
	ctx, cancel := context.WithTimeout(ctx, c.foreign.Timeout)
	defer cancel()
	breaker, known := &c.strangers, c.lanes.knows(digest, c.foreign.Now())
	if known {
		breaker = &c.known
	}
	leave, waited, err := c.lanes.enter(ctx, known, c.foreign.Timeout/2)
	if err != nil {
		return nil, unavailable(err)
	}
	defer leave()
	began := c.foreign.Now()
	if wait, ok := breaker.allow(began); !ok {
		return nil, &Unavailable{Cause: errors.New("introspection: the endpoint failed repeatedly, or asked for a rest, and is left alone for a moment"), RetryAfter: wait}
	}
	verdict, err := c.post(ctx, token, endpoint)
	c.observe(breaker, err, began, waited && errors.Is(ctx.Err(), context.DeadlineExceeded))
	c.lanes.learn(digest, err, c.foreign.Now())
	return verdict, err
}

// observe tells the breaker, the operator and the counters how a call ended. A
// refusal is a good answer about a bad token. A call that was cut short because
// it had to wait for its place says nothing about the endpoint.
func (c *introspectionClient) observe(breaker *breaker, err error, began time.Time, cutShort bool) {
	now := c.foreign.Now()
	result := "active"
	var fault *Unavailable
	switch {
	case errors.As(err, &fault):
		result = "error"
		if !cutShort {
			breaker.report(aboutToken(err), now)
		}
		if rest := askedForRest(err, now); rest > 0 {
			fault.RetryAfter = breaker.pause(rest, now)
		}
		text := fault.Cause.Error()
		c.trouble.Store(&text)
		c.health.bad(fault.Cause, now)
	default:
		if err != nil {
			result = "inactive"
		}
		c.known.report(true, now)
		c.strangers.report(true, now)
		c.trouble.Store(nil)
		c.health.good(now)
	}
	c.foreign.Observer.Introspected(c.foreign.Name, result, now.Sub(began))
}

// status is what Remote.Status says of introspection; of the two breakers the
// one that is worse off.
func (c *introspectionClient) status() (breaker, trouble string) {
	if last := c.trouble.Load(); last != nil {
		trouble = *last
	}
	now := c.foreign.Now()
	return worseState(c.known.stateAt(now), c.strangers.stateAt(now)), trouble
}

// post sends the token, form-encoded so that no text in it can become another
// parameter, with our credentials, and judges the answer.
func (c *introspectionClient) post(ctx context.Context, token oauth.Secret, endpoint string) (*Token, error) {
	f := c.foreign
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {"access_token"}}
	authorization, err := f.authenticate(form, f.URL, f.Now())
	if err != nil {
		return nil, unavailable(fmt.Errorf("introspection: %w", err))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, unavailable(fmt.Errorf("introspection: %w", err))
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	if f.SignedResponse {
		request.Header.Set("Accept", signedAnswerType)
	}
	body, _, err := roundTrip(f.Client, request)
	if err != nil {
		return nil, unavailable(f.advise(err))
	}
	answer, err := c.openAnswer(ctx, body)
	if err != nil {
		return nil, unavailable(fmt.Errorf("introspection: %w", err))
	}
	return f.readAnswer(answer)
}

// openAnswer gives the members of an answer, out of its signature if it must
// have one.
func (c *introspectionClient) openAnswer(ctx context.Context, body []byte) (map[string]any, error) {
	if c.foreign.SignedResponse {
		return c.foreign.openSigned(ctx, string(body), c.verify)
	}
	answer, err := oauth.DecodeObject(body)
	if err != nil {
		return nil, fmt.Errorf("the answer is %w", err)
	}
	return answer, nil
}
