package factor

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
)

// What a browser sends of a passkey is a stranger's: whatever it is, reading it and
// judging it ends, and nothing is good that is not of our origin and our domain.
func FuzzResponse(f *testing.F) {
	us := site{rpID: "auth.example.com", origin: "https://auth.example.com"}
	hash := sha256.Sum256([]byte(us.rpID))
	encode := base64.RawURLEncoding.EncodeToString
	client := encode([]byte(`{"type":"webauthn.get","challenge":"AAAA","origin":"https://auth.example.com","crossOrigin":false}`))
	device := encode(append(hash[:], 0x05, 0, 0, 0, 1))
	key := []byte("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + string(bytes.Repeat([]byte{1}, 32)) + "\x22\x58\x20" + string(bytes.Repeat([]byte{2}, 32)))
	f.Add(`{"id":"AAAA","type":"public-key","response":{"clientDataJSON":"`+client+`","authenticatorData":"`+device+`","signature":"AAAA","userHandle":"AAAA"}}`, key, false)
	object := encode([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58\x25" + string(hash[:]) + "\x05\x00\x00\x00\x01"))
	f.Add(`{"id":"AAAA","type":"public-key","response":{"clientDataJSON":"`+client+`","attestationObject":"`+object+`","transports":["usb",1]}}`, key, true)
	f.Add(`{"id":"AAAA","type":"public-key","response":null}`, []byte("\xa0"), false)
	f.Fuzz(func(t *testing.T, text string, key []byte, create bool) {
		if checkKey(key) == nil {
			_ = checkSignature(response{signature: key}, key)
		}
		r, err := parseResponse(text, create)
		if err != nil {
			return
		}
		if len(text) > MaxResponse || r.id == "" || len(r.authenticator) < 37 || !create && len(r.signature) == 0 {
			t.Errorf("read %+v", r)
		}
		ceremony := protocol.AssertCeremony
		if create {
			ceremony = protocol.CreateCeremony
			_ = checkAttested(r)
		}
		if us.check(r, ceremony, true) == nil && (r.client.Origin != us.origin || !bytes.Equal(r.authenticator[:32], hash[:]) ||
			r.client.CrossOrigin || r.client.Type != ceremony || r.authenticator[32]&0x05 != 0x05) {
			t.Errorf("good: %+v", r)
		}
	})
}

func FuzzRecoveryCode(f *testing.F) {
	f.Add("ABCD-efgh-jkmn")
	f.Add("OoIi Ll00 1111")
	f.Add("\xff–—‐")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := readRecoveryCode(typed)
		if !ok {
			return
		}
		if len(code) != recoveryChars {
			t.Errorf("%q is %q", typed, code)
		}
		if again, ok := readRecoveryCode(code); !ok || again != code {
			t.Errorf("%q is %q, and then %q", typed, code, again)
		}
	})
}
