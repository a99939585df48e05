package introspect_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// socketIssuer is an issuer on a real socket whose key set can be replaced by
// any handler.
type socketIssuer struct {
	*httptest.Server
	keys    atomic.Pointer[http.HandlerFunc]
	fetched chan struct{} // one for each answer about keys
}

func newSocketIssuer(t *testing.T) *socketIssuer {
	t.Helper()
	s := &socketIssuer{fetched: make(chan struct{}, 1000)}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, s.URL, s.URL+jwksPath)
	})
	mux.HandleFunc(jwksPath, func(w http.ResponseWriter, r *http.Request) { (*s.keys.Load())(w, r) })
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *socketIssuer) serve(handler http.HandlerFunc) { s.keys.Store(&handler) }

func (s *socketIssuer) KeysFetched(string, string)                 { s.fetched <- struct{}{} }
func (s *socketIssuer) Introspected(string, string, time.Duration) {}

func write(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}
}

func TestF11_G84_FaultsOnRealSockets(t *testing.T) {
	key := newKey("k", oauth.ES256)
	good := write("application/jwk-set+json", set(key.jwk()))
	evil := newKey("evil", oauth.ES256)
	var bomb bytes.Buffer
	squeezer := gzip.NewWriter(&bomb)
	_, _ = squeezer.Write([]byte(set(evil.jwk()) + strings.Repeat(" ", 100<<20)))
	_ = squeezer.Close()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere.Add(1)
		write("application/json", set(evil.jwk()))(w, r)
	}))
	defer other.Close()
	for name, fault := range map[string]http.HandlerFunc{
		"500":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"hung": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hung in the middle": func(w http.ResponseWriter, r *http.Request) {
			write("application/json", `{"keys":[`)(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"10 MB":          write("application/json", set(evil.jwk())+strings.Repeat(" ", 10<<20)),
		"HTML":           write("text/html", "<html>"),
		"empty keys":     write("application/json", `{"keys":[]}`),
		"wrong type":     write("text/plain", set(evil.jwk())),
		"truncated JSON": write("application/json", set(evil.jwk())[:50]),
		"cut off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			write("application/json", set(evil.jwk())[:50])(w, r)
		},
		"reset": func(w http.ResponseWriter, _ *http.Request) {
			if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = connection.Close()
			}
		},
		"gzip bomb": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			write("application/json", bomb.String())(w, r)
		},
		"gzip bomb that does not say so": write("application/json", bomb.String()),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		},
		"redirect to itself": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, jwksPath, http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			server := newSocketIssuer(t)
			server.serve(good)
			remote := introspect.Start(introspect.Foreign{
				URL: server.URL, Refresh: 5 * time.Millisecond, Timeout: 200 * time.Millisecond, Now: time.Now, Observer: server,
			})
			defer remote.Stop()
			at := route(t, remote, nil)
			sign := func(by signingKey) string {
				return by.sign("at+jwt", claims(time.Now(), map[string]any{"iss": server.URL}))
			}
			expect(t, at, sign(key), "ok")
			server.serve(fault)
			// What was under way when the fault began may still end well.
			for range 3 + len(server.fetched) {
				<-server.fetched
			}
			expect(t, at, sign(key), "ok")
			server.serve(good)
			if got := verdict(t, at, sign(evil)); got == "ok" {
				t.Error("keys out of a faulty answer were taken")
			}
		})
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// endless is a body without an end that counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	for n := range p {
		p[n] = ' '
	}
	return len(p), nil
}

func (e *endless) Close() error { return nil }

func TestRS23_NoMoreThanTheBoundIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &endless{}
		server := newIssuer()
		server.fault(jwksPath, func(r *http.Request) (*http.Response, error) {
			response, err := respond(http.StatusOK, "application/json", "")(r)
			response.Body = body
			return response, err
		})
		remote := introspect.Start(settings(server, nil))
		synctest.Wait()
		remote.Stop()
		if body.read == 0 || body.read > 300<<10 {
			t.Errorf("%d bytes were read", body.read)
		}
	})
}

// RS23: a certificate that nobody vouches for ends the matter.
func TestRS23_BadTLS(t *testing.T) {
	key := newKey("k", oauth.ES256)
	var asked atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	server.Config.ErrorLog = discardLog()
	server.StartTLS()
	defer server.Close()
	remote := introspect.Start(introspect.Foreign{URL: server.URL, Now: time.Now})
	defer remote.Stop()
	at := route(t, remote, nil)
	expect(t, at, key.sign("at+jwt", claims(time.Now(), map[string]any{"iss": server.URL})), "unavailable")
	if asked.Load() != 0 {
		t.Error("a request was sent over a connection that nobody vouches for")
	}
	if status := remote.Status(); !strings.Contains(status.Error, "tls_ca") {
		t.Errorf("the operator is told %q", status.Error)
	}
}

// An issuer that does not like our certificate, or the lack of one, says so in a
// TLS alert.
func TestTheIssuerRefusesOurCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = discardLog()
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	remote := introspect.Start(introspect.Foreign{URL: server.URL, Now: time.Now, Roots: roots})
	defer remote.Stop()
	at := route(t, remote, nil)
	expect(t, at, newKey("k", oauth.ES256).sign("at+jwt", claims(time.Now(), map[string]any{"iss": server.URL})), "unavailable")
	if status := remote.Status(); !strings.Contains(status.Error, "refuses the TLS connection") || !strings.Contains(status.Error, "certificate") {
		t.Errorf("the operator is told %q", status.Error)
	}
}

// A client that follows redirects, or keeps cookies, does neither for us.
func TestG86_TheClientIsTamed(t *testing.T) {
	var mu sync.Mutex
	var paths []string
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		http.Redirect(w, r, server.URL+"/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	remote := introspect.Start(introspect.Foreign{URL: server.URL, Now: time.Now, Client: client})
	at := route(t, remote, nil)
	_, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret(newKey("k", oauth.ES256).sign("at+jwt", claims(time.Now(), map[string]any{"iss": server.URL})))})
	remote.Stop()
	if err == nil || client.CheckRedirect == nil {
		t.Errorf("verdict %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, path := range paths {
		if path == "/elsewhere" {
			t.Error("a redirect was followed")
		}
	}
}
