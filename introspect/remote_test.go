package introspect_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// A Remote judges for itself: it does not lean on the route that asks it.
func TestRemoteAsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		server.tokens["opaque"] = active(nil)
		remote := start(t, server, withClient)
		synctest.Wait()
		for name, c := range map[string]struct{ token, want string }{
			"good JWT":       {key.sign("at+jwt", claims(time.Now(), nil)), ""},
			"good opaque":    {"opaque", ""},
			"other issuer":   {key.sign("at+jwt", claims(time.Now(), map[string]any{"iss": "https://evil.example"})), introspect.ReasonIssuer},
			"no issuer":      {key.sign("at+jwt", claims(time.Now(), map[string]any{"iss": nil})), introspect.ReasonIssuer},
			"malformed JWT":  {"eyJ.e30.x", introspect.ReasonMalformed},
			"no expiry":      {key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": nil})), introspect.ReasonClaims},
			"ID token":       {key.sign("JWT", claims(time.Now(), map[string]any{"nonce": "n"})), introspect.ReasonType},
			"inactive":       {"gone", introspect.ReasonInactive},
			"no signature":   {key.signRaw(`{"alg":"none"}`, mustJSON(claims(time.Now(), nil))), introspect.ReasonAlgorithm},
			"bad signature":  {newKey("k", oauth.ES256).sign("at+jwt", claims(time.Now(), nil)), introspect.ReasonSignature},
			"no audience":    {key.sign("at+jwt", claims(time.Now(), map[string]any{"aud": nil})), introspect.ReasonAudience},
			"from tomorrow":  {key.sign("at+jwt", claims(time.Now(), map[string]any{"iat": time.Now().Unix() + 86400})), introspect.ReasonNotYetValid},
			"dead for a day": {key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() - 86400})), introspect.ReasonExpired},
		} {
			token, err := remote.Introspect(context.Background(), oauth.NewSecret(c.token))
			var refusal *introspect.Refusal
			switch {
			case c.want == "" && (err != nil || !remote.Current(token)):
				t.Errorf("%s: %v", name, err)
			case c.want != "" && (!errors.As(err, &refusal) || refusal.Reason != c.want):
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
	})
}

func TestFingerprintCoversTheSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		fingerprint := func(change func(*introspect.Foreign)) uint64 {
			return start(t, server, func(f *introspect.Foreign) {
				withClient(f)
				change(f)
			}).Issuer("x").Fingerprint
		}
		seen := map[uint64]string{}
		for name, change := range map[string]func(*introspect.Foreign){
			"base":        func(*introspect.Foreign) {},
			"validate":    func(f *introspect.Foreign) { f.Validate = introspect.ValidateIntrospect },
			"algorithms":  func(f *introspect.Foreign) { f.Algorithms = []string{oauth.ES256} },
			"token type":  func(f *introspect.Foreign) { f.TokenType = introspect.TokenTypeStrict },
			"client":      func(f *introspect.Foreign) { f.ClientID = "other" },
			"secret":      func(f *introspect.Foreign) { f.ClientSecret = oauth.NewSecret("other") },
			"cache":       func(f *introspect.Foreign) { f.CacheTTL = time.Second },
			"no audience": func(f *introspect.Foreign) { f.RequireAudience = false },
			"name":        func(f *introspect.Foreign) { f.Name = "corp" },
			"jwks_uri":    func(f *introspect.Foreign) { f.JWKSURI = idp + jwksPath },
			"jwks_file":   func(f *introspect.Foreign) { f.JWKSFile = "keys.json" },
			"token age":   func(f *introspect.Foreign) { f.MaxTokenAge = time.Hour },
			"refresh":     func(f *introspect.Foreign) { f.Refresh = time.Hour },
			"max stale":   func(f *introspect.Foreign) { f.MaxStale = time.Hour },
			"timeout":     func(f *introspect.Foreign) { f.Timeout = time.Second },
			"roots":       func(f *introspect.Foreign) { f.Roots = someCertificate(t) },
			"certificate": func(f *introspect.Foreign) {
				f.Auth, f.ClientSecret, f.Certificate = introspect.AuthMTLS, oauth.Secret{}, &introspect.ClientCertificate{Name: "x"}
			},
			"allowed": func(f *introspect.Foreign) { f.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} },
		} {
			got := fingerprint(change)
			if other, twice := seen[got]; twice {
				t.Errorf("%s and %s have one fingerprint", name, other)
			}
			seen[got] = name
		}
		if _, there := seen[fingerprint(func(f *introspect.Foreign) { f.Log = slog.Default() })]; !there {
			t.Error("where the log goes is no setting, but changes the fingerprint")
		}
	})
}

// someCertificate is a certificate authority in PEM form.
func someCertificate(t *testing.T) []byte {
	t.Helper()
	key := newKey("ca", oauth.ES256).private
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
