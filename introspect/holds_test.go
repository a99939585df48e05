package introspect_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func mustVerdict(t *testing.T, at *introspect.Introspector, token string) *introspect.Token {
	t.Helper()
	result, err := at.Introspect(t.Context(), introspect.Presented{Token: oauth.NewSecret(token)})
	if err != nil {
		t.Fatal(err)
	}
	return result.Token
}

func renewed(t *testing.T, at *introspect.Introspector, token string) string {
	t.Helper()
	_, err := at.Renew(context.Background(), oauth.NewSecret(token))
	var refusal *introspect.Refusal
	var unavailable *introspect.Unavailable
	switch {
	case err == nil:
		return "good"
	case errors.As(err, &refusal):
		return refusal.Reason
	case errors.As(err, &unavailable):
		return "unavailable"
	}
	t.Fatalf("error %v", err)
	return ""
}

// A verdict holds as long as the keys that it rests on are there, past its
// expiry too: that is for the caller to watch.
func TestAVerdictHoldsUntilItsKeysChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newKey("k1", oauth.ES256), newKey("k2", oauth.ES256)
		at := newIssuer(first)
		at2 := route(t, start(t, at, nil), nil)
		token := first.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() + 60}))
		verdict := mustVerdict(t, at2, token)
		if current, err := at2.Holds(verdict); !current || err != nil {
			t.Errorf("a fresh verdict: %v, %v", current, err)
		}
		pass(2 * time.Minute)
		if current, err := at2.Holds(verdict); !current || err != nil {
			t.Errorf("an expired verdict: %v, %v", current, err)
		}
		if got := renewed(t, at2, token); got != introspect.ReasonExpired {
			t.Errorf("an expired token is renewed: %s", got)
		}

		token = first.sign("at+jwt", claims(time.Now(), nil))
		verdict = mustVerdict(t, at2, token)
		at.set(first, second)
		pass(6 * time.Minute)
		if current, err := at2.Holds(verdict); current || err != nil {
			t.Errorf("after a rotation: %v, %v", current, err)
		}
		if got := renewed(t, at2, token); got != "good" {
			t.Errorf("the key is still there: %s", got)
		}
		at.set(second)
		pass(3 * time.Minute)
		token = first.sign("at+jwt", claims(time.Now(), nil))
		pass(3 * time.Minute)
		if got := renewed(t, at2, token); got != introspect.ReasonUnknownKey {
			t.Errorf("the key was withdrawn: %s", got)
		}
	})
}

func TestAnIssuerThatCannotSayTakesNothingBack(t *testing.T) {
	source := &realm{token: localToken(time.Now())}
	at := cachedRoute(t, source, nil, nil)
	verdict := mustVerdict(t, at, ownPrefix+"x")
	source.stale, source.token, source.err = true, nil, &introspect.Unavailable{Cause: errors.New("down")}
	if current, err := at.Holds(verdict); current || err != nil {
		t.Errorf("%v, %v", current, err)
	}
	if got := renewed(t, at, ownPrefix+"x"); got != "unavailable" {
		t.Error(got)
	}
	source.err = &introspect.Refusal{Reason: introspect.ReasonRevoked}
	if got := renewed(t, at, ownPrefix+"x"); got != introspect.ReasonRevoked {
		t.Error(got)
	}
}

// What the route asks of a token is asked again.
func TestHoldsAsksWhatTheRouteAsks(t *testing.T) {
	source := &realm{token: localToken(time.Now())}
	at := cachedRoute(t, source, nil, nil)
	other := *localToken(time.Now())
	other.Audience = []string{"https://other.example.com"}
	foreign := *localToken(time.Now())
	foreign.Issuer = "https://nobody.example.com"
	for want, token := range map[string]*introspect.Token{introspect.ReasonAudience: &other, introspect.ReasonIssuer: &foreign} {
		_, err := at.Holds(token)
		var refusal *introspect.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if got := at.IssuerURLs(); len(got) != 1 || got[0] != localToken(time.Now()).Issuer {
		t.Errorf("issuers %v", got)
	}
}
