package introspect_test

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// withNonces is a route that wants a nonce, at a moment.
func withNonces(t *testing.T, key *dpoptest.Key, known *register, now *time.Time) *introspect.Introspector {
	return proving(t, vouching{Key: key.Thumbprint()}, known, func(config *introspect.Config) {
		config.DPoP.Nonce, config.Now = 5*time.Minute, func() time.Time { return *now }
	})
}

func TestRFC9449_8_NoncesOfTheServer(t *testing.T) {
	key, known, now := dpoptest.NewKey(), new(register), proofTime // at the start of a span of 5 minutes
	at := withNonces(t, key, known, &now)
	try := func(nonce string) (string, string) {
		changes := map[string]any{"iat": now.Unix()}
		if nonce != "" {
			changes["nonce"] = nonce
		}
		return outcome(at, request(key, changes))
	}
	got, first := try("")
	if got != useNonce || len(first) != 32 {
		t.Fatalf("without: %q, nonce %q", got, first)
	}
	if got, given := try("x"); got != useNonce || given != first {
		t.Errorf("an invented one: %q, nonce %q", got, given)
	}
	if len(known.spent) != 0 {
		t.Error("a proof without the nonce is used up")
	}
	if got, given := try(first); got != "ok" || given != "" {
		t.Errorf("the one that was given: %q, nonce %q", got, given)
	}
	now = proofTime.Add(5*time.Minute - time.Second)
	if got, given := try(first); got != "ok" || given != "" {
		t.Errorf("at the end of its span: %q, nonce %q", got, given)
	}
	// RFC 9449 §8.2: the answer brings a new one before the old one ends.
	now = proofTime.Add(5 * time.Minute)
	got, second := try(first)
	if got != "ok" || second == "" || second == first {
		t.Errorf("in the span after: %q, nonce %q", got, second)
	}
	now = proofTime.Add(10 * time.Minute)
	if got, given := try(first); got != useNonce || given == first || given == second {
		t.Errorf("two spans later: %q, nonce %q", got, given)
	}
	if got, _ := try(second); got != "ok" {
		t.Errorf("the second one: %q", got)
	}
	// A nonce of a node whose clock is a little ahead.
	now = proofTime.Add(5*time.Minute - 5*time.Second)
	if got, _ := try(second); got != "ok" {
		t.Errorf("from a node that is 5 s ahead: %q", got)
	}
	now = proofTime.Add(5*time.Minute - 30*time.Second)
	if got, _ := try(second); got != useNonce {
		t.Errorf("from the future: %q", got)
	}
}

// Another node and the next process take it; another server and another span of
// time do not.
func TestRFC9449_8_ANonceIsOfOneServerAndNotOfOneProcess(t *testing.T) {
	key, now := dpoptest.NewKey(), proofTime
	_, nonce := outcome(withNonces(t, key, new(register), &now), request(key, nil))
	presented := func() introspect.Presented { return request(key, map[string]any{"nonce": nonce}) }
	if got, _ := outcome(withNonces(t, key, new(register), &now), presented()); got != "ok" {
		t.Errorf("another node: %q", got)
	}
	for name, change := range map[string]func(*introspect.Config){
		"another server": func(config *introspect.Config) { config.DPoP.Origin = "https://other.test" },
		"another span":   func(config *introspect.Config) { config.DPoP.Nonce = 4 * time.Minute },
	} {
		at := proving(t, vouching{Key: key.Thumbprint()}, new(register), func(config *introspect.Config) {
			config.DPoP.Nonce = 5 * time.Minute
			change(config)
		})
		if got, _ := outcome(at, presented()); got != useNonce {
			t.Errorf("%s: %q", name, got)
		}
	}
}
