package introspect_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// credulous vouches for every opaque token and remembers none.
type credulous struct{ *issuer }

func (c credulous) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != askPath {
		return c.issuer.RoundTrip(r)
	}
	if _, err := new(bytes.Buffer).ReadFrom(r.Body); err != nil {
		return nil, err
	}
	return answer(active(map[string]any{"exp": time.Now().Unix() + 600}))(r)
}

// backwards is a text that is not found when the text is looked for.
func backwards(text string) []byte {
	reversed := []byte(text)
	slices.Reverse(reversed)
	return reversed
}

// dump is all memory in use, as a crash would leave it.
func dump(t *testing.T) []byte {
	t.Helper()
	for range 3 {
		runtime.GC()
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "heap"))
	if err != nil {
		t.Fatal(err)
	}
	debug.WriteHeapDump(file.Fd())
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// RS29, F30: verdicts are remembered and tokens are not: when its request is over,
// no part of a token is in memory, be it good or bad, a JWT or opaque.
func TestRS29_F30_NoTokenStaysInMemory(t *testing.T) {
	key, cache := newKey("k", oauth.ES256), newCache(t)
	at := route(t, start(t, newIssuer(key), func(f *introspect.Foreign) {
		withClient(f)
		f.Client = &http.Client{Transport: credulous{f.Client.Transport.(*issuer)}}
	}), func(c *introspect.Config) { c.Cache = cache })
	use := func(token, want string) (reversed []byte) {
		for deadline := time.Now().Add(10 * time.Second); verdict(t, at, token) == "unavailable"; { // no keys yet
			if time.Now().After(deadline) {
				t.Fatal("the keys are never read")
			}
		}
		for range 100 { // the cache takes new entries in the background
			expect(t, at, token, want)
			cache.Wait()
		}
		result, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret(token)})
		if (err == nil && result.Cached) != (want == "ok") {
			t.Errorf("cached: %v, %v", result.Cached, err)
		}
		return backwards(token[len(token)-24:])
	}
	// None of them outlives its function.
	secrets := map[string][]byte{
		"a JWT": func() []byte { return use(key.sign("at+jwt", claims(time.Now(), nil)), "ok") }(),
		"a refused JWT": func() []byte {
			return use(key.sign("at+jwt", claims(time.Now(), map[string]any{"aud": "x"})), introspect.ReasonAudience)
		}(),
		"a bad JWT": func() []byte {
			good := key.sign("at+jwt", claims(time.Now(), nil))
			return use(good[:len(good)-40]+strings.Repeat("A", 10)+good[len(good)-30:], introspect.ReasonSignature)
		}(),
		"an opaque token": func() []byte { return use(rand.Text()+rand.Text(), "ok") }(),
	}
	kept := []byte("this is kept, so it is found " + rand.Text())
	text := dump(t)
	if !bytes.Contains(text, kept) {
		t.Fatal("the dump shows nothing")
	}
	for name, reversed := range secrets {
		if slices.Reverse(reversed); bytes.Contains(text, reversed) {
			t.Errorf("%s is in memory", name)
		}
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(at)
}
