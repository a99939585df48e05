package introspect_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// F23: bad tokens that never come twice leave no trace in memory, and good ones
// stay in the cache. A million bad tokens are
//
//	FLOOD_ROUNDS=50 go test -run TestF23 -timeout 1h ./introspect
const floodTokens = 20_000

// badTokens are ways to make a token that was never seen before and is no good,
// each with what is to be said of it.
func badTokens(key signingKey) []struct {
	reason string
	make   func(n int) string
} {
	signature := func(n int) string { return fmt.Sprintf(".%085dA", n) }
	forged := func(kid string, n int, changes map[string]any) string {
		header := fmt.Sprintf(`{"alg":"ES256","typ":"at+jwt","kid":%q}`, kid)
		payload := mustJSON(claims(time.Now(), changes))
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + signature(n)
	}
	return []struct {
		reason string
		make   func(n int) string
	}{
		{introspect.ReasonInactive, func(int) string { return rand.Text() }},
		{introspect.ReasonSignature, func(n int) string { return forged(key.kid, n, nil) }},
		{introspect.ReasonUnknownKey, func(n int) string { return forged(fmt.Sprint("kid", n), n, nil) }},
		{introspect.ReasonExpired, func(n int) string { return forged(key.kid, n, map[string]any{"exp": time.Now().Unix() - 3600}) }},
		// Really signed, and so lately expired that the verdict could still be of
		// use to a route with a larger leeway.
		{introspect.ReasonExpired, func(n int) string {
			return key.sign("at+jwt", claims(time.Now(), map[string]any{"jti": fmt.Sprint("old", n), "exp": time.Now().Unix() - 20}))
		}},
	}
}

// recordless is an issuer that keeps no record of the tokens that it was asked
// for, and knows none of them.
type recordless struct{ *issuer }

func (f recordless) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != askPath {
		return f.issuer.RoundTrip(r)
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return answer(map[string]any{"active": false})(r)
}

// heap is how many bytes are in use when all garbage is gone.
func heap() int64 {
	for range 2 { // the second time takes what finalizers let go
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestF23_AFloodOfBadTokensLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const goodTokens, most = 1000, 64 << 20
		key := newKey("k", oauth.ES256)
		cache, err := introspect.NewCache(2 * goodTokens)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cache.Close)
		at := route(t, start(t, newIssuer(key), func(f *introspect.Foreign) {
			withClient(f)
			f.Client = &http.Client{Transport: recordless{f.Client.Transport.(*issuer)}}
		}), func(c *introspect.Config) { c.Cache = cache })
		synctest.Wait()

		good := make([]oauth.Secret, goodTokens)
		for n := range good {
			good[n] = oauth.NewSecret(key.sign("at+jwt", claims(time.Now(), map[string]any{"jti": fmt.Sprint(n), "exp": time.Now().Unix() + 1e6})))
		}
		use := func(n int) (hit int) {
			result, err := at.Introspect(context.Background(), introspect.Presented{Token: good[n%goodTokens]})
			if err != nil {
				t.Fatalf("a good token: %v", err)
			}
			if result.Cached {
				hit = 1
			}
			return hit
		}
		for n := range 2 * goodTokens {
			use(n)
			cache.Wait()
		}

		kinds, total := badTokens(key), floodTokens*rounds("FLOOD_ROUNDS")
		baseline := heap()
		worst, hits, asked := baseline, 0, 0
		for n := range total {
			kind := kinds[n%len(kinds)]
			if got := verdict(t, at, kind.make(n)); got != kind.reason {
				t.Fatalf("bad token %d: %q, want %q", n, got, kind.reason)
			}
			if n%10 == 0 {
				hits, asked = hits+use(asked), asked+1
			}
			if n%1000 == 0 {
				pass(100 * time.Millisecond)
			}
			if n%(total/4) == total/4-1 {
				worst = max(worst, heap())
			}
		}
		t.Logf("%d bad tokens: %.1f MB in use before, %.1f MB at most since; %d of %d good ones from the cache",
			total, float64(baseline)/(1<<20), float64(worst)/(1<<20), hits, asked)
		if worst > baseline+most {
			t.Errorf("the flood took %d MB", (worst-baseline)>>20)
		}
		if hits < asked*9/10 {
			t.Errorf("%d of %d good requests were hits", hits, asked)
		}
	})
}
