package introspect_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
)

// What one request may cost at most (F28).
const (
	mostTime  = 5 * time.Millisecond * slowdown
	mostBytes = 1 << 20
)

// cost is what a call of f takes: the best of a few, for what else the machine
// does is not its fault.
func cost(f func()) (took time.Duration, bytes uint64) {
	took, bytes = time.Hour, 1<<62
	var before, after runtime.MemStats
	for range 5 {
		runtime.ReadMemStats(&before)
		began := time.Now()
		f()
		elapsed := time.Since(began)
		runtime.ReadMemStats(&after)
		took, bytes = min(took, elapsed), min(bytes, after.TotalAlloc-before.TotalAlloc)
	}
	return took, bytes
}

// F28: no token and no proof costs more than a little, whatever is in it and
// whoever signed it.
func TestF28_NoTokenIsExpensive(t *testing.T) {
	keys := []signingKey{newKey("ec", oauth.ES256), newKey("rsa", oauth.RS256), newKey("ed", oauth.EdDSA)}
	server := newIssuer(keys...)
	remote := start(t, server, withClient)
	at := route(t, remote, nil)
	for deadline := time.Now().Add(10 * time.Second); verdict(t, at, keys[0].sign("at+jwt", claims(time.Now(), nil))) != "ok"; {
		if time.Now().After(deadline) {
			t.Fatal("the keys are never read")
		}
	}
	const header, room = `{"alg":"ES256","typ":"at+jwt","kid":"ec"}`, 5500 // of MaxTokenBytes, encoded
	payload := func(member string) string {
		good := mustJSON(claims(time.Now(), nil))
		return good[:len(good)-1] + "," + member + "}"
	}
	filled := func(before, each, after string) string {
		return before + strings.Repeat(each, (room-len(before)-len(after))/len(each)) + after
	}
	numbered := func(format string) string {
		var text strings.Builder
		for n := 0; text.Len() < room; n++ {
			fmt.Fprintf(&text, format, n)
		}
		return strings.TrimSuffix(text.String(), ",")
	}
	tokens := map[string]string{
		"100 KB":              strings.Repeat("a", 100<<10),
		"100 KB of dots":      strings.Repeat(".", 100<<10),
		"as many dots as fit": strings.Repeat(".", oauth.MaxTokenBytes),
		"a JWE bomb":          "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjIxNDc0ODM2NDd9." + strings.Repeat("A.", 3) + "A",
		"an opaque one":       strings.Repeat("a", oauth.MaxTokenBytes),
	}
	for name, text := range map[string]string{
		"arrays in arrays":    filled(`"x":`, "[", ""),
		"objects in objects":  filled(`"x":`, `{"a":`, ""),
		"members":             numbered(`"%x":1,`),
		"the same member":     filled("", `"a":1,`, `"a":1`),
		"elements":            `"x":[` + numbered("%d,") + "]",
		"audiences":           `"y":0`,
		"a long number":       filled(`"x":`, "9", ""),
		"a huge number":       filled(`"x":1e`, "9", ""),
		"an exponent":         `"nbf":1e999999999`,
		"scopes":              `"scp":"` + numbered("%d ") + `"`,
		"escapes":             filled(`"x":"`, `\u0041`, `"`),
		"surrogates":          filled(`"x":"`, `\ud83d\ude00`, `"`),
		"names alike in case": filled("", `"aA":1,"Aa":1,`, `"b":1`),
		"white space":         filled(`"x":`, " ", "1"),
	} {
		for _, key := range keys {
			head := strings.NewReplacer("ES256", key.alg, `"ec"`, `"`+key.kid+`"`).Replace(header)
			tokens[name+" "+key.alg] = key.signRaw(head, payload(text))
			tokens[name+" in the header "+key.alg] = key.signRaw(head[:len(head)-1]+","+text+"}", "{}")
		}
	}
	tokens["audiences"] = keys[0].signRaw(header, mustJSON(claims(time.Now(), map[string]any{"aud": strings.Split(numbered("%d,")[:3500], ",")})))
	tokens["scopes"] = keys[0].signRaw(header, mustJSON(claims(time.Now(), map[string]any{"scope": numbered("%d ")})))
	for name, token := range tokens {
		if strings.HasPrefix(token, "eyJ") && len(token) > oauth.MaxTokenBytes {
			t.Errorf("%s: %d bytes are not even looked at", name, len(token))
		}
		took, bytes := cost(func() { verdict(t, at, token) })
		if took > mostTime || bytes > mostBytes {
			t.Errorf("%s: %v and %d bytes", name, took, bytes)
		}
	}
}

// The same of proofs, and of requests with many of them.
func TestF28_NoProofIsExpensive(t *testing.T) {
	key := dpoptest.NewKey()
	at := proving(t, vouching{Key: key.Thumbprint()}, new(register), nil)
	many := make([]string, 1000)
	for n := range many {
		many[n] = key.Sign(dpoptest.Proof{Method: "GET", Target: api + "/orders", Token: "opaque", At: proofTime})
	}
	deep := map[string]any{}
	for range 500 {
		deep = map[string]any{"a": deep}
	}
	for name, proofs := range map[string][]string{
		"100 KB": {strings.Repeat("a", 100<<10)}, "dots": {strings.Repeat(".", 100<<10)}, "a thousand": many,
		"deep header": {key.Sign(dpoptest.Proof{At: proofTime, Header: map[string]any{"x": deep}})},
		"deep claims": {key.Sign(dpoptest.Proof{At: proofTime, Claims: map[string]any{"x": deep}})},
		"long htu":    {key.Sign(dpoptest.Proof{Method: "GET", Target: api + "/" + strings.Repeat("%41", 1500), Token: "opaque", At: proofTime})},
		"large key":   {key.Sign(dpoptest.Proof{At: proofTime, Header: map[string]any{"alg": "RS256", "jwk": map[string]any{"kty": "RSA", "e": "AQAB", "n": strings.Repeat("_", 5000)}}})},
	} {
		presented := request(key, nil)
		presented.Proofs = proofs
		took, bytes := cost(func() {
			if _, err := at.Introspect(context.Background(), presented); err == nil {
				t.Errorf("%s is accepted", name)
			}
		})
		if took > mostTime || bytes > mostBytes {
			t.Errorf("%s: %v and %d bytes", name, took, bytes)
		}
	}
}
