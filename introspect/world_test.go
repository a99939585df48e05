package introspect_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	idp      = "https://idp.example.com"
	api      = "https://api.example.com"
	jwksPath = "/keys"
	askPath  = "/introspect"
)

// signingKey is a key of a test issuer.
type signingKey struct {
	kid, alg string
	private  crypto.Signer
}

func newKey(kid, alg string) signingKey {
	var private crypto.Signer
	switch alg {
	case oauth.ES256:
		private, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case oauth.ES384:
		private, _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case oauth.EdDSA:
		_, private, _ = ed25519.GenerateKey(rand.Reader)
	default:
		private = sharedRSA()
	}
	return signingKey{kid, alg, private}
}

var sharedRSA = sync.OnceValue(func() crypto.Signer {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	return key
})

// jwk gives the members of the public key as the issuer publishes them.
func (k signingKey) jwk() map[string]any {
	parsed, _ := jwk.FromRaw(k.private.Public())
	text, _ := json.Marshal(parsed)
	var members map[string]any
	_ = json.Unmarshal(text, &members)
	members["kid"], members["alg"], members["use"] = k.kid, k.alg, "sig"
	return members
}

func (k signingKey) signRaw(header, payload string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	var signature []byte
	switch key := k.private.(type) {
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(input))
	case *ecdsa.PrivateKey:
		hash, size := crypto.SHA256, 32
		if k.alg == oauth.ES384 {
			hash, size = crypto.SHA384, 48
		}
		h := hash.New()
		h.Write([]byte(input))
		der, _ := key.Sign(rand.Reader, h.Sum(nil), hash)
		var pair struct{ R, S *big.Int }
		_, _ = asn1.Unmarshal(der, &pair)
		signature = make([]byte, 2*size)
		pair.R.FillBytes(signature[:size])
		pair.S.FillBytes(signature[size:])
	case *rsa.PrivateKey:
		h := crypto.SHA256.New()
		h.Write([]byte(input))
		var options crypto.SignerOpts = crypto.SHA256
		if strings.HasPrefix(k.alg, "PS") {
			options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		}
		signature, _ = key.Sign(rand.Reader, h.Sum(nil), options)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// sign makes an access token; typ "" leaves typ out, kid "" the kid.
func (k signingKey) sign(typ string, claims map[string]any) string {
	header := map[string]any{"alg": k.alg}
	if typ != "" {
		header["typ"] = typ
	}
	if k.kid != "" {
		header["kid"] = k.kid
	}
	headerJSON, _ := json.Marshal(header)
	payload, _ := json.Marshal(claims)
	return k.signRaw(string(headerJSON), string(payload))
}

// claims are those of a good token made at now, changed: a nil value takes a
// claim out.
func claims(now time.Time, changes map[string]any) map[string]any {
	all := map[string]any{
		"iss": idp, "sub": "alice", "aud": api, "client_id": "web", "scope": "orders:read", "jti": "t1",
		"iat": now.Unix(), "exp": now.Unix() + 600,
	}
	for name, value := range changes {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

// issuer is an authorization server without sockets.
type issuer struct {
	mu     sync.Mutex
	url    string
	keys   []signingKey
	extra  map[string]any // metadata members to add or change
	tokens map[string]any // introspection answers by token
	faults map[string]func(*http.Request) (*http.Response, error)
	calls  map[string]int
	seen   []*http.Request
	bodies []string
}

func newIssuer(keys ...signingKey) *issuer {
	return &issuer{url: idp, keys: keys, tokens: map[string]any{}, calls: map[string]int{}, faults: map[string]func(*http.Request) (*http.Response, error){}}
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.calls[r.URL.Path]++
	i.seen = append(i.seen, r)
	body := ""
	if r.Body != nil {
		text, _ := io.ReadAll(r.Body)
		body = string(text)
	}
	i.bodies = append(i.bodies, body)
	fault := i.faults[r.URL.Path]
	i.mu.Unlock()
	if fault != nil {
		return fault(r)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server":
		metadata := map[string]any{"issuer": i.url, "jwks_uri": i.url + jwksPath, "introspection_endpoint": i.url + askPath}
		maps.Copy(metadata, i.extra)
		return answer(metadata)(r)
	case jwksPath:
		set := []any{}
		for _, key := range i.keys {
			set = append(set, key.jwk())
		}
		return answer(map[string]any{"keys": set})(r)
	case askPath:
		form, _ := url.ParseQuery(body)
		verdict, known := i.tokens[form.Get("token")]
		if !known {
			verdict = map[string]any{"active": false}
		}
		return answer(verdict)(r)
	default:
		return respond(http.StatusNotFound, "text/plain", "no")(r)
	}
}

func (i *issuer) set(keys ...signingKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

func (i *issuer) fault(path string, fault func(*http.Request) (*http.Response, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults[path] = fault
}

func (i *issuer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls[path]
}

func (i *issuer) total() (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, calls := range i.calls {
		n += calls
	}
	return n
}

func respond(status int, contentType, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: r,
		}, nil
	}
}

func answer(document any) func(*http.Request) (*http.Response, error) {
	text, _ := json.Marshal(document)
	return respond(http.StatusOK, "application/json", string(text))
}

// hang answers nothing until the caller gives up.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func down(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

// settings are those of the issuer at idp, changed.
func settings(at *issuer, change func(*introspect.Foreign)) introspect.Foreign {
	foreign := introspect.Foreign{
		URL: at.url, Validate: introspect.ValidateAuto,
		Introspection: introspect.Introspection{CacheTTL: time.Minute, NegativeTTL: 5 * time.Second, RequireAudience: true}, Client: &http.Client{Transport: at},
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	if change != nil {
		change(&foreign)
	}
	return foreign
}

func withClient(f *introspect.Foreign) {
	f.ClientID, f.ClientSecret = "gateway", oauth.NewSecret("s3cret")
}

func start(t testing.TB, at *issuer, change func(*introspect.Foreign)) *introspect.Remote {
	t.Helper()
	foreign := settings(at, change)
	if err := foreign.Check(); err != nil {
		t.Fatal(err)
	}
	remote := introspect.Start(foreign)
	t.Cleanup(remote.Stop)
	return remote
}

// route makes an Introspector for the API that trusts remote.
func route(t testing.TB, remote *introspect.Remote, change func(*introspect.Config)) *introspect.Introspector {
	t.Helper()
	config := introspect.Config{
		Issuers: []introspect.Issuer{remote.Issuer("corp")}, Audiences: []string{api}, Leeway: 10 * time.Second, Now: time.Now,
	}
	if change != nil {
		change(&config)
	}
	made, err := introspect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func newCache(t testing.TB) *introspect.Cache {
	t.Helper()
	cache, err := introspect.NewCache(1000)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	return cache
}

// verdict is "ok", the reason of a refusal, or "unavailable".
func verdict(t testing.TB, at *introspect.Introspector, token string) string {
	t.Helper()
	_, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret(token)})
	var refusal *introspect.Refusal
	var unavailable *introspect.Unavailable
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refusal):
		return refusal.Reason
	case errors.As(err, &unavailable):
		if unavailable.RetryAfter <= 0 {
			t.Error("unavailable without a time to retry after")
		}
		return "unavailable"
	default:
		t.Fatalf("neither refusal nor unavailable: %v", err)
		return ""
	}
}

func expect(t testing.TB, at *introspect.Introspector, token, want string) {
	t.Helper()
	if got := verdict(t, at, token); got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
}

func mustJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// pass lets time go by in a bubble, and all that was to happen by then happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
