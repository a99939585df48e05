package introspect_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// slowly answers like the issuer, a moment later.
func slowly(server *issuer, path string, wait time.Duration) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		<-time.After(wait)
		server.mu.Lock()
		defer server.mu.Unlock()
		var keys []any
		for _, key := range server.keys {
			keys = append(keys, key.jwk())
		}
		return answer(map[string]any{"keys": keys})(r)
	}
}

// 100,000 random kids in ten minutes, from many sides at once: one fetch in 30 s
// at most, and good tokens never wait.
func TestRS25_F14_AFloodOfRandomKids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		at := route(t, start(t, server, func(f *introspect.Foreign) { f.Refresh = 24 * time.Hour }), nil)
		synctest.Wait()
		server.fault(jwksPath, slowly(server, jwksPath, 100*time.Millisecond))
		before := server.count(jwksPath)
		good := key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() + 3600}))
		// The signature is not looked at, for there is no key to do it with.
		bad := func(n int) string {
			return signingKey{fmt.Sprint("x", n), oauth.EdDSA, nil}.sign("at+jwt", claims(time.Now(), nil)) + "AA"
		}
		var verdicts [4]atomic.Int64
		const rounds, width = 10_000, 10
		for round := range rounds {
			var herd sync.WaitGroup
			for n := range width {
				herd.Go(func() {
					switch got := verdict(t, at, bad(round*width+n)); got {
					case introspect.ReasonUnknownKey:
						verdicts[0].Add(1)
					default:
						t.Errorf("verdict %q", got)
					}
				})
			}
			began := time.Now()
			expect(t, at, good, "ok")
			if waited := time.Since(began); waited != 0 {
				t.Fatalf("a good token waited %s", waited)
			}
			herd.Wait()
			<-time.After(60 * time.Millisecond)
		}
		if n := verdicts[0].Load(); n != rounds*width {
			t.Errorf("%d were refused for their key", n)
		}
		// Ten minutes are twenty times 30 s, and a little more for the waiting.
		if n := server.count(jwksPath) - before; n < 15 || n > 22 {
			t.Errorf("%d fetches", n)
		}
	})
}

// A kid that a read has just not shown is refused without waiting while the next
// read goes on; a name not asked about before waits for it.
func TestG11_AKnownUnknownKidDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, next := newKey("k", oauth.ES256), newKey("next", oauth.ES256)
		server := newIssuer(key)
		at := route(t, start(t, server, nil), nil)
		synctest.Wait()
		forged := signingKey{"forged", oauth.ES256, key.private}.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() + 3600}))
		expect(t, at, forged, introspect.ReasonUnknownKey)
		server.set(key, next)
		server.fault(jwksPath, slowly(server, jwksPath, 900*time.Millisecond))
		pass(31 * time.Second)
		var herd sync.WaitGroup
		herd.Go(func() { // has the set read
			expect(t, at, next.sign("at+jwt", claims(time.Now(), nil)), "ok")
		})
		synctest.Wait()
		for range 1000 { // more than may wait
			began := time.Now()
			expect(t, at, forged, introspect.ReasonUnknownKey)
			if waited := time.Since(began); waited != 0 {
				t.Fatalf("waited %s", waited)
			}
		}
		for range 98 { // honest ones still may
			herd.Go(func() { expect(t, at, next.sign("at+jwt", claims(time.Now(), nil)), "ok") })
		}
		herd.Wait()
	})
}

// The issuer replaces its key under the same name, or under none: the first
// token by the new one has it read, and none by it is refused.
func TestF12_G88_AKeyReplacedUnderItsName(t *testing.T) {
	for _, kid := range []string{"same", ""} {
		synctest.Test(t, func(t *testing.T) {
			old := newKey(kid, oauth.ES256)
			server := newIssuer(old)
			at := route(t, start(t, server, nil), nil)
			synctest.Wait()
			for n, alg := range []string{oauth.EdDSA, oauth.ES256, oauth.ES256} {
				pass(31 * time.Second)
				key := newKey(kid, alg)
				server.set(key)
				server.fault(jwksPath, slowly(server, jwksPath, 200*time.Millisecond))
				before := server.count(jwksPath)
				var herd sync.WaitGroup
				for range 100 {
					herd.Go(func() { expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok") })
				}
				herd.Wait()
				if fetches := server.count(jwksPath) - before; fetches != 1 {
					t.Errorf("kid %q: %d fetches", kid, fetches)
				}
				if n < 2 {
					continue
				}
				if got := verdict(t, at, old.sign("at+jwt", claims(time.Now(), nil))); got == "ok" {
					t.Errorf("kid %q: the old key still counts", kid)
				}
			}
		})
	}
}

// Bad signatures cost the issuer no more than unknown kids do, and are refused
// as such while it is down.
func TestRS25_BadSignaturesAreNoAmplifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, evil := newKey("k", oauth.ES256), newKey("k", oauth.ES256)
		server := newIssuer(key)
		at := route(t, start(t, server, func(f *introspect.Foreign) { f.Refresh = 24 * time.Hour }), nil)
		synctest.Wait()
		before := server.count(jwksPath)
		for range 600 {
			expect(t, at, evil.sign("at+jwt", claims(time.Now(), nil)), introspect.ReasonSignature)
			<-time.After(100 * time.Millisecond)
		}
		if n := server.count(jwksPath) - before; n < 1 || n > 2 {
			t.Errorf("%d fetches in a minute", n)
		}
		server.fault(jwksPath, down)
		pass(time.Minute)
		expect(t, at, evil.sign("at+jwt", claims(time.Now(), nil)), introspect.ReasonSignature)
		expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
	})
}

// Keys rotate 100 times under load, with and without overlap, and no token that
// is valid when it is sent and answered is refused.
func TestF12_RotationUnderLoad(t *testing.T) {
	for name, overlap := range map[string]bool{"with overlap": true, "without": false} {
		synctest.Test(t, func(t *testing.T) {
			var signer atomic.Pointer[signingKey]
			first := newKey("0", oauth.ES256)
			signer.Store(&first)
			server := newIssuer(first)
			server.fault(jwksPath, slowly(server, jwksPath, 50*time.Millisecond))
			cache := newCache(t)
			at := route(t, start(t, server, nil), func(c *introspect.Config) { c.Cache = cache })
			pass(time.Second)
			done := make(chan struct{})
			var clients sync.WaitGroup
			var sent, superseded atomic.Int64
			for client := range 8 {
				clients.Go(func() {
					for {
						select {
						case <-done:
							return
						case <-time.After(time.Duration(2900+25*client) * time.Millisecond):
						}
						key := signer.Load()
						got := verdict(t, at, key.sign("at+jwt", claims(time.Now(), nil)))
						sent.Add(1)
						if got != "ok" && !overlap && signer.Load() != key {
							superseded.Add(1) // withdrawn while it was on its way
						} else if got != "ok" {
							t.Errorf("%s: a valid token got %q", name, got)
						}
					}
				})
			}
			for n := 1; n <= 100; n++ {
				pass(32 * time.Second)
				next := newKey(fmt.Sprint(n), oauth.ES256)
				if overlap {
					server.set(*signer.Load(), next)
				} else {
					server.set(next)
				}
				signer.Store(&next)
			}
			pass(10 * time.Second)
			close(done)
			clients.Wait()
			if sent.Load() < 7000 || superseded.Load() > 300 {
				t.Errorf("%s: %d tokens, %d superseded", name, sent.Load(), superseded.Load())
			}
		})
	}
}

// F24: 2,000 clients at once meet a gateway that has read nothing yet.
func TestF24_2000ClientsAgainstAnEmptyNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		server.fault(jwksPath, slowly(server, jwksPath, 300*time.Millisecond))
		at := route(t, start(t, server, nil), nil)
		token := key.sign("at+jwt", claims(time.Now(), nil))
		storm := func() map[string]int {
			var mu sync.Mutex
			verdicts := map[string]int{}
			var herd sync.WaitGroup
			for range 2000 {
				herd.Go(func() {
					got := verdict(t, at, token)
					mu.Lock()
					verdicts[got]++
					mu.Unlock()
				})
			}
			herd.Wait()
			return verdicts
		}
		if got, want := storm(), (map[string]int{"ok": 100, "unavailable": 1900}); !maps.Equal(got, want) {
			t.Errorf("before it is ready: %v, want %v", got, want)
		}
		if got, want := storm(), (map[string]int{"ok": 2000}); !maps.Equal(got, want) {
			t.Errorf("after: %v, want %v", got, want)
		}
		if n := server.count(jwksPath); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// Twelve faults of the key endpoint under steady traffic that asks for keys all
// the time: no valid request fails or waits.
func TestF11_TwelveFaultsUnderSteadyTraffic(t *testing.T) {
	twelve := []string{
		"down", "500", "hung", "10 MB", "HTML", "no keys", "JSON under another type", "redirect",
		"bad certificate", "truncated JSON", "compressed, as it says", "204",
	}
	for _, name := range twelve {
		fault := faults[name]
		if fault == nil {
			t.Fatalf("there is no fault %q among %v", name, slices.Sorted(maps.Keys(faults)))
		}
		synctest.Test(t, func(t *testing.T) {
			key := newKey("k", oauth.ES256)
			server := newIssuer(key)
			at := route(t, start(t, server, func(f *introspect.Foreign) { f.Refresh = time.Minute }), nil)
			synctest.Wait()
			server.fault(jwksPath, fault)
			good := key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() + 3600}))
			var strangers sync.WaitGroup
			for n := range 600 { // ten minutes of it
				strangers.Go(func() {
					verdict(t, at, signingKey{fmt.Sprint(n), oauth.ES256, nil}.sign("at+jwt", claims(time.Now(), nil))+"AA")
				})
				began := time.Now()
				expect(t, at, good, "ok")
				if waited := time.Since(began); waited != 0 {
					t.Fatalf("%s: waited %s", name, waited)
				}
				<-time.After(time.Second)
			}
			strangers.Wait()
		})
	}
}
