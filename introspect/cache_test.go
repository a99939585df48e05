package introspect_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// expectCached asks for a verdict and says whether it had to come from the
// cache.
func expectCached(t *testing.T, at *introspect.Introspector, token string, want bool) {
	t.Helper()
	result, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret(token)})
	if err != nil || result.Cached != want {
		t.Errorf("cached %v, want %v (%v)", result.Cached, want, err)
	}
}

// cachedRoute is a route over one local realm and a cache.
func cachedRoute(t testing.TB, source *realm, cache *introspect.Cache, change func(*introspect.Config)) *introspect.Introspector {
	t.Helper()
	config := introspect.Config{
		Issuers: []introspect.Issuer{source.issuer()}, Audiences: []string{api}, OwnPrefixes: []string{ownPrefix}, Cache: cache, Leeway: 10 * time.Second, Now: time.Now,
	}
	if change != nil {
		change(&config)
	}
	at, err := introspect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestCacheHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &realm{token: localToken(time.Now())}
		cache := newCache(t)
		at := cachedRoute(t, source, cache, nil)
		expectCached(t, at, ownPrefix+"a", false)
		cache.Wait()
		expectCached(t, at, ownPrefix+"a", true)
		if len(source.asked) != 1 {
			t.Errorf("the source was asked %d times", len(source.asked))
		}
		expectCached(t, at, ownPrefix+"b", false)
	})
}

// A hit writes into memory of the request's, and into nothing that others see.
func TestAKnownTokenIsWrittenIntoTheRoomOfTheRequest(t *testing.T) {
	cache := newCache(t)
	source := &realm{token: localToken(time.Now())}
	at := cachedRoute(t, source, cache, nil)
	expectCached(t, at, ownPrefix+"a", false)
	cache.Wait()
	var room introspect.Token
	presented := introspect.Presented{Token: oauth.NewSecret(ownPrefix + "a"), Room: &room}
	result, err := at.Introspect(t.Context(), presented)
	if err != nil || result.Token != &room {
		t.Fatalf("it is not in the room (%v)", err)
	}
	room.Subject = "somebody else"
	other, err := at.Introspect(t.Context(), introspect.Presented{Token: presented.Token})
	if err != nil || other.Token.Subject != localToken(time.Now()).Subject {
		t.Errorf("one request sees what another has in its room: %q (%v)", other.Token.Subject, err)
	}
	// What it held when it was stale is no verdict, though it was written there.
	source.stale, source.token = true, localToken(time.Now())
	source.token.Subject = "newer"
	if result, err = at.Introspect(t.Context(), presented); err != nil || result.Cached || result.Token.Subject != "newer" {
		t.Errorf("a stale token is %q, cached %v (%v)", result.Token.Subject, result.Cached, err)
	}
}

// Each of these turns a hit into a miss or a refusal.
func TestCacheHitIsCheckedAgain(t *testing.T) {
	const token = ownPrefix + "a"
	for name, c := range map[string]struct {
		between func(source *realm)
		route   func(*introspect.Config)
		want    string
		asked   int
	}{
		"nothing changed":           {nil, nil, "ok", 1},
		"revoked":                   {func(r *realm) { r.stale, r.err = true, &introspect.Refusal{Reason: introspect.ReasonRevoked} }, nil, introspect.ReasonRevoked, 2},
		"source changed, still ok":  {func(r *realm) { r.stale = true }, nil, "ok", 2},
		"another fingerprint":       {nil, func(c *introspect.Config) { c.Issuers[0].Fingerprint++ }, "ok", 2},
		"issuer is not the route's": {nil, func(c *introspect.Config) { c.Issuers[0].URL += "/other" }, introspect.ReasonIssuer, 2},
		"audience of another route": {nil, func(c *introspect.Config) { c.Audiences = []string{"https://other.example.com"} }, introspect.ReasonAudience, 1},
		"expired":                   {func(*realm) { pass(610 * time.Second) }, nil, introspect.ReasonExpired, 1},
		"not expired yet":           {func(*realm) { pass(609 * time.Second) }, nil, "ok", 1},
		"expired by a strict route": {func(*realm) { pass(600 * time.Second) }, func(c *introspect.Config) { c.Leeway = 0 }, introspect.ReasonExpired, 1},
		"long expired":              {func(*realm) { pass(660 * time.Second) }, nil, introspect.ReasonExpired, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			source := &realm{token: localToken(time.Now())}
			cache := newCache(t)
			expect(t, cachedRoute(t, source, cache, nil), token, "ok")
			cache.Wait()
			if c.between != nil {
				c.between(source)
			}
			if got := verdict(t, cachedRoute(t, source, cache, c.route), token); got != c.want || len(source.asked) != c.asked {
				t.Errorf("%s: %q after %d questions, want %q after %d", name, got, len(source.asked), c.want, c.asked)
			}
		})
	}
}

// F23: there may be any number of these, and they would drive out good ones.
func TestF23_WhatTheRouteRefusesIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for reason, change := range map[string]func(*introspect.Token){
			introspect.ReasonExpired:     func(token *introspect.Token) { token.Expires = time.Now().Unix() - 20 },
			introspect.ReasonAudience:    func(token *introspect.Token) { token.Audience = []string{"https://other.example.com"} },
			introspect.ReasonNotYetValid: func(token *introspect.Token) { token.NotBefore = time.Now().Unix() + 60 },
		} {
			source, cache := &realm{token: localToken(time.Now())}, newCache(t)
			change(source.token)
			at := cachedRoute(t, source, cache, nil)
			for range 2 {
				expect(t, at, ownPrefix+"a", reason)
				cache.Wait()
			}
			if len(source.asked) != 2 || cache.Stats().Bytes != 0 {
				t.Errorf("%s: asked %d times, %d bytes are kept", reason, len(source.asked), cache.Stats().Bytes)
			}
		}
	})
}

func TestF22_CollidingHashes(t *testing.T) {
	cache, err := introspect.NewCacheWithHash(1000, func([sha256.Size]byte) uint64 { return 7 })
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	source := &realm{token: localToken(time.Now())}
	at := cachedRoute(t, source, cache, nil)
	expectCached(t, at, ownPrefix+"good", false)
	cache.Wait()
	expectCached(t, at, ownPrefix+"good", true)
	source.token, source.err = nil, &introspect.Refusal{Reason: introspect.ReasonMalformed}
	for n := range 1000 {
		expect(t, at, fmt.Sprintf("%sforged%d", ownPrefix, n), introspect.ReasonMalformed)
	}
}

// One token, two realms that would both take it: a verdict stays with its own.
func TestF22_TwoRealmsOneToken(t *testing.T) {
	cache := newCache(t)
	first, second := &realm{token: localToken(time.Now())}, &realm{err: &introspect.Refusal{Reason: introspect.ReasonSignature}}
	expect(t, cachedRoute(t, first, cache, nil), ownPrefix+"x", "ok")
	cache.Wait()
	expect(t, cachedRoute(t, second, cache, func(c *introspect.Config) { c.Issuers[0].URL = "https://auth.example.com/oauth2/realms/root/realms/b" }), ownPrefix+"x", introspect.ReasonSignature)
}

func TestNewCacheChecksItsSize(t *testing.T) {
	for _, tokens := range []int64{0, -1} {
		if _, err := introspect.NewCache(tokens); err == nil {
			t.Errorf("%d was taken", tokens)
		}
	}
}

func BenchmarkCachedHit(b *testing.B) {
	key := newKey("k", oauth.ES256)
	remote := start(b, newIssuer(key), nil)
	cache := newCache(b)
	at := route(b, remote, func(c *introspect.Config) { c.Cache = cache })
	token := oauth.NewSecret(key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() + 1<<20})))
	expect(b, at, token.Reveal(), "ok")
	cache.Wait()
	var room introspect.Token // as a request of the gateway has it
	b.ReportAllocs()
	for b.Loop() {
		if result, err := at.Introspect(context.Background(), introspect.Presented{Token: token, Room: &room}); err != nil || !result.Cached {
			b.Fatal("no hit", err)
		}
	}
}

func BenchmarkColdES256(b *testing.B) {
	key := newKey("k", oauth.ES256)
	remote := start(b, newIssuer(key), nil)
	at := route(b, remote, nil)
	token := oauth.NewSecret(key.sign("at+jwt", claims(time.Now(), nil)))
	expect(b, at, token.Reveal(), "ok")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := at.Introspect(context.Background(), introspect.Presented{Token: token}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheCacheMayBeClosedWhileItIsUsed(t *testing.T) {
	for range 50 {
		c, err := introspect.NewCache(100)
		if err != nil {
			t.Fatal(err)
		}
		at, err := introspect.New(introspect.Config{
			Issuers:   []introspect.Issuer{{Name: "a", URL: "https://a.test", Source: good{}, Opaque: func(string) bool { return true }}},
			Audiences: []string{"https://api.test"}, Cache: c, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		var users sync.WaitGroup
		begun := make(chan struct{}, 4)
		for n := range 4 {
			users.Go(func() {
				for i := range 200 {
					if _, err := at.Introspect(t.Context(), introspect.Presented{Token: oauth.NewSecret(fmt.Sprintf("t%d-%d", n, i))}); err != nil {
						t.Error(err)
					}
					if i == 20 {
						begun <- struct{}{}
					}
				}
			})
		}
		<-begun
		c.Close()
		users.Wait()
		c.Close() // once more is no harm
	}
}

// good vouches for every token.
type good struct{}

func (good) Introspect(context.Context, oauth.Secret) (*introspect.Token, error) {
	return &introspect.Token{
		Issuer: "https://a.test", Subject: "s", Audience: []string{"https://api.test"}, Expires: time.Now().Add(time.Hour).Unix(),
	}, nil
}

func (good) Current(*introspect.Token) bool { return true }
