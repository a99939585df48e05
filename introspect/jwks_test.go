package introspect_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// set is a JWK Set document of some keys.
func set(keys ...any) string { return mustJSON(map[string]any{"keys": keys}) }

// changed is the JWK of a key with members changed; nil takes one out.
func changed(key signingKey, changes map[string]any) map[string]any {
	members := key.jwk()
	for name, value := range changes {
		if value == nil {
			delete(members, name)
		} else {
			members[name] = value
		}
	}
	return members
}

func parseKeys(t *testing.T, document string) []string {
	t.Helper()
	keys, err := introspect.ParseKeySet([]byte(document), introspect.DefaultAlgorithms)
	if err != nil {
		return nil
	}
	slices.Sort(keys.Keys)
	return keys.Keys
}

func TestG83_RS6_UnusableKeysAreSkipped(t *testing.T) {
	good, other, rsaKey, ed := newKey("good", oauth.ES256), newKey("other", oauth.ES256), newKey("rsa", oauth.RS256), newKey("ed", oauth.EdDSA)
	for name, key := range map[string]map[string]any{
		"for encryption":       changed(other, map[string]any{"use": "enc"}),
		"odd use":              changed(other, map[string]any{"use": 1}),
		"null use":             changed(other, map[string]any{"use": json.RawMessage("null")}),
		"key_ops encrypt":      changed(other, map[string]any{"key_ops": []string{"encrypt"}}),
		"key_ops sign":         changed(other, map[string]any{"key_ops": []string{"sign"}}),
		"key_ops empty":        changed(other, map[string]any{"key_ops": []string{}}),
		"key_ops odd":          changed(other, map[string]any{"key_ops": 1}),
		"symmetric":            {"kty": "oct", "kid": "other", "k": "c2VjcmV0", "alg": "HS256"},
		"symmetric, says RSA":  changed(rsaKey, map[string]any{"k": "c2VjcmV0"}),
		"private EC":           changed(other, map[string]any{"d": "AQ"}),
		"private RSA":          changed(rsaKey, map[string]any{"d": "AQ", "p": "AQ", "q": "AQ"}),
		"only p":               changed(rsaKey, map[string]any{"p": "AQ"}),
		"unknown kty":          {"kty": "AKP", "kid": "other", "alg": "ML-DSA-44", "pub": "AQ"},
		"no kty":               changed(other, map[string]any{"kty": nil}),
		"another kty":          changed(other, map[string]any{"kty": "RSA"}),
		"unknown curve":        changed(other, map[string]any{"crv": "secp256k1"}),
		"another curve":        changed(other, map[string]any{"crv": "P-384"}),
		"X25519":               changed(ed, map[string]any{"crv": "X25519"}),
		"off the curve":        changed(other, map[string]any{"x": "AQ"}),
		"no y":                 changed(other, map[string]any{"y": nil}),
		"bad base64":           changed(other, map[string]any{"x": "!!!"}),
		"x is a number":        changed(other, map[string]any{"x": 1}),
		"512 bit RSA":          changed(rsaKey, map[string]any{"n": strings.Repeat("_", 85)}),
		"RSA with e = 1":       changed(rsaKey, map[string]any{"e": "AQ"}),
		"RSA with huge e":      changed(rsaKey, map[string]any{"e": strings.Repeat("_", 86)}),
		"huge RSA":             changed(rsaKey, map[string]any{"n": strings.Repeat("_", 20_000)}),
		"alg of nobody":        changed(other, map[string]any{"alg": "ES256K"}),
		"alg none":             changed(other, map[string]any{"alg": "none"}),
		"alg HS256":            changed(other, map[string]any{"alg": "HS256"}),
		"alg not of the list":  changed(rsaKey, map[string]any{"alg": "RS512"}),
		"alg of another kty":   changed(other, map[string]any{"alg": "RS256"}),
		"alg of another curve": changed(other, map[string]any{"alg": "ES384"}),
		"alg a number":         changed(other, map[string]any{"alg": 1}),
		"alg null":             changed(other, map[string]any{"alg": json.RawMessage("null")}),
		"kid a number":         changed(other, map[string]any{"kid": 1}),
	} {
		if got := parseKeys(t, set(key, good.jwk())); !slices.Equal(got, []string{"good ES256"}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestKeysWithoutAlg(t *testing.T) {
	for alg, want := range map[string][]string{
		oauth.ES256: {"k ES256"}, oauth.ES384: {"k ES384"}, oauth.EdDSA: {"k EdDSA"}, oauth.RS256: {"k PS256", "k RS256"},
	} {
		if got := parseKeys(t, set(changed(newKey("k", alg), map[string]any{"alg": nil, "use": nil, "key_ops": []string{"verify"}}))); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", alg, got, want)
		}
	}
}

func TestF13_RS26_SetsRefusedAsAWhole(t *testing.T) {
	a, b := newKey("same", oauth.ES256), newKey("same", oauth.ES256)
	many := func(n int) (keys []any) {
		for i := range n {
			keys = append(keys, changed(a, map[string]any{"kid": fmt.Sprint(i)}))
		}
		return keys
	}
	for name, document := range map[string]string{
		"no keys member": `{}`, "no keys": `{"keys":[]}`, "keys null": `{"keys":null}`, "keys an object": `{"keys":{}}`, "Keys": strings.Replace(set(a.jwk()), "keys", "Keys", 1),
		"array": `[]`, "null": `null`, "HTML": `<html></html>`, "truncated": set(a.jwk())[:80], "trailing data": set(a.jwk()) + "x", "empty": ``,
		"member is no object": `{"keys":["x"]}`, "only unusable keys": set(changed(a, map[string]any{"use": "enc"})),
		"two keys, one kid":                 set(a.jwk(), b.jwk()),
		"one kid, one key unusable":         set(a.jwk(), changed(b, map[string]any{"use": "enc"})),
		"one kid, other algorithm":          set(a.jwk(), changed(newKey("same", oauth.EdDSA), nil)),
		"101 keys":                          set(many(101)...),
		"50 000 keys":                       `{"keys":[` + strings.Repeat(`{},`, 50_000) + `{}]}`,
		"a member twice":                    strings.Replace(set(a.jwk()), `"kid"`, `"kid":"x","kid"`, 1),
		"deep":                              `{"keys":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
		"keys twice":                        `{"keys":[],` + set(a.jwk())[1:],
		"keys twice, differing in case":     `{"Keys":[],` + set(a.jwk())[1:],
		"one key without kid, none usable":  set(changed(a, map[string]any{"kid": nil, "kty": "oct"})),
		"lone surrogate":                    strings.Replace(set(a.jwk()), `"same"`, `"\ud800"`, 1),
		"byte order mark":                   "\ufeff" + set(a.jwk()),
		"two keys, one kid by escape":       strings.Replace(set(a.jwk(), b.jwk()), `"same"`, `"\u0073ame"`, 1),
		"three keys, the last takes a name": set(newKey("x", oauth.ES256).jwk(), a.jwk(), b.jwk()),
	} {
		if got := parseKeys(t, document); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	long := newKey(strings.Repeat("x", 100_000), oauth.ES256).jwk()
	if _, err := introspect.ParseKeySet([]byte(set(long, long)), introspect.DefaultAlgorithms); err == nil || len(err.Error()) > 1000 {
		t.Error("an issuer can write as much into our log as it likes")
	}
	if got := parseKeys(t, set(many(100)...)); len(got) != 100 {
		t.Errorf("%d of 100 keys", len(got))
	}
}

func TestGenerationFollowsTheKeys(t *testing.T) {
	a, b := newKey("a", oauth.ES256), newKey("b", oauth.ES256)
	generation := func(document string) uint64 {
		keys, err := introspect.ParseKeySet([]byte(document), introspect.DefaultAlgorithms)
		if err != nil || keys.Generation == 0 {
			t.Fatalf("generation %d, %v", keys.Generation, err)
		}
		return keys.Generation
	}
	base := generation(set(a.jwk(), b.jwk()))
	for name, document := range map[string]string{
		"again": set(a.jwk(), b.jwk()), "other order": set(b.jwk(), a.jwk()),
		"with a comment": set(changed(a, map[string]any{"x5c": []string{"…"}}), b.jwk()), "with an unusable key": set(a.jwk(), b.jwk(), map[string]any{"kty": "oct"}),
	} {
		if generation(document) != base {
			t.Errorf("%s: another generation", name)
		}
	}
	for name, document := range map[string]string{
		"one key less": set(a.jwk()), "another name": set(changed(a, map[string]any{"kid": "c"}), b.jwk()),
		"another key": set(newKey("a", oauth.ES256).jwk(), b.jwk()), "names swapped": set(changed(a, map[string]any{"kid": "b"}), changed(b, map[string]any{"kid": "a"})),
	} {
		if generation(document) == base {
			t.Errorf("%s: the same generation", name)
		}
	}
}

func TestG12_TokensWithoutKid(t *testing.T) {
	unnamed := func(key signingKey) signingKey { key.kid = ""; return key }
	a, b, ed, z := newKey("a", oauth.ES256), newKey("b", oauth.ES256), newKey("ed", oauth.EdDSA), newKey("z", oauth.ES384)
	for name, c := range map[string]struct {
		published []signingKey
		signer    signingKey
		want      string
	}{
		"one key":                      {[]signingKey{a}, unnamed(a), "ok"},
		"one key, without kid itself":  {[]signingKey{unnamed(a)}, unnamed(a), "ok"},
		"one of its algorithm":         {[]signingKey{a, ed}, unnamed(a), "ok"},
		"two of its algorithm":         {[]signingKey{a, b}, unnamed(a), introspect.ReasonUnknownKey},
		"none of its algorithm":        {[]signingKey{a}, unnamed(ed), introspect.ReasonUnknownKey},
		"another key":                  {[]signingKey{a}, unnamed(b), introspect.ReasonSignature},
		"a kid, published without":     {[]signingKey{unnamed(a)}, a, introspect.ReasonUnknownKey},
		"kid of another algorithm":     {[]signingKey{a, ed}, signingKey{"a", oauth.EdDSA, ed.private}, introspect.ReasonAlgorithm},
		"kid of another key":           {[]signingKey{a, b}, signingKey{"b", oauth.ES256, a.private}, introspect.ReasonSignature},
		"algorithm outside the list":   {[]signingKey{a}, signingKey{"a", oauth.RS512, sharedRSA()}, introspect.ReasonAlgorithm},
		"RSA key pinned to RS256, PS":  {[]signingKey{newKey("r", oauth.RS256)}, newKey("r", oauth.PS256), introspect.ReasonAlgorithm},
		"RSA key pinned to RS256, RS":  {[]signingKey{newKey("r", oauth.RS256)}, newKey("r", oauth.RS256), "ok"},
		"RSA key pinned to PS256, PS":  {[]signingKey{newKey("r", oauth.PS256)}, newKey("r", oauth.PS256), "ok"},
		"ES384":                        {[]signingKey{z}, z, "ok"},
		"EdDSA":                        {[]signingKey{ed}, ed, "ok"},
		"kid in another case":          {[]signingKey{a}, signingKey{"A", oauth.ES256, a.private}, introspect.ReasonUnknownKey},
		"kid that looks like a path":   {[]signingKey{a}, signingKey{"../../dev/null", oauth.ES256, a.private}, introspect.ReasonUnknownKey},
		"kid that looks like a query":  {[]signingKey{a}, signingKey{"' OR 1=1--", oauth.ES256, a.private}, introspect.ReasonUnknownKey},
		"algorithms crossed, same kid": {[]signingKey{ed}, signingKey{"ed", oauth.ES256, a.private}, introspect.ReasonAlgorithm},
	} {
		synctest.Test(t, func(t *testing.T) {
			at := route(t, start(t, newIssuer(c.published...), nil), nil)
			synctest.Wait()
			if got := verdict(t, at, c.signer.sign("at+jwt", claims(time.Now(), nil))); got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		})
	}
}

func FuzzKeySet(f *testing.F) {
	var all []any
	for _, alg := range introspect.DefaultAlgorithms {
		key := newKey("k"+alg, alg).jwk()
		all = append(all, key)
		f.Add([]byte(set(key)))
		bare := maps.Clone(key)
		delete(bare, "alg")
		f.Add([]byte(set(bare)))
	}
	f.Add([]byte(set(all...)))
	for _, seed := range []string{
		`{}`, `{"keys":[]}`, `{"keys":[{}]}`, `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AQ"}]}`, `{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"}]}`, `{"keys":[{"kty":"RSA","n":"","e":""}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, err := introspect.ParseKeySet(document, introspect.DefaultAlgorithms)
		if err != nil {
			return
		}
		if len(keys.Keys) == 0 || keys.Generation == 0 {
			t.Fatalf("a set without keys: %q", document)
		}
		again, err := introspect.ParseKeySet(document, introspect.DefaultAlgorithms)
		if err != nil || !reflect.DeepEqual(keys, again) {
			t.Fatalf("read differently the second time: %q", document)
		}
		for _, key := range keys.Keys {
			if alg := key[strings.LastIndexByte(key, ' ')+1:]; !slices.Contains(introspect.DefaultAlgorithms, alg) {
				t.Fatalf("algorithm %q", alg)
			}
		}
	})
}
