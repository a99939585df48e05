package oauth_test

import (
	"crypto"
	"encoding/base64"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// What we take, jwx takes with the same key, of which it has the same thumbprint.
func FuzzDPoPProof(f *testing.F) {
	keys := testKeys()
	f.Add(rfc9449Proof)
	f.Add(rfc9449TokenProof)
	f.Add(jwxProof(f, jwa.EdDSA, keys.ed, proofPayload(nil)))
	f.Add(jwxProof(f, jwa.PS256, keys.rsa, proofPayload(nil)))
	f.Add(rfc9449Header + "..")
	f.Fuzz(func(t *testing.T, text string) {
		proof, err := oauth.ParseDPoPProof([]string{text}, oauth.DPoPAlgorithms())
		if err != nil {
			if proof != nil {
				t.Error("a proof with an error")
			}
			return
		}
		if proof.ID == "" || proof.Method == "" || proof.Target == "" || len(proof.ID) > 256 || len(proof.Thumbprint) != 43 {
			t.Errorf("%+v", proof)
		}
		if proof.Verify() != nil {
			return
		}
		message, err := jws.ParseString(text)
		if err != nil {
			t.Fatal(err)
		}
		headers := message.Signatures()[0].ProtectedHeaders()
		sum, err := headers.JWK().Thumbprint(crypto.SHA256)
		if err != nil || base64.RawURLEncoding.EncodeToString(sum) != proof.Thumbprint {
			t.Errorf("thumbprint %s, jwx has %x, %v", proof.Thumbprint, sum, err)
		}
		if _, err := jws.Verify([]byte(text), jws.WithKey(headers.Algorithm(), headers.JWK())); err != nil {
			t.Errorf("jwx does not verify it: %v", err)
		}
	})
}
