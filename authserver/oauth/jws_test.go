package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

var testKeys = sync.OnceValue(func() (keys struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
	ed  ed25519.PrivateKey
}) {
	keys.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	keys.ec, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, keys.ed, _ = ed25519.GenerateKey(rand.Reader)
	return keys
})

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signES256 makes a compact JWS around a header and a payload as they stand.
func signES256(t testing.TB, header, payload string) string {
	t.Helper()
	return signInput(t, b64(header)+"."+b64(payload))
}

func signInput(t testing.TB, input string) string {
	t.Helper()
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, testKeys().ec, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func es256Key(t testing.TB) oauth.VerifyKey {
	t.Helper()
	key, err := oauth.NewVerifyKey("k", oauth.ES256, &testKeys().ec.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// accepted says whether a text verifies with the key.
func accepted(key oauth.VerifyKey, text string) bool {
	parsed, err := oauth.ParseJWS(text)
	if err != nil {
		return false
	}
	_, err = parsed.Verify(key)
	return err == nil
}

func TestParseAndVerify(t *testing.T) {
	key := es256Key(t)
	parsed, err := oauth.ParseJWS(signES256(t, `{"typ":"application/AT+JWT","alg":"ES256","kid":"k"}`, `{"sub":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Algorithm != oauth.ES256 || parsed.KeyID != "k" || parsed.MediaType() != "at+jwt" {
		t.Errorf("header read as %q, %q, %q", parsed.Algorithm, parsed.KeyID, parsed.MediaType())
	}
	if payload, err := parsed.Verify(key); err != nil || string(payload) != `{"sub":"x"}` {
		t.Errorf("payload %q, %v", payload, err)
	}
	if _, err := parsed.Verify(oauth.VerifyKey{}); !errors.Is(err, oauth.ErrSignature) {
		t.Errorf("the zero key: %v", err)
	}
}

func TestG2_RS3_OddAlgorithms(t *testing.T) {
	key := es256Key(t)
	for _, member := range []string{
		``, `"alg":"",`, `"alg":"foo",`, `"alg":"ES256x",`, `"alg":"es256",`, `"alg":"ES256 ",`, `"alg":256,`, `"alg":null,`, `"alg":["ES256"],`,
		`"alg":{},`, `"alg":true,`, `"Alg":"ES256",`, `"alg":"none",`, `"alg":"None",`, `"alg":"NONE",`, `"alg":"nOnE",`,
		`"alg":"HS256",`, `"alg":"RS256",`, `"alg":"PS256",`, `"alg":"ES384",`, `"alg":"ES256K",`, `"alg":"RSA-OAEP",`,
	} {
		header := `{` + member + `"typ":"JWT"}`
		if accepted(key, signES256(t, header, `{}`)) {
			t.Errorf("%s was accepted", header)
		}
		if accepted(key, b64(header)+"."+b64(`{}`)+".") {
			t.Errorf("%s was accepted without a signature", header)
		}
	}
}

func TestG3_G5_SymmetricConfusion(t *testing.T) {
	keys := testKeys()
	spki, _ := x509.MarshalPKIXPublicKey(&keys.ec.PublicKey)
	block := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	rsaKey, _ := oauth.NewVerifyKey("k", oauth.RS256, &keys.rsa.PublicKey)
	secrets := map[string][]byte{
		"empty": {}, "secret": []byte("secret"), "null bytes": make([]byte, 32), "DER": spki,
		"PEM": []byte(block), "PEM without newline": []byte(strings.TrimSpace(block)), "PEM with CRLF": []byte(strings.ReplaceAll(block, "\n", "\r\n")),
		"PKCS #1": x509.MarshalPKCS1PublicKey(&keys.rsa.PublicKey), "modulus": keys.rsa.N.Bytes(),
	}
	for name, secret := range secrets {
		for alg, hash := range map[string]crypto.Hash{"HS256": crypto.SHA256, "HS384": crypto.SHA384, "HS512": crypto.SHA512} {
			for _, header := range []string{`{"alg":"` + alg + `"}`, `{"alg":"` + alg + `","kid":"k"}`} {
				input := b64(header) + "." + b64(`{"sub":"root"}`)
				mac := hmac.New(hash.New, secret)
				mac.Write([]byte(input))
				text := input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
				if accepted(es256Key(t), text) || accepted(rsaKey, text) {
					t.Errorf("%s keyed with %s was accepted", alg, name)
				}
			}
		}
	}
}

func TestG9_RS4_KeysInTheHeaderAreIgnored(t *testing.T) {
	attacker, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	public, _ := jwk.FromRaw(&attacker.PublicKey)
	headers := jws.NewHeaders()
	_ = headers.Set(jws.JWKKey, public)
	_ = headers.Set(jws.JWKSetURLKey, "https://evil.example/jwks")
	_ = headers.Set(jws.KeyIDKey, "k")
	forged, err := jws.Sign([]byte(`{"sub":"root"}`), jws.WithKey(jwa.ES256, attacker, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oauth.ParseJWS(string(forged)); err != nil {
		t.Fatalf("such headers are ignored, not read: %v", err)
	}
	if accepted(es256Key(t), string(forged)) {
		t.Error("a token vouched for itself")
	}
}

func TestG10_KeyIDs(t *testing.T) {
	for value, want := range map[string]bool{
		`"../../../../dev/null"`: true, `"' OR 1=1--"`: true, `"${jndi:ldap://x}"`: true, `"a\nb"`: true, `""`: true,
		`0`: false, `null`: false, `{}`: false, `[]`: false, `true`: false,
		`"` + strings.Repeat("k", 256) + `"`: false, `"` + strings.Repeat("k", 1<<20) + `"`: false,
	} {
		_, err := oauth.ParseJWS(signES256(t, `{"alg":"ES256","kid":`+value+`}`, `{}`))
		if (err == nil) != want {
			t.Errorf("kid %.40s: %v", value, err)
		}
	}
}

func TestG13_RS5_Critical(t *testing.T) {
	key := es256Key(t)
	for _, member := range []string{
		`"crit":["exp"]`, `"crit":["urn:x"],"urn:x":1`, `"crit":[]`, `"crit":"exp"`, `"crit":["absent"]`, `"crit":["exp","exp"]`, `"crit":null`,
		`"crit":["b64"],"b64":false`, `"b64":true`, `"zip":"DEF"`,
	} {
		if accepted(key, signES256(t, `{"alg":"ES256",`+member+`}`, `{}`)) {
			t.Errorf("%s was accepted", member)
		}
	}
}

func TestG15_MediaType(t *testing.T) {
	for typ, want := range map[string]string{
		"at+jwt": "at+jwt", "AT+JWT": "at+jwt", "application/at+jwt": "at+jwt", "Application/At+Jwt": "at+jwt", "JWT": "jwt", "": "",
		"at+jwt ": "at+jwt ", "text/at+jwt": "text/at+jwt", "logout+jwt": "logout+jwt",
	} {
		parsed, err := oauth.ParseJWS(signES256(t, `{"alg":"ES256","typ":"`+typ+`"}`, `{}`))
		if err != nil || parsed.MediaType() != want {
			t.Errorf("%q: %v, %v", typ, parsed, err)
		}
	}
	for _, typ := range []string{"1", "null", `["at+jwt"]`} {
		if _, err := oauth.ParseJWS(signES256(t, `{"alg":"ES256","typ":`+typ+`}`, `{}`)); err == nil {
			t.Errorf("typ %s was read", typ)
		}
	}
}

func TestG17_G22_RS1_OtherSerialisations(t *testing.T) {
	key := es256Key(t)
	good := signES256(t, `{"alg":"ES256"}`, `{"sub":"x"}`)
	part := strings.Split(good, ".")
	for name, text := range map[string]string{
		"nothing": "", "one part": part[0], "two parts": part[0] + "." + part[1], "four parts": good + ".x", "dots": "..", "empty parts": "...",
		"detached payload":                 part[0] + ".." + part[2],
		"no signature":                     part[0] + "." + part[1] + ".",
		"flattened JSON":                   `{"protected":"` + part[0] + `","payload":"` + part[1] + `","signature":"` + part[2] + `"}`,
		"general JSON":                     `{"payload":"` + part[1] + `","signatures":[{"protected":"` + part[0] + `","signature":"` + part[2] + `"}]}`,
		"G18 JWE":                          b64(`{"alg":"dir","enc":"A256GCM"}`) + "..aa.bb.cc",
		"G19 JWE with a bomb":              b64(`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`) + "..aa.bb.cc",
		"G20 PBES2":                        b64(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483648,"p2s":"aa"}`) + ".aa.bb.cc.dd",
		"G21 RSA1_5 with an empty key":     b64(`{"alg":"RSA1_5","enc":"A128CBC-HS256"}`) + "..bb.cc.dd",
		"three parts that claim to be JWE": signES256(t, `{"alg":"ES256","enc":"A256GCM"}`, `{}`),
	} {
		if accepted(key, text) {
			t.Errorf("%s was accepted", name)
		}
	}
	if !accepted(key, good) {
		t.Error("the token itself was refused")
	}
}

func TestG24_Base64(t *testing.T) {
	key := es256Key(t)
	good := signES256(t, `{"alg":"ES256"}`, `{"a":"??>>~~"}`)
	part := strings.Split(good, ".")
	if !strings.ContainsAny(part[1], "-_") {
		t.Fatal("the payload shows nothing of the alphabet")
	}
	for name, text := range map[string]string{
		"padding at the end":       good + "==",
		"padding in the header":    part[0] + "=." + part[1] + "." + part[2],
		"standard alphabet":        part[0] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(part[1]) + "." + part[2],
		"space in front":           " " + good,
		"space behind":             good + " ",
		"newline behind":           good + "\n",
		"newline in the signature": part[0] + "." + part[1] + "." + part[2][:10] + "\n" + part[2][10:],
		"return in the payload":    part[0] + "." + part[1][:4] + "\r" + part[1][4:] + "." + part[2],
		"tab in the header":        part[0][:4] + "\t" + part[0][4:] + "." + part[1] + "." + part[2],
		"no-break space":           "\u00a0" + good,
		"NUL behind":               good + "\x00",
		"one character more":       good + "A",
	} {
		if accepted(key, text) {
			t.Errorf("%s was accepted", name)
		}
	}
	// The bits after the last byte must be zero: 64 bytes leave four of them.
	last := strings.IndexByte(alphabet, good[len(good)-1])
	for bits := 1; bits < 16; bits++ {
		if text := good[:len(good)-1] + string(alphabet[last|bits]); text != good && accepted(key, text) {
			t.Errorf("trailing bits %04b were accepted", bits)
		}
	}
	// The same where the issuer signs such text itself.
	for _, input := range []string{b64(`{"alg":"ES256"}`) + "=." + b64(`{}`), b64(`{"alg":"ES256"}`) + "\n." + b64(`{}`), b64(`{"alg":"ES256"}`) + "." + b64(`{}`) + "="} {
		if accepted(key, signInput(t, input)) {
			t.Errorf("%q was accepted", input)
		}
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestG25_G26_G27_RS7_Headers(t *testing.T) {
	key := es256Key(t)
	for _, header := range []string{
		`{"alg":"ES256","alg":"ES256"}`, `{"alg":"none","alg":"ES256"}`, `{"alg":"ES256","ALG":"none"}`, `{"alg":"ES256","kid":"a","kid":"b"}`,
		"\ufeff" + `{"alg":"ES256"}`, "{\"alg\":\"ES256\",\"x\":\"\xff\"}", `{"alg":"ES256","x":"\ud800"}`, `{"alg":"ES256","x":"\u0000"}`,
		`null`, `[]`, `1`, `"x"`, ``, `{}`, `{"alg":"ES256"}{}`, `{"alg":"ES256"} x`,
		`{"alg":"ES256","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	} {
		if accepted(key, signES256(t, header, `{}`)) {
			t.Errorf("%q was accepted", header)
		}
	}
}

func TestRS16_Size(t *testing.T) {
	key := es256Key(t)
	fits := signES256(t, `{"alg":"ES256"}`, strings.Repeat("x", 6000))
	if len(fits) > oauth.MaxTokenBytes || !accepted(key, fits) {
		t.Errorf("%d bytes were refused", len(fits))
	}
	if long := signES256(t, `{"alg":"ES256"}`, strings.Repeat("x", 6200)); len(long) <= oauth.MaxTokenBytes || accepted(key, long) {
		t.Errorf("%d bytes were accepted", len(long))
	}
}

// FuzzJWSAgainstJWX: whatever our verifier accepts, jwx accepts with the same
// payload. (Not the other way round: jwx forgives more.)
func FuzzJWSAgainstJWX(f *testing.F) {
	keys := testKeys()
	public := map[string]any{oauth.ES256: &keys.ec.PublicKey, oauth.RS256: &keys.rsa.PublicKey, oauth.PS256: &keys.rsa.PublicKey, oauth.EdDSA: keys.ed.Public()}
	verifiers := map[string]oauth.VerifyKey{}
	for alg, pub := range public {
		verifiers[alg], _ = oauth.NewVerifyKey("", alg, pub)
	}
	private := map[jwa.SignatureAlgorithm]any{jwa.ES256: keys.ec, jwa.RS256: keys.rsa, jwa.PS256: keys.rsa, jwa.EdDSA: keys.ed}
	for alg, key := range private {
		signed, err := jws.Sign([]byte(`{"sub":"x","exp":1}`), jws.WithKey(alg, key))
		if err != nil {
			f.Fatal(err)
		}
		text := string(signed)
		f.Add(text, "", "", uint16(0), byte(0))
		f.Add(text, "", "", uint16(len(text)-1), byte(1))
		f.Add(text+"=", "", "", uint16(3), byte(0x20))
	}
	f.Add("", `{"alg":"ES256","kid":"k"}`, `{"a":1}`, uint16(0), byte(0))
	f.Add("", `{"alg":"ES256","crit":[]}`, `{}`, uint16(0), byte(0))
	// Either a text with one byte changed, or a header and a payload that get a
	// good signature, so that the decoders behind it are reached.
	f.Fuzz(func(t *testing.T, text, header, payload string, at uint16, flip byte) {
		if header != "" {
			text = signES256(t, header, payload)
		}
		if len(text) > 0 {
			changed := []byte(text)
			changed[int(at)%len(changed)] ^= flip
			text = string(changed)
		}
		parsed, err := oauth.ParseJWS(text)
		if err != nil {
			return
		}
		verifier, there := verifiers[parsed.Algorithm]
		if !there {
			return
		}
		ours, err := parsed.Verify(verifier)
		if err != nil {
			return
		}
		theirs, err := jws.Verify([]byte(text), jws.WithKey(jwa.SignatureAlgorithm(parsed.Algorithm), public[parsed.Algorithm]))
		if err != nil {
			t.Fatalf("jwx refuses %q: %v", text, err)
		}
		if string(ours) != string(theirs) {
			t.Fatalf("%q: payload %q, jwx %q", text, ours, theirs)
		}
	})
}

func BenchmarkVerifyES256(b *testing.B) {
	text := signES256(b, `{"alg":"ES256","typ":"at+jwt","kid":"k"}`, `{"iss":"https://idp.example.com","sub":"x","exp":1700000000}`)
	key := es256Key(b)
	b.ReportAllocs()
	for b.Loop() {
		if !accepted(key, text) {
			b.Fatal("refused")
		}
	}
}
