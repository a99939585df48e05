package token_test

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// keyMemory keeps keys as a store must. Every other method panics.
type keyMemory struct {
	store.Store
	rows []store.Key
}

func (m *keyMemory) Keys(context.Context, string) ([]store.Key, error) {
	return slices.Clone(m.rows), nil
}

func (m *keyMemory) CreateKey(_ context.Context, key store.Key) (store.Key, error) {
	m.rows = append(m.rows, key)
	return key, nil
}

const (
	issuer  = "https://auth.example.com/oauth2"
	grantID = "0123456789abcdef0123456789abcdef"
)

var (
	start      = time.Unix(1_800_000_000, 0).UTC()
	algorithms = []string{oauth.RS256, oauth.PS256, oauth.ES256, oauth.ES384, oauth.EdDSA}
	formats    = []string{oauth.FormatJWT, oauth.FormatOpaque}
)

// openRing opens the keys of a store that only tests know.
func openRing(st store.Store, realm string, algorithms ...string) *keys.Ring {
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	ring, err := keys.Open(context.Background(), st, wrapper, realm, algorithms, start)
	if err != nil {
		panic(err)
	}
	return ring
}

// ringOf makes the keys of realm "/" once: RSA keys take long.
var ringOf = sync.OnceValue(func() *keys.Ring { return openRing(&keyMemory{}, "/", algorithms...) })

func newMinter() *token.Minter { return token.NewMinter("/", issuer, ringOf()) }

// userAccess is a token of a user with every field set.
func userAccess() token.Access {
	return token.Access{
		Subject: "demo", ClientID: "myClient", GrantID: grantID, SessionID: "s-1",
		Scope:    oauth.Scope{"openid", "write"},
		Audience: []string{"https://api.example.com"},
		IssuedAt: start, Expires: start.Add(10 * time.Minute),
		AuthTime: start.Add(-time.Minute), ACR: "1", AMR: []string{"pwd"},
	}
}

// clientAccess is a token of the client credentials grant.
func clientAccess() token.Access {
	return token.Access{
		Subject: "orders", ClientID: "orders",
		Scope:    oauth.Scope{"orders:read"},
		Audience: []string{"https://api.example.com", "https://other.example.com"},
		IssuedAt: start, Expires: start.Add(time.Hour),
	}
}

func mintAccess(t testing.TB, m *token.Minter, access token.Access, format string) (oauth.Secret, token.Access) {
	t.Helper()
	text, minted, err := m.MintAccess(access, format)
	if err != nil {
		t.Fatal(err)
	}
	return text, minted
}

func mintRefresh(t testing.TB, m *token.Minter, generation uint32) oauth.Secret {
	t.Helper()
	text, err := m.MintRefresh(token.Refresh{KeyID: m.RefreshKeyID(), GrantID: grantID, Generation: generation})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func idToken() token.IDToken {
	return token.IDToken{
		Subject: "demo", ClientID: "myClient", Nonce: "n-0S6_WzA2Mj",
		AuthTime: start.Add(-time.Minute), ACR: "1", AMR: []string{"pwd"}, SessionID: "s-1",
		IssuedAt: start, Expires: start.Add(time.Hour),
	}
}

func mintID(t testing.TB, m *token.Minter, id token.IDToken, algorithm string) oauth.Secret {
	t.Helper()
	text, err := m.MintID(id, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signAs signs any payload with a key of the ring, by another's code.
func signAs(t testing.TB, ring *keys.Ring, algorithm, typ, payload string) oauth.Secret {
	t.Helper()
	signer, err := ring.Signer(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	headers := jws.NewHeaders()
	for name, value := range map[string]string{"typ": typ, "kid": signer.KeyID} {
		if err := headers.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	text, err := jws.Sign([]byte(payload), jws.WithKey(jwa.SignatureAlgorithm(algorithm), signer.Key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	return oauth.NewSecret(string(text))
}

// encode and decode are base64url as in RFC 7515 §2.
func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func decode(t testing.TB, text string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// payloadOf decodes the middle part of a JWT.
func payloadOf(t testing.TB, text oauth.Secret) string {
	t.Helper()
	parsed, err := oauth.ParseJWS(text.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return string(parsed.UnverifiedPayload())
}

// spoiled lists text with each of its bytes changed in turn, and with bytes
// added and taken away.
func spoiled(text string) []string {
	list := []string{"", text + "A", text + "=", text + "\n", " " + text, text[1:], text[:len(text)-1]}
	for i := range len(text) {
		for _, c := range []byte{text[i] ^ 1, text[i] ^ 0x20, '\n', 'A'} {
			if c != text[i] {
				list = append(list, text[:i]+string(rune(c))+text[i+1:])
			}
		}
		list = append(list, text[:i]+"\n"+text[i:])
	}
	return list
}

func TestKindOf(t *testing.T) {
	m := newMinter()
	opaque, _ := mintAccess(t, m, userAccess(), oauth.FormatOpaque)
	jwt, _ := mintAccess(t, m, userAccess(), oauth.FormatJWT)
	code, _ := m.NewCode(grantID)
	tests := []struct {
		name string
		text oauth.Secret
		want token.Kind
	}{
		{"opaque access token", opaque, token.OpaqueAccess},
		{"refresh token", mintRefresh(t, m, 1), token.RefreshToken},
		{"code", code, token.Code},
		{"JWT", jwt, token.Foreign},
		{"ID token", mintID(t, m, idToken(), oauth.RS256), token.Foreign},
		{"nothing", oauth.Secret{}, token.Foreign},
		{"somebody else's", oauth.NewSecret("OAT_abc"), token.Foreign},
		{"prefix alone", oauth.NewSecret("oat_"), token.OpaqueAccess},
		{"forged", oauth.NewSecret("ort_forged"), token.RefreshToken},
	}
	for _, tt := range tests {
		if got := token.KindOf(tt.text); got != tt.want {
			t.Errorf("%s: kind %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestTokensFitTheirGrammars(t *testing.T) {
	m := newMinter()
	opaque, _ := mintAccess(t, m, userAccess(), oauth.FormatOpaque)
	jwt, _ := mintAccess(t, m, userAccess(), oauth.FormatJWT)
	code, _ := m.NewCode(grantID)
	for _, text := range []oauth.Secret{opaque, jwt, code, mintRefresh(t, m, 1)} {
		// b64token without padding (RFC 6750 §2.1) goes into headers and forms as
		// it is.
		if strings.Trim(text.Reveal(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != "" {
			t.Errorf("%s needs escaping", text.Reveal())
		}
	}
}

func TestNewGrantIDIsOrderedAndRandom(t *testing.T) {
	seen := map[string]bool{}
	last := ""
	for i := range 1000 {
		id := token.NewGrantID(start.Add(time.Duration(i) * time.Millisecond))
		if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
			t.Fatalf("%q is not 32 hex digits", id)
		}
		if id <= last {
			t.Fatalf("%s of a later time does not come after %s", id, last)
		}
		last = id
	}
	for range 1000 {
		seen[token.NewGrantID(start)[12:]] = true
	}
	if len(seen) != 1000 {
		t.Error("two grants of one millisecond share their random part")
	}
}
