package integration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// signer is a client's ES256 key, in the hands of jwx.
type signer struct {
	t       *testing.T
	key     jwk.Key
	public  jwk.Key
	private []byte // JSON
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.FromRaw(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{jwk.KeyIDKey: "client", jwk.AlgorithmKey: jwa.ES256} {
		if err := key.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, key, public, text}
}

// proof makes a DPoP proof (RFC 9449 §4.2); token is "" for the token endpoint.
func (s *signer) proof(method, target, token string) string {
	s.t.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": target, "iat": time.Now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	headers := jws.NewHeaders()
	bare, err := s.public.Clone()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{jwk.KeyIDKey, jwk.AlgorithmKey} {
		if err := bare.Remove(name); err != nil {
			s.t.Fatal(err)
		}
	}
	for name, value := range map[string]any{jws.TypeKey: "dpop+jwt", jws.JWKKey: bare} {
		if err := headers.Set(name, value); err != nil {
			s.t.Fatal(err)
		}
	}
	signed, err := jws.Sign(payload, jws.WithKey(jwa.ES256, s.key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(signed)
}

// lines collects output and tells when a line has been seen.
type lines struct {
	waitFor string
	seen    chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	told bool
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if !l.told && strings.Contains(l.text.String(), l.waitFor+"\n") {
		l.told = true
		close(l.seen)
	}
	return len(p), nil
}

// String is all output so far.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
