package introspect_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// withEndpoint runs in a bubble, where no key can be read from a file; these are
// made before.
func clientKey(t testing.TB, key any, members map[string]any) *introspect.ClientKey {
	t.Helper()
	parsed, err := introspect.ParseClientKey(oauth.NewSecret(privateJWK(t, key, members)))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func privateJWK(t testing.TB, key any, members map[string]any) string {
	t.Helper()
	made, err := jwk.FromRaw(key)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(mustJSON(made)), &all); err != nil {
		t.Fatal(err)
	}
	maps.Copy(all, members)
	return mustJSON(all)
}

func asked(server *issuer) (form url.Values, authorization string) {
	server.mu.Lock()
	defer server.mu.Unlock()
	last := len(server.seen) - 1
	form, _ = url.ParseQuery(server.bodies[last])
	return form, server.seen[last].Header.Get("Authorization")
}

func TestClientSecretPost(t *testing.T) {
	post := func(f *introspect.Foreign) {
		f.Auth, f.ClientID, f.ClientSecret = introspect.AuthPost, "gate:way &", oauth.NewSecret("s:+/é&")
	}
	withEndpoint(t, post, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		expect(t, at, "opaque", introspect.ReasonInactive)
		form, authorization := asked(server)
		if authorization != "" || form.Get("client_id") != "gate:way &" || form.Get("client_secret") != "s:+/é&" || len(form) != 4 {
			t.Errorf("sent %v and Authorization %q", form, authorization)
		}
	})
}

// RFC 8705 §2: the certificate is in the connection, the id in the form. Where
// the issuer has an address of its own for it, that one is asked (§5).
func TestMTLSNamesTheClient(t *testing.T) {
	mtls := func(f *introspect.Foreign) {
		f.Auth, f.ClientID, f.ClientSecret = introspect.AuthMTLS, "gateway", oauth.Secret{}
		f.Certificate = &introspect.ClientCertificate{Name: "test", Get: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, nil }}
	}
	for aliases, want := range map[string]string{
		`{}`: idp + askPath, `{"introspection_endpoint":"https://mtls.idp.example.com/introspect"}`: "https://mtls.idp.example.com/introspect",
		`{"introspection_endpoint":"http://plain.example.com/introspect"}`: idp + askPath, `[]`: idp + askPath,
	} {
		t.Run(aliases, func(t *testing.T) {
			withEndpoint(t, func(f *introspect.Foreign) {
				mtls(f)
				f.Client.Transport.(*issuer).extra = map[string]any{"mtls_endpoint_aliases": json.RawMessage(aliases)}
			}, func(t *testing.T, at *introspect.Introspector, server *issuer) {
				expect(t, at, "opaque", introspect.ReasonInactive)
				form, authorization := asked(server)
				if authorization != "" || form.Get("client_id") != "gateway" || form.Has("client_secret") || len(form) != 3 {
					t.Errorf("sent %v and Authorization %q", form, authorization)
				}
				if got := server.seen[len(server.seen)-1].URL.String(); got != want {
					t.Errorf("asked %s, want %s", got, want)
				}
			})
		})
	}
}

// RFC 7523 §3, for each kind of key.
func TestPrivateKeyJWT(t *testing.T) {
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for name, c := range map[string]struct {
		key     crypto.Signer
		members map[string]any
		alg     string
	}{
		"P-256":          {p256, map[string]any{"kid": "gw"}, oauth.ES256},
		"P-384":          {p384, map[string]any{"kid": "gw", "alg": "ES384"}, oauth.ES384},
		"Ed25519":        {ed, map[string]any{"kid": "gw", "alg": "EdDSA"}, oauth.EdDSA},
		"RSA":            {sharedRSA(), map[string]any{"kid": "gw"}, oauth.RS256},
		"RSA-PSS":        {sharedRSA(), map[string]any{"kid": "gw", "alg": "PS256"}, oauth.PS256},
		"without a name": {p256, nil, oauth.ES256},
	} {
		t.Run(name, func(t *testing.T) {
			kid, _ := c.members["kid"].(string)
			verifier, err := oauth.NewVerifyKey(kid, c.alg, c.key.Public())
			if err != nil {
				t.Fatal(err)
			}
			key := clientKey(t, c.key, c.members)
			withEndpoint(t, func(f *introspect.Foreign) {
				f.Auth, f.ClientID, f.ClientSecret, f.Key = introspect.AuthPrivateKeyJWT, "gateway", oauth.Secret{}, key
			}, func(t *testing.T, at *introspect.Introspector, server *issuer) {
				seen := map[any]bool{}
				for _, token := range []string{"one", "two"} {
					expect(t, at, token, introspect.ReasonInactive)
					form, authorization := asked(server)
					if authorization != "" || form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Has("client_secret") {
						t.Fatalf("sent %v and Authorization %q", form, authorization)
					}
					jws, err := oauth.ParseJWS(form.Get("client_assertion"))
					if err != nil || jws.KeyID != kid {
						t.Fatalf("kid %q: %v", jws.KeyID, err)
					}
					payload, err := jws.Verify(verifier)
					if err != nil {
						t.Fatal(err)
					}
					claims, err := oauth.DecodeObject(payload)
					if err != nil {
						t.Fatal(err)
					}
					issued, _, _ := oauth.NumericDate(claims, "iat")
					expires, _, _ := oauth.NumericDate(claims, "exp")
					if claims["iss"] != "gateway" || claims["sub"] != "gateway" || claims["aud"] != idp || issued != time.Now().Unix() || expires != issued+60 {
						t.Errorf("claims %v", claims)
					}
					if id, _ := claims["jti"].(string); len(id) < 20 || seen[id] {
						t.Errorf("jti %q is short or was there before", id)
					}
					seen[claims["jti"]] = true
				}
			})
		})
	}
}

func TestClientKeysAreReadFromJWKAndPEM(t *testing.T) {
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	block := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return "\n" + string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})) + "\n"
	}
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return block("PRIVATE KEY", der, err)
	}
	sec1, err := x509.MarshalECPrivateKey(p256)
	public, publicErr := x509.MarshalPKIXPublicKey(p256.Public())
	for name, c := range map[string]struct{ text, want string }{
		"JWK":                 {privateJWK(t, p256, nil), ""},
		"PKCS #8 RSA":         {pkcs8(sharedRSA()), ""},
		"PKCS #8 EC":          {pkcs8(p256), ""},
		"PKCS #8 Ed25519":     {pkcs8(ed), ""},
		"PKCS #1":             {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(sharedRSA().(*rsa.PrivateKey)), nil), ""},
		"SEC 1":               {block("EC PRIVATE KEY", sec1, err), ""},
		"nothing":             {"", "neither"},
		"text":                {"canary", "neither"},
		"broken PEM":          {"-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n", "neither"},
		"a set":               {`{"keys":[` + privateJWK(t, p256, nil) + `]}`, "neither"},
		"public key":          {block("PUBLIC KEY", public, publicErr), "no private key"},
		"public JWK":          {privateJWK(t, p256.Public(), nil), "no private key"},
		"shared secret":       {`{"kty":"oct","k":"Y2FuYXJ5"}`, "no private key"},
		"P-521":               {privateJWK(t, p521, nil), "not supported"},
		"alg of another kind": {privateJWK(t, p256, map[string]any{"alg": "RS256"}), "does not fit"},
		"alg none":            {privateJWK(t, p256, map[string]any{"alg": "none"}), "does not fit"},
		"alg of another size": {privateJWK(t, p256, map[string]any{"alg": "ES384"}), "does not fit"},
	} {
		_, err := introspect.ParseClientKey(oauth.NewSecret(c.text))
		switch {
		case (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

// Each contradiction says how to mend it.
func TestContradictingCredentials(t *testing.T) {
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key := clientKey(t, p256, nil)
	certificate := &introspect.ClientCertificate{Name: "test"}
	secret := oauth.NewSecret("s3cret")
	for name, c := range map[string]struct {
		settings introspect.Introspection
		want     string
	}{
		"basic":                      {introspect.Introspection{ClientSecret: secret}, ""},
		"post":                       {introspect.Introspection{Auth: "post", ClientSecret: secret}, ""},
		"private_key_jwt":            {introspect.Introspection{Auth: "private_key_jwt", Key: key}, ""},
		"mtls":                       {introspect.Introspection{Auth: "mtls", Certificate: certificate}, ""},
		"an endpoint":                {introspect.Introspection{ClientSecret: secret, Endpoint: "https://idp.example.com/ask"}, ""},
		"basic without secret":       {introspect.Introspection{}, "both an id and a secret"},
		"post without secret":        {introspect.Introspection{Auth: "post"}, "both an id and a secret"},
		"key with basic":             {introspect.Introspection{ClientSecret: secret, Key: key}, "write auth private_key_jwt"},
		"certificate with basic":     {introspect.Introspection{ClientSecret: secret, Certificate: certificate}, "write auth mtls"},
		"secret with key":            {introspect.Introspection{Auth: "private_key_jwt", ClientSecret: secret, Key: key}, "take the secret away"},
		"private_key_jwt, no key":    {introspect.Introspection{Auth: "private_key_jwt"}, "key /run/secrets/gateway.jwk"},
		"secret with mtls":           {introspect.Introspection{Auth: "mtls", ClientSecret: secret, Certificate: certificate}, "take the secret away"},
		"key with mtls":              {introspect.Introspection{Auth: "mtls", Key: key, Certificate: certificate}, "take the key away"},
		"mtls without certificate":   {introspect.Introspection{Auth: "mtls"}, "certificate /run/secrets"},
		"unknown method":             {introspect.Introspection{Auth: "client_secret_jwt", ClientSecret: secret}, "unknown: use one of"},
		"plain-text endpoint":        {introspect.Introspection{ClientSecret: secret, Endpoint: "http://idp.example.com/ask"}, "must use https"},
		"endpoint of this machine":   {introspect.Introspection{ClientSecret: secret, Endpoint: "http://127.0.0.1/ask"}, "must use https"},
		"endpoint that is no URL":    {introspect.Introspection{ClientSecret: secret, Endpoint: "/ask"}, "is not an absolute URL"},
		"endpoint with credentials":  {introspect.Introspection{ClientSecret: secret, Endpoint: "https://a:b@idp.example.com/"}, "without user name"},
		"endpoint with bad escaping": {introspect.Introspection{ClientSecret: secret, Endpoint: "https://%zz"}, "is not an absolute URL"},
	} {
		c.settings.ClientID = "gateway"
		err := introspect.Foreign{URL: idp, Introspection: c.settings, Now: time.Now}.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	plain := introspect.Introspection{ClientID: "gateway", Auth: "mtls", Certificate: certificate}
	if err := (introspect.Foreign{URL: "http://127.0.0.1:9000", Introspection: plain}).Check(); err == nil || !strings.Contains(err.Error(), "needs https") {
		t.Errorf("mtls over plain text: %v", err)
	}
}

func TestEverySettingOfIntrospectionIsDescribed(t *testing.T) {
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	all := []introspect.Introspection{
		{},
		{ClientID: "x"},
		{Auth: "post"},
		{ClientSecret: oauth.NewSecret("canary")},
		{Key: clientKey(t, p256, nil)},
		{Key: clientKey(t, other, nil)},
		{Certificate: &introspect.ClientCertificate{Name: "a"}},
		{Certificate: &introspect.ClientCertificate{Name: "b"}},
		{Endpoint: "https://x"},
		{SignedResponse: true},
		{CacheTTL: 1},
		{NegativeTTL: 1},
		{RequireAudience: true},
	}
	var seen []string
	for _, settings := range all {
		text := introspect.Foreign{Introspection: settings}.Describe()
		if slices.Contains(seen, text) || strings.Contains(text, "canary") {
			t.Errorf("%s was there before, or shows a secret", text)
		}
		seen = append(seen, text)
	}
}
