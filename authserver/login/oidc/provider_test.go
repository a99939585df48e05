package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// fake is an OpenID provider on loopback that can be told to lie.
type fake struct {
	*httptest.Server
	clock *clock

	mu       sync.Mutex
	asked    map[string]int // requests by path
	codes    map[string]url.Values
	metadata map[string]any // over the honest members; nil takes one away
	claims   map[string]any // the same of ID tokens
	userinfo map[string]any // the same of userinfo
	answer   map[string]any // the same of token answers
	header   map[string]any // the same of the header of ID tokens
	lies     map[string]http.HandlerFunc
	kid      string
	key      *ecdsa.PrivateKey // published
	signer   *ecdsa.PrivateKey // signs, when it is another
	lastForm url.Values
	lastAuth string
}

func newFake(t *testing.T, c *clock) *fake {
	t.Helper()
	f := &fake{
		clock: c, asked: map[string]int{}, codes: map[string]url.Values{}, lies: map[string]http.HandlerFunc{},
		kid: "k1", key: newKey(t),
		metadata: map[string]any{}, claims: map[string]any{}, userinfo: map[string]any{}, answer: map[string]any{}, header: map[string]any{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", f.serveMetadata)
	mux.HandleFunc("/keys", f.serveKeys)
	mux.HandleFunc("/token", f.serveToken)
	mux.HandleFunc("/userinfo", f.serveUserinfo)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.asked[r.URL.Path]++
		lie := f.lies[r.URL.Path]
		f.mu.Unlock()
		if lie != nil {
			lie(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// count is how often a path was asked for.
func (f *fake) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[path]
}

// lie answers a path in another way; nil is honest again.
func (f *fake) lie(path string, handler http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lies[path] = handler
}

// over lays one object over another.
func over(honest, lies map[string]any) map[string]any {
	maps.Copy(honest, lies)
	maps.DeleteFunc(honest, func(_ string, value any) bool { return value == nil })
	return honest
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (f *fake) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	writeJSON(w, over(map[string]any{
		"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize?tenant=a", "token_endpoint": f.URL + "/token",
		"jwks_uri": f.URL + "/keys", "userinfo_endpoint": f.URL + "/userinfo",
		"authorization_response_iss_parameter_supported": true,
		"id_token_signing_alg_values_supported":          []string{"ES256"},
	}, f.metadata))
}

func (f *fake) serveKeys(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	point, _ := f.key.PublicKey.Bytes()
	encode := base64.RawURLEncoding.EncodeToString
	writeJSON(w, map[string]any{"keys": []any{
		map[string]any{"kty": "oct", "kid": "symmetric", "k": "c2VjcmV0", "alg": "HS256"},
		map[string]any{"kty": "EC", "crv": "P-256", "kid": f.kid, "use": "sig", "x": encode(point[1:33]), "y": encode(point[33:])},
	}})
}

// authorize is the person who signs in there: it gives the answer for the browser
// to bring.
func (f *fake) authorize(t *testing.T, location string) url.Values {
	t.Helper()
	at, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	f.mu.Lock()
	defer f.mu.Unlock()
	code := rand.Text()
	f.codes[code] = query
	return url.Values{"code": {code}, "state": {query.Get("state")}, "iss": {f.URL}}
}

func (f *fake) serveToken(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = r.ParseForm()
	f.lastForm, f.lastAuth = r.PostForm, r.Header.Get("Authorization")
	request, there := f.codes[r.PostForm.Get("code")]
	delete(f.codes, r.PostForm.Get("code"))
	if !there || r.PostForm.Get("redirect_uri") != request.Get("redirect_uri") ||
		!oauth.VerifyPKCE(request.Get("code_challenge"), r.PostForm.Get("code_verifier")) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	now := f.clock.Now().Unix()
	claims := over(map[string]any{
		"iss": f.URL, "sub": "ann", "aud": "caddy", "exp": now + 300, "iat": now, "auth_time": now, "nonce": request.Get("nonce"),
		"amr": []string{"pwd", "otp", "face"},
	}, f.claims)
	writeJSON(w, over(map[string]any{
		"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": f.sign(claims),
	}, f.answer))
}

func (f *fake) sign(claims map[string]any) string {
	key := f.key
	if f.signer != nil {
		key = f.signer
	}
	header, _ := json.Marshal(over(map[string]any{"alg": "ES256", "kid": f.kid, "typ": "JWT"}, f.header))
	payload, _ := json.Marshal(claims)
	return sign(key, header, payload)
}

func (f *fake) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer at" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	writeJSON(w, over(map[string]any{
		"sub": "ann", "name": "Ann Example", "preferred_username": "ann", "email": "ann@example.com", "email_verified": true,
	}, f.userinfo))
}

// sign makes a compact JWS by ES256, whatever its header says.
func sign(key *ecdsa.PrivateKey, header, payload []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	input := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	return input + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}
