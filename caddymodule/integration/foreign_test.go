package integration

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// foreignIssuer is an authorization server that is not ours, made of parts that
// are not ours: jwx signs its tokens and writes its key set.
type foreignIssuer struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	key     jwk.Key
	keys    http.HandlerFunc // what connect/jwks answers
	fetches int
}

func newForeignIssuer(t *testing.T) *foreignIssuer {
	t.Helper()
	f := &foreignIssuer{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"introspection_endpoint":%q}`, f.URL, f.URL+"/jwks", f.URL+"/introspect")
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.fetches++
		answer := f.keys
		f.mu.Unlock()
		answer(w, r)
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		id, secret, _ := r.BasicAuth()
		if id != "gateway" || secret != "gateway-secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.PostFormValue("token") != "opaque-and-good" {
			_, _ = fmt.Fprint(w, `{"active":false}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"active":true,"iss":%q,"sub":"olga","client_id":"desk","scope":"read","aud":"https://api.test","exp":%d}`,
			f.URL, time.Now().Add(time.Hour).Unix())
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	f.rotate("first")
	return f
}

// rotate makes a new key, and only that one is published from now on.
func (f *foreignIssuer) rotate(kid string) {
	f.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	key, err := jwk.FromRaw(private)
	if err != nil {
		f.t.Fatal(err)
	}
	for name, value := range map[string]any{jwk.KeyIDKey: kid, jwk.AlgorithmKey: jwa.ES256, jwk.KeyUsageKey: "sig"} {
		if err := key.Set(name, value); err != nil {
			f.t.Fatal(err)
		}
	}
	public, err := key.PublicKey()
	if err != nil {
		f.t.Fatal(err)
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key = key
	f.keys = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_ = json.NewEncoder(w).Encode(set)
	}
}

// answerKeys replaces what the key endpoint answers.
func (f *foreignIssuer) answerKeys(handler http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = handler
}

// token signs an access token with the current key. claims override the usual.
func (f *foreignIssuer) token(claims map[string]any) string {
	f.t.Helper()
	all := map[string]any{
		"iss": f.URL, "sub": "frida", "aud": "https://api.test", "client_id": "shop", "scope": "read write",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "jti": rand.Text(),
	}
	for name, value := range claims {
		all[name] = value
	}
	payload, err := json.Marshal(all)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	key := f.key
	f.mu.Unlock()
	headers := jws.NewHeaders()
	if err := headers.Set(jws.TypeKey, "at+jwt"); err != nil {
		f.t.Fatal(err)
	}
	signed, err := jws.Sign(payload, jws.WithKey(jwa.ES256, key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(signed)
}

// thumbprint names a key, so that the test notices when rotate made no new one.
func (f *foreignIssuer) thumbprint() string {
	f.t.Helper()
	sum, err := f.key.Thumbprint(crypto.SHA256)
	if err != nil {
		f.t.Fatal(err)
	}
	return fmt.Sprintf("%x", sum)
}

// startGateway runs the binary as a gateway for the foreign issuer.
func startGateway(t *testing.T, f *foreignIssuer, options string) (api string) {
	t.Helper()
	ports := freePorts(t, 2)
	start(t, fmt.Sprintf(`{
	admin off
	default_bind 127.0.0.1 [::1]
	oauth2 {
		issuer foreign %s {
			validate auto
			introspection {
				client gateway gateway-secret
			}
			%s
		}
	}
}
http://localhost:%d {
	bearer_auth foreign {
		audience https://api.test
	}
	reverse_proxy localhost:%d
}
http://localhost:%d {
	respond `+"`"+`{"subject": "{header.X-Auth-Subject}", "client_id": "{header.X-Auth-Client-Id}", "scope": "{header.X-Auth-Scope}", "issuer": "{header.X-Auth-Issuer}"}`+"`"+`
}
`, f.URL, options, ports[0], ports[1], ports[1]), t.TempDir())
	return fmt.Sprintf("http://localhost:%d/", ports[0])
}

// eventually asks until the status is the wanted one, for what happens in the
// background of the binary. Each round is a request, and their number is bounded.
func eventually(t *testing.T, address, token, want string) {
	t.Helper()
	var status, body string
	for range 200 {
		if status, body = call(t, address, token); status == want {
			return
		}
	}
	t.Fatalf("%s: status %s, want %s: %s", address, status, want, body)
}

func TestTheGatewayValidatesTokensOfAForeignIssuer(t *testing.T) {
	f := newForeignIssuer(t)
	api := startGateway(t, f, "")
	eventually(t, api, f.token(nil), "200")
	_, body := call(t, api, f.token(nil))
	for _, want := range []string{`"subject": "frida"`, `"client_id": "shop"`, `"scope": "read write"`, `"issuer": "` + f.URL + `"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the upstream saw %s, want %s", body, want)
		}
	}
	for name, claims := range map[string]map[string]any{
		"another audience": {"aud": "https://other.test"},
		"no audience":      {"aud": nil},
		"another issuer":   {"iss": "https://evil.test"},
		"expired":          {"exp": time.Now().Add(-time.Hour).Unix()},
		"no expiry":        {"exp": nil},
		"not yet valid":    {"nbf": time.Now().Add(time.Hour).Unix()},
		"bound to a key":   {"cnf": map[string]string{"jkt": "x"}},
	} {
		if status, _ := call(t, api, f.token(claims)); status != "401" {
			t.Errorf("%s: status %s, want 401", name, status)
		}
	}

	if _, body := call(t, api, "opaque-and-good"); !strings.Contains(body, `"subject": "olga"`) {
		t.Errorf("by introspection the upstream saw %s", body)
	}
	wantStatus(t, api, "opaque-and-bad", "401")
}

func TestARotatedKeyIsFetchedForTheRequestThatNeedsIt(t *testing.T) {
	f := newForeignIssuer(t)
	api := startGateway(t, f, "")
	old := f.token(nil)
	eventually(t, api, old, "200")
	before := f.thumbprint()
	f.rotate("second")
	if f.thumbprint() == before {
		t.Fatal("rotate made no new key")
	}
	wantStatus(t, api, f.token(nil), "200")
	// The old key went with the set that it was in, its tokens with it.
	wantStatus(t, api, old, "401")
}

func TestF11_KeysThatCannotBeReadLeaveTheLastGoodOnesInPlace(t *testing.T) {
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	for name, fault := range map[string]http.HandlerFunc{
		"down": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"hung": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hung:
			case <-r.Context().Done():
			}
		},
		"empty": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprint(w, `{"keys":[]}`)
		},
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, "<h1>It works</h1>")
		},
		"10 MB": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"keys":[],"padding":"%s"}`, strings.Repeat("x", 10<<20))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForeignIssuer(t)
			api := startGateway(t, f, "timeout 1s")
			eventually(t, api, f.token(nil), "200")
			good := f.key
			f.answerKeys(fault)
			// A token of an unknown key makes the gateway fetch. It must not lose the
			// keys that it has, and cannot say that the token is bad.
			f.mu.Lock()
			fetches := f.fetches
			f.mu.Unlock()
			stranger := newForeignIssuer(t)
			stranger.rotate("unknown")
			wantStatus(t, api, stranger.token(map[string]any{"iss": f.URL}), "503")
			f.mu.Lock()
			if f.fetches == fetches {
				t.Error("the unknown key was not looked for")
			}
			f.key = good
			f.mu.Unlock()
			for range 5 {
				wantStatus(t, api, f.token(nil), "200")
			}
		})
	}
}

func TestRS28_WithoutAnyKeyTheAnswerIs503(t *testing.T) {
	f := newForeignIssuer(t)
	f.answerKeys(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	api := startGateway(t, f, "timeout 1s")
	head := curl(t, "--dump-header", "-", "--output", "/dev/null", "--header", "Authorization: Bearer "+f.token(nil), api)
	if !strings.HasPrefix(head, "HTTP/1.1 503") || !strings.Contains(strings.ToLower(head), "retry-after:") {
		t.Errorf("want 503 with Retry-After, got:\n%s", head)
	}
}
