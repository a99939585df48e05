package authserver_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
)

// What requests cost, from the request's path to the last byte of its answer,
// without a network. BenchmarkFloor is what nobody can go below.

// callers is how many callers a processor has where requests wait for a commit.
const callers = 32

// benchClients have JWTs and opaque tokens.
var benchClients = []string{"web", "opaque"}

func BenchmarkFloor(b *testing.B) {
	b.Run("constant", func(b *testing.B) {
		answer := []byte(`{"active":false}`)
		loop(b, request{method: http.MethodGet, path: "/"}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(answer)
		}))
	})
	b.Run("ES256", func(b *testing.B) {
		loop(b, request{method: http.MethodPost, path: "/"}, bareSignature(b))
	})
}

// bareSignature is a handler that only signs claims as long as ours.
func bareSignature(tb testing.TB) http.Handler {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"0123456789abcdef","typ":"at+jwt"}`))
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		input := header + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://auth.example.com/oauth2","sub":"web","aud":"https://api.example.com",`+
			`"exp":1935669000,"iat":1935668400,"jti":"`+rand.Text()+`","client_id":"web","scope":"read"}`))
		sum := sha256.Sum256([]byte(input))
		signature, err := key.Sign(rand.Reader, sum[:], nil)
		if err != nil {
			tb.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"`+input+"."+base64.RawURLEncoding.EncodeToString(signature)+`","token_type":"Bearer","expires_in":600}`)
	})
}

func BenchmarkClientCredentials(b *testing.B) {
	h := newBenchHouse(b)
	for _, client := range benchClients {
		b.Run(client, func(b *testing.B) {
			loop(b, formOf(client, "access_token", "grant_type", "client_credentials", "scope", "read"), h.server)
		})
	}
}

func BenchmarkIntrospection(b *testing.B) {
	h := newBenchHouse(b)
	for _, client := range benchClients {
		issued := h.answer(b, formOf(client, "access_token", "grant_type", "client_credentials"))
		b.Run(client, func(b *testing.B) {
			loop(b, formOf(client, "introspect", "token", issued["access_token"]), h.server)
		})
	}
	code := h.code(b)
	issued := h.answer(b, code)
	b.Run("of a user", func(b *testing.B) {
		loop(b, formOf("web", "introspect", "token", issued["access_token"]), h.server)
	})
}

func BenchmarkRefresh(b *testing.B) {
	h := newBenchHouse(b)
	tokens := make(chan string, callers*64)
	for range cap(tokens) {
		tokens <- h.answer(b, h.code(b))["refresh_token"]
	}
	parallel(b, func() request {
		return formOf("web", "access_token", "grant_type", "refresh_token", "refresh_token", <-tokens)
	}, h.server, func(answer map[string]string) { tokens <- answer["refresh_token"] })
}

func BenchmarkCodeExchange(b *testing.B) {
	h := newBenchHouse(b)
	codes := make([]request, b.N)
	for i := range codes {
		codes[i] = h.code(b)
	}
	var next atomic.Int64
	parallel(b, func() request { return codes[next.Add(1)-1] }, h.server, func(map[string]string) {})
}

func BenchmarkDiscovery(b *testing.B) {
	h := newBenchHouse(b)
	loop(b, request{method: http.MethodGet, path: "/oauth2/.well-known/openid-configuration"}, h.server)
}

func BenchmarkJWKS(b *testing.B) {
	h := newBenchHouse(b)
	loop(b, request{method: http.MethodGet, path: "/oauth2/connect/jwk_uri"}, h.server)
}

// newBenchHouse is a house that does not keep what it was told.
func newBenchHouse(b *testing.B) *house {
	b.Helper()
	h := newHouse(b)
	server, err := authserver.New(b.Context(), h.config, h.backend, authserver.Options{
		Observer: uncounted{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	h.server = server
	return h
}

// uncounted is an Observer that counts nothing.
type uncounted struct{}

func (uncounted) TokenAnswered(string, string, string) {}
func (uncounted) AttemptLimited(string, string)        {}
func (uncounted) LogoutTold(string, string)            {}

// code is the request that exchanges a new code of the client web, with openid
// in its scope.
func (h *house) code(b *testing.B) request {
	b.Helper()
	r, _ := h.server.Realm("/")
	return formOf("web", "access_token", "grant_type", "authorization_code", "code", h.Code(b, r, "web").Reveal(),
		"redirect_uri", realmtest.Callback, "code_verifier", realmtest.Verifier)
}

func (h *house) answer(tb testing.TB, r request) map[string]string {
	tb.Helper()
	var answer answer
	h.server.ServeHTTP(&answer, r.new())
	return answer.texts(tb)
}

// request is what a request is made of, so that making one costs little.
type request struct {
	method, path string
	header       http.Header
	body         string
}

// formOf is a POST of a form by a confidential client.
func formOf(clientID, endpoint string, pairs ...string) request {
	credentials := url.QueryEscape(clientID) + ":" + url.QueryEscape(realmtest.Secret(clientID))
	return request{
		method: http.MethodPost, path: "/oauth2/" + endpoint,
		header: http.Header{
			"Content-Type":  {"application/x-www-form-urlencoded"},
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))},
		},
		body: realmtest.Values(pairs...).Encode(),
	}
}

func (r request) new() *http.Request {
	return &http.Request{Method: r.method, URL: &url.URL{Path: r.path}, Header: r.header, Body: io.NopCloser(strings.NewReader(r.body))}
}

// answer is a ResponseWriter that keeps the answer.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.body.Write(p)
}

// texts are the members of the document that are strings.
func (a *answer) texts(tb testing.TB) map[string]string {
	tb.Helper()
	var document map[string]any
	if err := json.Unmarshal(a.body.Bytes(), &document); err != nil || a.status != http.StatusOK {
		tb.Fatalf("answered %d %s", a.status, a.body.String())
	}
	texts := map[string]string{}
	for name, value := range document {
		if text, ok := value.(string); ok {
			texts[name] = text
		}
	}
	return texts
}

// loop sends one request again and again.
func loop(b *testing.B, r request, handler http.Handler) {
	b.Helper()
	b.ReportAllocs()
	var last *answer
	for b.Loop() {
		last = &answer{}
		handler.ServeHTTP(last, r.new())
	}
	if last.status != http.StatusOK || bytes.HasPrefix(last.body.Bytes(), []byte(`{"active":false}`)) && r.header != nil {
		b.Fatalf("answered %d %s", last.status, last.body.String())
	}
}

// parallel sends the requests that next makes from many callers, and gives each
// answer to done.
func parallel(b *testing.B, next func() request, handler http.Handler, done func(map[string]string)) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(callers)
	b.ResetTimer()
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			var a answer
			handler.ServeHTTP(&a, next().new())
			if a.status != http.StatusOK {
				b.Errorf("answered %d %s", a.status, a.body.String())
				return
			}
			done(a.texts(b))
		}
	})
}
