package introspect_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// faults are what an issuer may do instead of answering (F11, G84, G86, G87).
var faults = map[string]func(*http.Request) (*http.Response, error){
	"down": down,
	"hung": hang,
	"500":  respond(http.StatusInternalServerError, "application/json", `{"keys":[]}`),
	"404":  respond(http.StatusNotFound, "application/json", `{}`),
	"204":  respond(http.StatusNoContent, "application/json", ``),
	"HTML": respond(http.StatusOK, "text/html", "<html>login</html>"),
	"JSON under another type": func(r *http.Request) (*http.Response, error) {
		return respond(http.StatusOK, "text/plain", set(newKey("evil", oauth.ES256).jwk()))(r)
	},
	"no type":         respond(http.StatusOK, "", `{"keys":[]}`),
	"no keys":         respond(http.StatusOK, "application/json", `{"keys":[]}`),
	"array":           respond(http.StatusOK, "application/json", `[]`),
	"truncated JSON":  respond(http.StatusOK, "application/json", `{"keys":[{"kty":"EC"`),
	"10 MB":           respond(http.StatusOK, "application/json", `{"keys":[],"x":"`+strings.Repeat("x", 10<<20)+`"}`),
	"10 MB of spaces": respond(http.StatusOK, "application/json", strings.Repeat(" ", 10<<20)+`{"keys":[]}`),
	"redirect": func(r *http.Request) (*http.Response, error) {
		response, err := respond(http.StatusFound, "application/json", "")(r)
		response.Header.Set("Location", "http://169.254.169.254/latest/meta-data")
		return response, err
	},
	"compressed, as it says": func(r *http.Request) (*http.Response, error) {
		response, err := respond(http.StatusOK, "application/json", set(newKey("evil", oauth.ES256).jwk()))(r)
		response.Header.Set("Content-Encoding", "gzip")
		return response, err
	},
	"bad certificate": func(*http.Request) (*http.Response, error) {
		return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	},
	"broken off": func(r *http.Request) (*http.Response, error) {
		response, err := respond(http.StatusOK, "application/json", "")(r)
		response.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"keys":[`), brokenPipe{}))
		return response, err
	},
	"claims to be 1 GB": func(r *http.Request) (*http.Response, error) {
		response, err := respond(http.StatusOK, "application/json", `{"keys":[]}`)(r)
		response.ContentLength = 1 << 30
		return response, err
	},
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestF11_RS26_G87_LastGoodKeysServeThroughAnyFault(t *testing.T) {
	for name, fault := range faults {
		synctest.Test(t, func(t *testing.T) {
			key := newKey("k", oauth.ES256)
			server := newIssuer(key)
			at := route(t, start(t, server, nil), nil)
			synctest.Wait()
			token := func() string { return key.sign("at+jwt", claims(time.Now(), nil)) }
			expect(t, at, token(), "ok")
			server.fault(jwksPath, fault)
			for range 20 { // 23 h of it, and no request ever waits
				pass(69 * time.Minute)
				began := time.Now()
				expect(t, at, token(), "ok")
				if waited := time.Since(began); waited != 0 {
					t.Errorf("%s: a request waited %s", name, waited)
				}
			}
			pass(2 * time.Hour) // past max_stale nobody can tell any more
			expect(t, at, token(), "unavailable")
			server.fault(jwksPath, nil)
			pass(2 * time.Minute)
			expect(t, at, token(), "ok")
			for _, request := range server.seen {
				if request.URL.Host != "idp.example.com" || request.Header.Get("Accept-Encoding") != "identity" {
					t.Errorf("%s: a request went to %s with %v", name, request.URL, request.Header)
				}
			}
		})
	}
}

// The same faults before any key was ever read: nobody can tell, and says so.
func TestRS28_KeysNeverFetched(t *testing.T) {
	for name, fault := range faults {
		for _, path := range []string{jwksPath, "/.well-known/oauth-authorization-server"} {
			synctest.Test(t, func(t *testing.T) {
				key := newKey("k", oauth.ES256)
				server := newIssuer(key)
				server.fault(path, fault)
				remote := start(t, server, nil)
				at := route(t, remote, nil)
				synctest.Wait()
				began := time.Now()
				expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "unavailable")
				if waited := time.Since(began); waited > time.Second {
					t.Errorf("%s: waited %s", name, waited)
				}
				if remote.Ready() {
					t.Errorf("%s: ready", name)
				}
				// What is bad without any key is refused all the same.
				expect(t, at, key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": 1})), introspect.ReasonExpired)
				server.fault(path, nil)
				pass(2 * time.Minute)
				if !remote.Ready() {
					t.Errorf("%s: not ready after the fault", name)
				}
				expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
			})
		}
	}
}

// The first requests after a start wait a moment for the first keys.
func TestF24_ColdStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		server.fault(jwksPath, func(r *http.Request) (*http.Response, error) {
			<-time.After(500 * time.Millisecond)
			return answer(map[string]any{"keys": []any{key.jwk()}})(r)
		})
		at := route(t, start(t, server, nil), nil)
		token := key.sign("at+jwt", claims(time.Now(), nil))
		var herd sync.WaitGroup
		var counts sync.Map
		for range 150 {
			herd.Go(func() {
				got := verdict(t, at, token)
				n, _ := counts.LoadOrStore(got, new(counter))
				n.(*counter).add()
			})
		}
		herd.Wait()
		ok, _ := counts.Load("ok")
		late, _ := counts.Load("unavailable")
		if ok == nil || ok.(*counter).n != 100 || late == nil || late.(*counter).n != 50 {
			t.Errorf("%v waited, %v did not", ok, late)
		}
		if server.count(jwksPath) != 1 {
			t.Errorf("%d fetches", server.count(jwksPath))
		}
	})
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() { c.mu.Lock(); c.n++; c.mu.Unlock() }

func TestF12_RotationWithoutOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("0", oauth.ES256))
		at := route(t, start(t, server, nil), nil)
		synctest.Wait()
		for n := 1; n <= 200; n++ {
			pass(time.Hour)
			key := newKey(fmt.Sprint(n), oauth.ES256)
			server.set(key)
			// The very first request with the new key has it fetched.
			expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
		}
	})
}

func TestRS25_F14_G11_UnknownKids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		at := route(t, start(t, server, func(f *introspect.Foreign) { f.Refresh = 24 * time.Hour }), nil)
		synctest.Wait()
		before := server.count(jwksPath)
		good := key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() + 3600}))
		unknown := func(n int) string {
			return signingKey{fmt.Sprint("x", n), oauth.ES256, key.private}.sign("at+jwt", claims(time.Now(), nil))
		}
		for n := range 1000 { // 10 s, 100 a second
			expect(t, at, unknown(n), introspect.ReasonUnknownKey)
			expect(t, at, good, "ok")
			pass(10 * time.Millisecond)
		}
		if n := server.count(jwksPath) - before; n != 1 {
			t.Errorf("%d fetches in 10 s, want 1", n)
		}
		pass(19 * time.Second)
		expect(t, at, unknown(0), introspect.ReasonUnknownKey)
		pass(2 * time.Second)
		expect(t, at, unknown(0), introspect.ReasonUnknownKey)
		if n := server.count(jwksPath) - before; n != 2 {
			t.Errorf("%d fetches in 31 s, want 2", n)
		}
	})
}

// An unknown key is refused when the issuer says so, not when it cannot be
// asked; and known keys do not care.
func TestUnknownKidWhileTheIssuerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, next := newKey("k", oauth.ES256), newKey("next", oauth.ES256)
		server := newIssuer(key)
		at := route(t, start(t, server, nil), nil)
		synctest.Wait()
		server.fault(jwksPath, hang)
		token, good := next.sign("at+jwt", claims(time.Now(), nil)), key.sign("at+jwt", claims(time.Now(), nil))
		began := time.Now()
		var herd sync.WaitGroup
		for range 500 {
			herd.Go(func() { expect(t, at, token, "unavailable") })
		}
		herd.Go(func() {
			expect(t, at, good, "ok")
			if waited := time.Since(began); waited != 0 {
				t.Errorf("a known key waited %s", waited)
			}
		})
		herd.Wait()
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("unknown keys waited %s", waited)
		}
		server.set(next)
		server.fault(jwksPath, nil)
		pass(10 * time.Second)
		expect(t, at, token, "ok")
	})
}

func TestRS27_G88_RemovedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, stay := newKey("old", oauth.ES256), newKey("stay", oauth.ES256)
		server := newIssuer(old, stay)
		cache := newCache(t)
		at := route(t, start(t, server, nil), func(c *introspect.Config) { c.Cache = cache })
		synctest.Wait()
		hour := map[string]any{"exp": time.Now().Unix() + 3600}
		token, other := old.sign("at+jwt", claims(time.Now(), hour)), stay.sign("at+jwt", claims(time.Now(), hour))
		expect(t, at, token, "ok")
		expect(t, at, other, "ok")
		cache.Wait()
		expectCached(t, at, token, true)
		pass(11 * time.Minute) // refreshes that change nothing keep the cache
		expectCached(t, at, token, true)
		server.set(stay)
		pass(5*time.Minute + time.Second)
		expect(t, at, token, introspect.ReasonUnknownKey)
		expect(t, at, other, "ok")
	})
}

// F13: a kid that names another key than before replaces it, and is told.
func TestF13_ReboundKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newKey("k", oauth.ES256), newKey("k", oauth.ES256)
		server := newIssuer(first)
		var log bytes.Buffer
		at := route(t, start(t, server, func(f *introspect.Foreign) { f.Log = slog.New(slog.NewTextHandler(&log, nil)) }), nil)
		synctest.Wait()
		server.set(second)
		pass(6 * time.Minute)
		expect(t, at, first.sign("at+jwt", claims(time.Now(), nil)), introspect.ReasonSignature)
		expect(t, at, second.sign("at+jwt", claims(time.Now(), nil)), "ok")
		if !strings.Contains(log.String(), "to another key") || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("log: %s", log.String())
		}
	})
}

// observed counts what the Observer is told.
type observed struct {
	mu     sync.Mutex
	counts map[string]int
}

func (o *observed) KeysFetched(issuer, result string) { o.add("keys " + issuer + " " + result) }
func (o *observed) Introspected(issuer, result string, took time.Duration) {
	o.add("introspected " + issuer + " " + result)
	if took < 0 {
		o.add("negative time")
	}
}

func (o *observed) add(event string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.counts == nil {
		o.counts = map[string]int{}
	}
	o.counts[event]++
}

func TestKeyFetchesAreCountedAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		var log bytes.Buffer
		observer := &observed{}
		start(t, server, func(f *introspect.Foreign) {
			f.Log, f.Observer = slog.New(slog.NewTextHandler(&log, nil)), observer
		})
		pass(time.Minute)
		if log.Len() != 0 {
			t.Errorf("all is well, but the log says: %s", log.String())
		}
		server.fault(jwksPath, down)
		pass(time.Hour)
		if n := strings.Count(log.String(), "reading the keys of https://idp.example.com fails"); n != 1 {
			t.Errorf("one fault, %d lines: %s", n, log.String())
		}
		server.fault(jwksPath, nil)
		pass(5 * time.Minute)
		if n := strings.Count(log.String(), "works again"); n != 1 {
			t.Errorf("one recovery, %d lines: %s", n, log.String())
		}
		bad, good := observer.counts["keys "+idp+" error"], observer.counts["keys "+idp+" ok"]
		// 1, 2, 4, … 60 s: about one try a minute in an hour of it.
		if bad < 50 || bad > 75 || good == 0 {
			t.Errorf("%d failures and %d successes counted", bad, good)
		}
	})
}

func TestStopEndsTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		server.fault(jwksPath, hang)
		var log bytes.Buffer
		remote := introspect.Start(settings(server, func(f *introspect.Foreign) { f.Log = slog.New(slog.NewTextHandler(&log, nil)) }))
		synctest.Wait()
		remote.Stop() // also in the middle of a fetch
		before := server.total()
		pass(time.Hour)
		if server.total() != before || log.Len() != 0 {
			t.Errorf("%d requests after Stop, log: %s", server.total()-before, log.String())
		}
	})
}

// Keys that moved are found again through the metadata.
func TestKeysMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		at := route(t, start(t, server, nil), nil)
		synctest.Wait()
		server.mu.Lock()
		server.extra = map[string]any{"jwks_uri": idp + "/new-keys"}
		server.mu.Unlock()
		next := newKey("next", oauth.ES256)
		server.fault(jwksPath, respond(http.StatusGone, "text/plain", ""))
		server.fault("/new-keys", answer(map[string]any{"keys": []any{next.jwk()}}))
		pass(6 * time.Minute)
		expect(t, at, next.sign("at+jwt", claims(time.Now(), nil)), "ok")
	})
}
