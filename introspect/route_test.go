package introspect_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// realm is an issuer of this process, as a route sees it.
type realm struct {
	token *introspect.Token
	err   error
	asked []string
	stale bool
}

func (r *realm) Introspect(_ context.Context, token oauth.Secret) (*introspect.Token, error) {
	r.asked = append(r.asked, token.Reveal())
	return r.token, r.err
}

func (r *realm) Current(*introspect.Token) bool { return !r.stale }

const ownPrefix, localURL = "own_at_", "https://auth.example.com/oauth2"

func (r *realm) issuer() introspect.Issuer {
	return introspect.Issuer{
		Name: "/", URL: localURL, Source: r, Local: true,
		Opaque: func(token string) bool { return strings.HasPrefix(token, ownPrefix) },
	}
}

func localToken(now time.Time) *introspect.Token {
	return &introspect.Token{Issuer: localURL, Subject: "demo", Audience: []string{api}, Expires: now.Unix() + 600, Generation: 1}
}

func TestNewChecksItsConfig(t *testing.T) {
	good := introspect.Config{
		Issuers: []introspect.Issuer{(&realm{}).issuer()}, Audiences: []string{api}, OwnPrefixes: []string{ownPrefix}, Leeway: 10 * time.Second, Now: time.Now,
	}
	if _, err := introspect.New(good); err != nil {
		t.Fatal(err)
	}
	all := func(string) bool { return true }
	for want, change := range map[string]func(*introspect.Config){
		"no issuer is trusted":  func(c *introspect.Config) { c.Issuers = nil },
		"no audience is set":    func(c *introspect.Config) { c.Audiences = nil },
		"no audience":           func(c *introspect.Config) { c.Audiences = []string{api, ""} },
		"clock leeway 1m1s":     func(c *introspect.Config) { c.Leeway = 61 * time.Second },
		"clock leeway -1s":      func(c *introspect.Config) { c.Leeway = -time.Second },
		"a clock is needed":     func(c *introspect.Config) { c.Now = nil },
		"no empty token prefix": func(c *introspect.Config) { c.OwnPrefixes = []string{""} },
		"has no URL":            func(c *introspect.Config) { c.Issuers = []introspect.Issuer{{Name: "x", Source: &realm{}}} },
		"no source":             func(c *introspect.Config) { c.Issuers = []introspect.Issuer{{Name: "x", URL: idp}} },
		"is listed twice":       func(c *introspect.Config) { c.Issuers = append(c.Issuers, c.Issuers[0]) },
		"both introspect opaque": func(c *introspect.Config) {
			c.Issuers = []introspect.Issuer{{URL: "a", Source: &realm{}, Opaque: all}, {URL: "b", Source: &realm{}, Opaque: all}}
		},
	} {
		config := good
		change(&config)
		if _, err := introspect.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		server.tokens["opaque"] = claims(time.Now(), map[string]any{"active": true})
		remote := start(t, server, withClient)
		local := &realm{token: localToken(time.Now())}
		at := route(t, remote, func(c *introspect.Config) {
			c.Issuers = append(c.Issuers, local.issuer())
			c.OwnPrefixes = []string{ownPrefix, "own_rt_"}
		})
		synctest.Wait()
		ours := key.sign("at+jwt", claims(time.Now(), map[string]any{"iss": localURL}))
		for _, c := range []struct {
			name, token, want, issuer string
			asks                      int
		}{
			{"foreign JWT", key.sign("at+jwt", claims(time.Now(), nil)), "ok", "corp", 0},
			{"our JWT", ours, "ok", "/", 0},
			{"JWT with a line break", key.signRaw("{\n\"alg\":\"ES256\",\"kid\":\"k\"}", mustJSON(claims(time.Now(), nil))), "ok", "corp", 0},
			{"ID token with a line break", key.signRaw("{\r\n\"alg\":\"ES256\",\"kid\":\"k\"}", mustJSON(claims(time.Now(), map[string]any{"nonce": "n"}))), introspect.ReasonType, "corp", 0},
			{"foreign opaque token", "opaque", "ok", "corp", 1},
			{"unknown opaque token", "nobody's", introspect.ReasonInactive, "corp", 1},
			{"our opaque token", ownPrefix + "x", "ok", "/", 0},
			{"our refresh token", "own_rt_x", introspect.ReasonIssuer, "", 0},
			{"empty", "", introspect.ReasonMalformed, "", 0},
			{"too long", strings.Repeat("x", oauth.MaxTokenBytes+1), introspect.ReasonMalformed, "", 0},
			{"JWE", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aa.bb.cc", introspect.ReasonMalformed, "", 0},
			{"JWT with two parts", "eyJhbGciOiJFUzI1NiJ9.e30", introspect.ReasonMalformed, "", 0},
			{"JWT with four parts", "eyJhbGciOiJFUzI1NiJ9.e30.aa.bb", introspect.ReasonMalformed, "", 0},
			{"not base64", "eyJ#.e30.aa", introspect.ReasonMalformed, "", 0},
			{"JWT of nobody", key.sign("at+jwt", claims(time.Now(), map[string]any{"iss": "https://evil.example"})), introspect.ReasonIssuer, "", 0},
		} {
			local.asked = nil
			before := server.count(askPath)
			result, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret(c.token)})
			if got := verdict(t, at, c.token); got != c.want || result.Issuer != c.issuer {
				t.Errorf("%s: %q by %q, want %q by %q (%v)", c.name, got, result.Issuer, c.want, c.issuer, err)
			}
			if asks := server.count(askPath) - before; (asks > 0) != (c.asks > 0) {
				t.Errorf("%s: %d calls of the introspection endpoint", c.name, asks)
			}
			if (c.issuer == "/") != (len(local.asked) > 0) {
				t.Errorf("%s: our realm was asked %v", c.name, local.asked)
			}
		}
	})
}

// Tokens with a prefix of ours stay in the process, on routes without a realm
// of ours as well.
func TestOwnTokensNeverLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		at := route(t, start(t, server, withClient), func(c *introspect.Config) { c.OwnPrefixes = []string{ownPrefix} })
		synctest.Wait()
		expect(t, at, ownPrefix+"x", introspect.ReasonIssuer)
		if server.count(askPath) != 0 {
			t.Error("our token was sent to a foreign issuer")
		}
	})
}

func TestG34_KeyOfAnotherIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newKey("k", oauth.ES256), newKey("k", oauth.ES256)
		serverA, serverB := newIssuer(a), newIssuer(b)
		serverB.url = "https://b.example.com"
		remoteA, remoteB := start(t, serverA, nil), start(t, serverB, nil)
		at := route(t, remoteA, func(c *introspect.Config) { c.Issuers = append(c.Issuers, remoteB.Issuer("b")) })
		synctest.Wait()
		expect(t, at, a.sign("at+jwt", claims(time.Now(), nil)), "ok")
		expect(t, at, b.sign("at+jwt", claims(time.Now(), map[string]any{"iss": "https://b.example.com"})), "ok")
		expect(t, at, b.sign("at+jwt", claims(time.Now(), nil)), introspect.ReasonSignature)
		expect(t, at, a.sign("at+jwt", claims(time.Now(), map[string]any{"iss": "https://b.example.com"})), introspect.ReasonSignature)
	})
}

// G8: whatever a header points at, nobody calls it.
func TestG8_HeaderAddressesAreNotCalled(t *testing.T) {
	withJWTs(t, "", func(t *testing.T, at *introspect.Introspector, _ signingKey, server *issuer) {
		attacker := newKey("k", oauth.ES256)
		before := server.total()
		for _, address := range []string{
			"https://evil.example/jwks", idp + "/redirect?to=https://evil.example", "https://idp.example.com@evil.example/", "https://idp.example.com.evil.example/",
			"//evil.example/", "file:///etc/passwd", "http://169.254.169.254/",
		} {
			for _, name := range []string{"jku", "x5u"} {
				token := attacker.signRaw(`{"alg":"ES256","kid":"k","`+name+`":"`+address+`"}`, mustJSON(claims(time.Now(), nil)))
				if got := verdict(t, at, token); got != introspect.ReasonSignature {
					t.Errorf("%s %s: %q", name, address, got)
				}
			}
		}
		// A signature that fails may have the configured address asked, once.
		server.mu.Lock()
		defer server.mu.Unlock()
		asked := server.seen[before:]
		if len(asked) > 1 || len(asked) == 1 && asked[0].URL.String() != idp+jwksPath {
			t.Errorf("%d requests", len(asked))
		}
	})
}

func TestSourcesThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		source realm
		want   string
	}{
		"plain error":    {realm{err: errors.New("database is locked")}, "unavailable"},
		"no verdict":     {realm{}, "unavailable"},
		"refusal":        {realm{err: &introspect.Refusal{Reason: introspect.ReasonRevoked}}, introspect.ReasonRevoked},
		"other issuer":   {realm{token: &introspect.Token{Issuer: idp, Subject: "x", Audience: []string{api}, Expires: 1 << 40}}, introspect.ReasonIssuer},
		"no subject":     {realm{token: &introspect.Token{Issuer: localURL, Audience: []string{api}, Expires: 1 << 40}}, introspect.ReasonClaims},
		"no expiry":      {realm{token: &introspect.Token{Issuer: localURL, Subject: "x", Audience: []string{api}}}, introspect.ReasonExpired},
		"other audience": {realm{token: &introspect.Token{Issuer: localURL, Subject: "x", Audience: []string{"x"}, Expires: 1 << 40}}, introspect.ReasonAudience},
		"no audience":    {realm{token: &introspect.Token{Issuer: localURL, Subject: "x", Expires: 1 << 40}}, introspect.ReasonAudience},
	} {
		at, err := introspect.New(introspect.Config{
			Issuers: []introspect.Issuer{c.source.issuer()}, Audiences: []string{api}, OwnPrefixes: []string{ownPrefix}, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := verdict(t, at, ownPrefix+"x"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// FuzzRoute: whatever text comes as a token, nothing panics, nobody is asked
// who does not answer for it, and what is refused says so. The clock stands
// still, so unknown kids may cause one fetch in all.
func FuzzRoute(f *testing.F) {
	key := newKey("k", oauth.ES256)
	server := newIssuer(key)
	now := func() time.Time { return time.Unix(1_700_000_000, 0) }
	remote := start(f, server, func(f *introspect.Foreign) { f.Now, f.Refresh, f.MaxStale = now, 1000*time.Hour, 1000*time.Hour })
	local := &realm{err: &introspect.Refusal{Reason: introspect.ReasonMalformed}}
	at := route(f, remote, func(c *introspect.Config) {
		c.Issuers = append(c.Issuers, local.issuer())
		c.OwnPrefixes, c.Now = []string{ownPrefix}, now
	})
	good := key.sign("at+jwt", claims(now(), nil))
	expect(f, at, good, "ok") // the keys are there
	for _, seed := range []string{
		"", "x", ownPrefix, ownPrefix + "x", "eyJ", "eyJ.", "eyJ..", "eyJ....", "Bearer x", `{"payload":""}`, "eyJhbGciOiJub25lIn0.e30.",
		good[:len(good)-86] + good[len(good)-43:] + good[len(good)-43:], key.sign("at+jwt", claims(time.Unix(0, 0), nil)), key.sign("JWT", map[string]any{"iss": localURL}),
		base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"`+idp+`"}`)) + ".",
	} {
		f.Add(seed)
	}
	before := server.total()
	f.Fuzz(func(t *testing.T, token string) {
		local.asked = nil
		if got := verdict(t, at, token); got == "ok" || got == "unavailable" {
			t.Fatalf("%q: %s", token, got)
		}
		if server.total() > before+1 || server.count(askPath) != 0 {
			t.Fatalf("%q made a request", token)
		}
		if len(local.asked) > 0 && !strings.HasPrefix(token, ownPrefix) && !strings.HasPrefix(token, "eyJ") {
			t.Fatalf("%q went to a realm that does not answer for it", token)
		}
	})
}
