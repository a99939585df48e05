package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// members decodes a JWK as a header does.
func members(t testing.TB, text string) map[string]any {
	t.Helper()
	object, err := oauth.DecodeObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// jwkOf is the JWK of a public key as jwx writes it.
func jwkOf(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	parsed, err := jwk.FromRaw(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRFC7638_RFC9449_RFC8037_ThumbprintsOfTheExamples(t *testing.T) {
	for name, c := range map[string]struct{ jwk, want string }{
		"RFC 7638 §3.1": {`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		"RFC 9449 §6.1": {`{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}`, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
		"RFC 8037 A.3":  {`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		if parsed, err := oauth.ParsePublicJWK(members(t, c.jwk)); err != nil || parsed.Thumbprint != c.want {
			t.Errorf("%s: %q, %v; want %q", name, parsed.Thumbprint, err, c.want)
		}
	}
}

func TestThumbprintsAreThoseOfJWX(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := testKeys()
	for _, key := range []crypto.PublicKey{&keys.rsa.PublicKey, &keys.ec.PublicKey, &p384.PublicKey, keys.ed.Public()} {
		other, err := jwk.FromRaw(key)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := other.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := oauth.ParsePublicJWK(members(t, jwkOf(t, key)))
		if err != nil || parsed.Thumbprint != base64.RawURLEncoding.EncodeToString(sum) {
			t.Errorf("%T: %q, %v", key, parsed.Thumbprint, err)
		}
		if same, ok := key.(interface{ Equal(crypto.PublicKey) bool }); !ok || !same.Equal(parsed.Key) {
			t.Errorf("%T: another key", key)
		}
	}
}

func TestG73_WhatIsNoPublicKeyInItsOneForm(t *testing.T) {
	const x, y = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"
	ec := func(more string) string {
		return `{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + y + `"` + more + `}`
	}
	if _, err := oauth.ParsePublicJWK(members(t, ec(`,"kid":"1","use":"sig"`))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"private":               ec(`,"d":"` + x + `"`),
		"private, empty":        ec(`,"d":""`),
		"private, null":         ec(`,"d":null`),
		"private RSA member":    ec(`,"p":"AQAB"`),
		"other primes":          ec(`,"oth":[]`),
		"symmetric":             `{"kty":"oct","k":"AAAA"}`,
		"symmetric without key": `{"kty":"oct"}`,
		"symmetric and public":  ec(`,"k":"AAAA"`),
		"for encryption":        ec(`,"use":"enc"`),
		"use is no text":        ec(`,"use":1`),
		"no kty":                `{"crv":"P-256","x":"` + x + `","y":"` + y + `"}`,
		"kty in lower case":     `{"kty":"ec","crv":"P-256","x":"` + x + `","y":"` + y + `"}`,
		"no curve":              `{"kty":"EC","x":"` + x + `","y":"` + y + `"}`,
		"a weak curve":          `{"kty":"EC","crv":"secp256k1","x":"` + x + `","y":"` + y + `"}`,
		"no y":                  `{"kty":"EC","crv":"P-256","x":"` + x + `"}`,
		"off the curve":         `{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + x + `"}`,
		"padded":                `{"kty":"EC","crv":"P-256","x":"` + x + `=","y":"` + y + `"}`,
		"a zero too many":       `{"kty":"EC","crv":"P-256","x":"AJfLRa4cft-LVd4USAkQ2PcwpA5aQYReNlEFH1lQFgRb","y":"` + y + `"}`,
		"x is a number":         `{"kty":"EC","crv":"P-256","x":1,"y":"` + y + `"}`,
		"another size":          `{"kty":"EC","crv":"P-384","x":"` + x + `","y":"` + y + `"}`,
		"RSA, leading zero":     `{"kty":"RSA","n":"AP__","e":"AQAB"}`,
		"RSA, e leading zero":   `{"kty":"RSA","n":"____","e":"AAEAAQ"}`,
		"RSA, e too long":       `{"kty":"RSA","n":"____","e":"AQAAAAE"}`,
		"RSA without e":         `{"kty":"RSA","n":"____"}`,
		"RSA without n":         `{"kty":"RSA","e":"AQAB"}`,
		"Ed25519, short":        `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`,
		"X25519":                `{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"nothing":               `{}`,
	} {
		if parsed, err := oauth.ParsePublicJWK(members(t, text)); err == nil {
			t.Errorf("%s: is taken as a %T", name, parsed.Key)
		}
	}
	if _, err := oauth.ParsePublicJWK(nil); err == nil {
		t.Error("no object is taken")
	}
}
