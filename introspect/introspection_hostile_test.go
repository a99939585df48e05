package introspect_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// askable is an issuer on a real socket that needs no discovery: only its
// introspection endpoint is asked.
func askable(t *testing.T, url string, change func(*introspect.Foreign), cache *introspect.Cache) *introspect.Introspector {
	t.Helper()
	foreign := introspect.Foreign{
		URL: url, Validate: introspect.ValidateIntrospect, Timeout: time.Second, Now: time.Now,
		Introspection: introspect.Introspection{
			ClientID: "gateway", ClientSecret: oauth.NewSecret("s3cret"), Endpoint: url + askPath,
			CacheTTL: time.Minute, NegativeTTL: 5 * time.Second, RequireAudience: true,
		},
	}
	if change != nil {
		change(&foreign)
	}
	if err := foreign.Check(); err != nil {
		t.Fatal(err)
	}
	remote := introspect.Start(foreign)
	t.Cleanup(remote.Stop)
	return route(t, remote, func(c *introspect.Config) { c.Cache = cache })
}

// hostileAnswers are what an endpoint must not get away with. None of them lets
// anybody in, and none blames the token.
func hostileAnswers(good string) map[string]http.HandlerFunc {
	var bomb bytes.Buffer
	squeezer := gzip.NewWriter(&bomb)
	_, _ = squeezer.Write([]byte(good + strings.Repeat(" ", 100<<20)))
	_ = squeezer.Close()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Location", askPath)
			w.WriteHeader(code)
			if code != http.StatusNoContent && code != http.StatusNotModified {
				_, _ = w.Write([]byte(good))
			}
		}
	}
	answers := map[string]http.HandlerFunc{
		"HTML":         write("text/html", "<html>"),
		"HTML as JSON": write("application/json", "<html>"),
		"JSON as HTML": write("text/html", good),
		"no content type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = w.Write([]byte(good))
		},
		"array":           write("application/json", "["+good+"]"),
		"text":            write("application/json", `"active"`),
		"true":            write("application/json", `true`),
		"null":            write("application/json", `null`),
		"nothing":         write("application/json", ``),
		"10 MB":           write("application/json", good+strings.Repeat(" ", 10<<20)),
		"trailing data":   write("application/json", good+"x"),
		"two documents":   write("application/json", good+good),
		"UTF-16":          write("application/json", "\xff\xfe{\x00}\x00"),
		"byte order mark": write("application/json", "\xef\xbb\xbf"+good),
		"bad UTF-8":       write("application/json", strings.Replace(good, "alice", "al\xffce", 1)),
		"lone surrogate":  write("application/json", strings.Replace(good, "alice", `al\ud800ce`, 1)),
		"NUL":             write("application/json", strings.Replace(good, "alice", `al\u0000ce`, 1)),
		"NaN":             write("application/json", strings.Replace(good, `"active":true`, `"active":NaN`, 1)),
		"deep":            write("application/json", `{"active":true,"x":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+`}`),
		"many members":    write("application/json", `{"active":true,"x":[`+strings.Repeat("1,", 100_000)+`1]}`),
		"active twice":    write("application/json", strings.Replace(good, `"active":true`, `"active":true,"active":true`, 1)),
		"sub twice":       write("application/json", strings.Replace(good, `"sub":"alice"`, `"sub":"alice","sub":"root"`, 1)),
		"active in case":  write("application/json", strings.Replace(good, `"active"`, `"Active"`, 1)),
		"active a text":   write("application/json", strings.Replace(good, `"active":true`, `"active":"true"`, 1)),
		"active a number": write("application/json", strings.Replace(good, `"active":true`, `"active":1`, 1)),
		"truncated":       write("application/json", good[:len(good)/2]),
		"a JWT":           write("application/token-introspection+jwt", "eyJhbGciOiJub25lIn0.e30."),
		"gzip": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			write("application/json", bomb.String())(w, r)
		},
		"gzip, not saying": write("application/json", bomb.String()),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"time-out": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"time-out in mid body": func(w http.ResponseWriter, r *http.Request) {
			write("application/json", good[:10])(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"reset": func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") },
		"reset in mid body": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"+good)
		},
		"no HTTP": func(w http.ResponseWriter, _ *http.Request) { hijack(w, good) },
		"two lengths": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"+good)
		},
	}
	for _, code := range []int{201, 202, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 429, 500, 502, 503, 504} {
		answers[fmt.Sprint(code)] = status(code)
	}
	return answers
}

func hijack(w http.ResponseWriter, raw string) {
	connection, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = buffer.WriteString(raw)
	_ = buffer.Flush()
	_ = connection.Close()
}

// The decision is the same with a cache and without one, and again when the same
// token is asked about a second time: a fault is remembered neither as active nor
// as inactive.
func TestG90_G92_F15_RS31_RS33_HostileAnswersDecideAlikeWithAndWithoutCache(t *testing.T) {
	good := mustJSON(active(nil))
	for name, fault := range hostileAnswers(good) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var broken, elsewhere atomic.Bool
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path != askPath:
					elsewhere.Store(true)
					write("application/json", good)(w, r)
				case broken.Load():
					// Only a server that has read the form notices that we hang up.
					_, _ = io.Copy(io.Discard, r.Body)
					fault(w, r)
				default:
					write("application/json", strings.Replace(good, `"`+idp+`"`, `"http://`+r.Host+`"`, 1))(w, r)
				}
			}))
			server.Config.ErrorLog = discardLog()
			server.Start()
			t.Cleanup(server.Close)
			cache := newCache(t)
			for kind, at := range map[string]*introspect.Introspector{
				"without a cache": askable(t, server.URL, nil, nil), "with a cache": askable(t, server.URL, nil, cache),
			} {
				broken.Store(true)
				for range 2 {
					if got := verdict(t, at, "opaque"); got != "unavailable" {
						t.Errorf("%s: %q", kind, got)
					}
				}
				broken.Store(false)
				if got := verdict(t, at, "opaque"); got != "ok" {
					t.Errorf("%s, after the fault: %q", kind, got)
				}
			}
			// What is cached of the good time stays good in the bad one, and only that.
			at := askable(t, server.URL, nil, cache)
			cache.Wait()
			broken.Store(true)
			expectCached(t, at, "opaque", true)
			expect(t, at, "other", "unavailable")
			if elsewhere.Load() {
				t.Error("a redirect was followed")
			}
		})
	}
}

// G92: nobody vouches for the endpoint's certificate, so it learns nothing.
func TestG92_BadTLSAtTheEndpoint(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		write("application/json", mustJSON(active(nil)))(w, r)
	}))
	server.Config.ErrorLog = discardLog()
	server.StartTLS()
	defer server.Close()
	expect(t, askable(t, server.URL, nil, nil), "opaque", "unavailable")
	if asked.Load() != 0 {
		t.Error("the token was sent over a connection that nobody vouches for")
	}
}

// RFC 8705 §2: the certificate that is current is shown, and the id goes with it.
func TestMTLSOnARealConnection(t *testing.T) {
	var certificate atomic.Pointer[tls.Certificate]
	var seen atomic.Pointer[string]
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.TLS.PeerCertificates[0].Subject.CommonName + " " + r.PostFormValue("client_id")
		seen.Store(&name)
		write("application/json", strings.Replace(mustJSON(active(nil)), `"`+idp+`"`, `"https://`+r.Host+`"`, 1))(w, r)
	}))
	server.Config.ErrorLog = discardLog()
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	get := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if current := certificate.Load(); current != nil {
			return current, nil
		}
		return nil, errors.New("none")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, GetClientCertificate: get}}
	at := askable(t, server.URL, func(f *introspect.Foreign) {
		f.Auth, f.ClientSecret = introspect.AuthMTLS, oauth.Secret{}
		f.Certificate = &introspect.ClientCertificate{Name: "test", Get: get}
		f.Client, f.Timeout = &http.Client{Transport: transport}, 5*time.Second
	}, nil)
	expect(t, at, "no-certificate", "unavailable")
	for _, name := range []string{"first", "renewed"} {
		certificate.Store(selfSigned(t, name))
		transport.CloseIdleConnections()
		expect(t, at, name, "ok")
		if got := seen.Load(); got == nil || *got != name+" gateway" {
			t.Errorf("the endpoint saw %v, want %s gateway", got, name)
		}
	}
}
