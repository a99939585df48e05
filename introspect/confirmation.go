package introspect

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7800 §3.1, RFC 9449 §6, RFC 8705 §3.1 and §3.2

// Confirmation is what the caller of a token must prove to have, all of it. The
// zero value asks for nothing: the token is a bearer token.
type Confirmation struct {
	// Key is the thumbprint of the key of DPoP proofs (jkt).
	Key string
	// Certificate is the thumbprint of the TLS client certificate (x5t#S256).
	Certificate string
}

// readConfirmation reads the claim cnf. A cnf that does not say what we can ask
// proof of is an error: nobody may use such a token here (RS38). Members beside
// one that we know are ignored (RFC 7800 §3.1).
func readConfirmation(claims map[string]any) (Confirmation, error) {
	value, bound := claims["cnf"]
	if !bound {
		return Confirmation{}, nil
	}
	members, _ := value.(map[string]any)
	var confirmation Confirmation
	for name, into := range map[string]*string{"jkt": &confirmation.Key, "x5t#S256": &confirmation.Certificate} {
		value, there := members[name]
		*into, _ = value.(string)
		if there && !isThumbprint(*into) {
			return Confirmation{}, refuse(ReasonBound)
		}
	}
	if confirmation == (Confirmation{}) {
		return Confirmation{}, refuse(ReasonBound)
	}
	return confirmation, nil
}

// isThumbprint says whether text is a SHA-256 in base64url.
func isThumbprint(text string) bool {
	digest, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return len(text) == base64.RawURLEncoding.EncodedLen(sha256.Size) && err == nil && len(digest) == sha256.Size
}

// tokenTypes are what the token_type of a token may be (RFC 9449 §5 and §6.2).
func (c Confirmation) tokenTypes() []string {
	if c.Key == "" {
		return []string{"bearer"}
	}
	return []string{"bearer", "dpop"}
}

// provenBy says whether a certificate is the one that is asked for.
func (c Confirmation) provenBy(certificate []byte) bool {
	return c.Certificate == "" || certificate != nil &&
		subtle.ConstantTimeCompare([]byte(oauth.CertificateThumbprint(certificate)), []byte(c.Certificate)) == 1
}
