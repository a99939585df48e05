package caddymodule_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	// The standard modules that the Caddyfiles of these tests use.
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

const apiAudience = "https://api.test"

// testIssuer is a foreign authorization server with one ES256 key.
type testIssuer struct {
	*httptest.Server
	key     *ecdsa.PrivateKey
	fetches atomic.Int64 // of the key set
	asked   atomic.Int64 // for introspection
	keys    atomic.Pointer[http.HandlerFunc]
}

func newTestIssuer(t *testing.T) *testIssuer {
	t.Helper()
	return newTestIssuerOver(t, httptest.NewServer)
}

func newTestIssuerOver(t *testing.T, serve func(http.Handler) *httptest.Server) *testIssuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &testIssuer{key: key}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, document any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	}
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/jwks", "introspection_endpoint": i.URL + "/introspect"})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, r *http.Request) {
		i.fetches.Add(1)
		if fault := i.keys.Load(); fault != nil {
			(*fault)(w, r)
			return
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		answer(w, map[string]any{"keys": []map[string]string{{
			"kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "use": "sig",
			"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
		}}})
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if id, secret, _ := r.BasicAuth(); id != "gateway" || secret != "s3cret" || r.PostFormValue("token") != "opaque" {
			answer(w, map[string]any{"active": false})
			return
		}
		answer(w, map[string]any{"active": true, "sub": "olga", "aud": apiAudience, "exp": time.Now().Add(time.Hour).Unix()})
	})
	i.Server = serve(mux)
	t.Cleanup(i.Close)
	return i
}

// token signs an access token for the API. claims override the usual ones; nil
// takes one away.
func (i *testIssuer) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	all := map[string]any{
		"iss": i.URL, "sub": "frida", "aud": apiAudience, "client_id": "shop", "scope": "read",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "jti": rand.Text(),
	}
	for name, value := range claims {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	part := func(document any) string {
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]string{"alg": "ES256", "typ": "at+jwt", "kid": "k1"}) + "." + part(all)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// rawUpstream answers every request with 200 and keeps its bytes as they came
// over the socket: net/http would have tidied them up.
type rawUpstream struct {
	address string
	seen    chan string
}

func newRawUpstream(t *testing.T) *rawUpstream {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	u := &rawUpstream{address: listener.Addr().String(), seen: make(chan string, 100)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go u.serve(conn)
		}
	}()
	return u
}

func (u *rawUpstream) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	raw, err := readRaw(r)
	if err != nil {
		return
	}
	u.seen <- raw
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}

// readRaw reads a head, and a chunked body with its trailers.
func readRaw(r *bufio.Reader) (string, error) {
	var raw strings.Builder
	lines := func(last func(line string) bool) error {
		for {
			line, err := r.ReadString('\n')
			raw.WriteString(line)
			if err != nil || last(line) {
				return err
			}
		}
	}
	blank := func(line string) bool { return line == "\r\n" }
	if err := lines(blank); err != nil {
		return "", err
	}
	if strings.Contains(strings.ToLower(raw.String()), "\r\ntransfer-encoding: chunked\r\n") {
		if err := lines(func(line string) bool { return line == "0\r\n" }); err != nil {
			return "", err
		}
		if err := lines(blank); err != nil {
			return "", err
		}
	}
	return raw.String(), nil
}

// next is the oldest request that was not looked at; "" when there is none. A
// request that was answered through Caddy is there already.
func (u *rawUpstream) next() string {
	select {
	case raw := <-u.seen:
		return raw
	default:
		return ""
	}
}

// header gives the values of a header in a raw request, its name compared byte
// by byte.
func header(raw, name string) []string {
	var values []string
	for line := range strings.SplitSeq(raw, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			values = append(values, value)
		}
	}
	return values
}

// setup is what a test adds to the Caddyfile of newGateway. UPSTREAM in it
// stands for the address of the raw upstream.
type setup struct {
	globals string // further global options
	log     string // options of the default log; without any it is discarded
	matcher string // of bearer_auth
	block   string // further options of bearer_auth
	site    string // further directives of the guarded site
}

// config makes a Caddyfile with global options that leave the machine alone.
func config(t *testing.T, log, globals, sites string) string {
	t.Helper()
	if log == "" {
		log = "output discard"
	}
	return fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\tstorage file_system %s\n\tlog {\n%s\n\t}\n%s\n}\n%s",
		t.TempDir(), log, globals, sites)
}

// load makes Caddy run a Caddyfile until the test ends.
func load(t *testing.T, text string) error {
	t.Helper()
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	return caddy.Load(adapted, true)
}

// freePort finds a port on loopback that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// gateway is a running Caddy with one guarded site.
type gateway struct {
	t         *testing.T
	address   string
	caddyfile string
	issuer    *testIssuer
	upstream  *rawUpstream
}

// newGateway guards one site for a foreign issuer.
func newGateway(t *testing.T, s setup) *gateway {
	t.Helper()
	g := &gateway{t: t, issuer: newTestIssuer(t), upstream: newRawUpstream(t)}
	port := freePort(t)
	g.address = fmt.Sprintf("127.0.0.1:%d", port)
	g.caddyfile = strings.ReplaceAll(config(t, s.log, s.globals, fmt.Sprintf(`http://127.0.0.1:%d {
	%s
	bearer_auth %s %s {
		audience %s
		%s
	}
	reverse_proxy UPSTREAM
}
`, port, s.site, s.matcher, g.issuer.URL, apiAudience, s.block)), "UPSTREAM", g.upstream.address)
	if err := load(t, g.caddyfile); err != nil {
		t.Fatal(err)
	}
	return g
}

// raw sends bytes as they are and reads the answer. It tries again when the
// connection breaks, as it may while Caddy changes its listeners in a reload.
func (g *gateway) raw(request string) *http.Response {
	g.t.Helper()
	var err error
	for range 3 {
		var response *http.Response
		if response, err = g.try(request); err == nil {
			return response
		}
	}
	g.t.Fatalf("%v\nafter:\n%s", err, request)
	return nil
}

func (g *gateway) try(request string) (*http.Response, error) {
	conn, err := net.Dial("tcp", g.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

// send makes a request of its first line's method and path and of header lines.
func (g *gateway) send(methodAndPath string, headers ...string) *http.Response {
	g.t.Helper()
	lines := append([]string{methodAndPath + " HTTP/1.1", "Host: " + g.address}, headers...)
	return g.raw(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// bearer is the header line with a token; claims as of testIssuer.token.
func (g *gateway) bearer(claims map[string]any) string {
	return "Authorization: Bearer " + g.issuer.token(g.t, claims)
}

// wantStatus fails the test when the status is another one.
func wantStatus(t *testing.T, response *http.Response, want int) {
	t.Helper()
	if response.StatusCode != want {
		t.Errorf("status %d, want %d; headers %v", response.StatusCode, want, response.Header)
	}
}
