package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestF24_RS32_SingleFlight(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		release := make(chan struct{})
		server.fault(askPath, func(r *http.Request) (*http.Response, error) {
			select {
			case <-release:
				return answer(active(nil))(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		impatient, cancel := context.WithCancel(context.Background())
		var herd sync.WaitGroup
		herd.Go(func() { // the first one gives up; the others still get the answer
			_, err := at.Introspect(impatient, introspect.Presented{Token: oauth.NewSecret("opaque")})
			var unavailable *introspect.Unavailable
			if !errors.As(err, &unavailable) {
				t.Errorf("the one that gave up: %v", err)
			}
		})
		synctest.Wait()
		for range 64 {
			herd.Go(func() { expect(t, at, "opaque", "ok") })
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		herd.Wait()
		if server.count(askPath) != 1 {
			t.Errorf("%d calls", server.count(askPath))
		}
	})
}

func TestRS29_PositiveCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		remote, cache := start(t, server, withClient), newCache(t)
		at := route(t, remote, func(c *introspect.Config) { c.Cache = cache })
		synctest.Wait()
		now := time.Now().Unix()
		server.tokens["long"] = active(nil)
		server.tokens["short"] = active(map[string]any{"exp": now + 20})
		server.tokens["endless"] = active(map[string]any{"exp": nil})
		for _, token := range []string{"long", "short", "endless"} {
			expectCached(t, at, token, false)
		}
		cache.Wait()
		clear(server.tokens) // revoked over there
		pass(19 * time.Second)
		for _, token := range []string{"long", "short", "endless"} {
			expectCached(t, at, token, true)
		}
		pass(time.Second) // never past exp, whatever the leeway
		expect(t, at, "short", introspect.ReasonInactive)
		pass(39 * time.Second)
		expectCached(t, at, "long", true)
		pass(time.Second) // nor past the configured 60 s
		expect(t, at, "long", introspect.ReasonInactive)
		expect(t, at, "endless", introspect.ReasonInactive)
	})
}

func TestRS30_NegativeCache(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		for range 10 {
			expect(t, at, "opaque", introspect.ReasonInactive)
		}
		if calls := server.count(askPath); calls != 1 {
			t.Errorf("%d calls", calls)
		}
		server.tokens["opaque"] = active(nil)
		pass(5*time.Second - time.Millisecond)
		expect(t, at, "opaque", introspect.ReasonInactive)
		pass(time.Millisecond)
		expect(t, at, "opaque", "ok")
		// It is bounded, and works on after it was full.
		for n := range 5000 {
			expect(t, at, fmt.Sprint("bad", n), introspect.ReasonInactive)
		}
		before := server.count(askPath)
		expect(t, at, "bad4999", introspect.ReasonInactive)
		if server.count(askPath) != before {
			t.Error("the newest refusal was forgotten")
		}
	})
	none := func(f *introspect.Foreign) { f.NegativeTTL = 0 }
	withEndpoint(t, none, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		expect(t, at, "opaque", introspect.ReasonInactive)
		server.tokens["opaque"] = active(nil)
		expect(t, at, "opaque", "ok")
	})
}

// RS30: what one client of the endpoint was told is not told to another.
func TestRS30_SettingsKeepVerdictsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, cache := newIssuer(newKey("k", oauth.ES256)), newCache(t)
		server.tokens["opaque"] = active(nil)
		shared := func(c *introspect.Config) { c.Cache = cache }
		first := route(t, start(t, server, withClient), shared)
		other := route(t, start(t, server, func(f *introspect.Foreign) {
			withClient(f)
			f.ClientID = "other"
		}), shared)
		synctest.Wait()
		expect(t, first, "opaque", "ok")
		cache.Wait()
		expectCached(t, first, "opaque", true)
		expectCached(t, other, "opaque", false)
	})
}
