package introspect_test

import (
	"context"
	"errors"
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
			"leeway":      func(f *introspect.Foreign) { f.Leeway = 0 },
		} {
			got := fingerprint(change)
			if other, twice := seen[got]; twice {
				t.Errorf("%s and %s have one fingerprint", name, other)
			}
			seen[got] = name
		}
		if _, there := seen[fingerprint(func(f *introspect.Foreign) { f.Refresh = time.Hour })]; !there {
			t.Error("how often keys are read changes no verdict, but the fingerprint")
		}
	})
}
