package oauth

import (
	"encoding/base64"
	"errors"
	"strings"
)

// RFC 8705 §3.1, RFC 9440 §2

// maxCertificateBytes bounds a certificate in a header.
const maxCertificateBytes = 16 << 10

// CertificateThumbprint is the x5t#S256 of a certificate in DER: its SHA-256 in
// base64url (RFC 8705 §3.1).
func CertificateThumbprint(der []byte) string { return base64Digest(der) }

var errClientCert = errors.New("not one Client-Cert header with one certificate")

// ParseClientCert reads the values of the Client-Cert headers of one request:
// exactly one, a byte sequence between colons (RFC 9440 §2.1 and §2.2, RFC 8941
// §3.3.5). It gives the certificate in DER. Whoever terminated TLS has checked
// it; we only compare its digest.
func ParseClientCert(values []string) (der []byte, err error) {
	if len(values) != 1 || len(values[0]) > base64.StdEncoding.EncodedLen(maxCertificateBytes)+2 {
		return nil, errClientCert
	}
	text, opened := strings.CutPrefix(values[0], ":")
	text, closed := strings.CutSuffix(text, ":")
	// encoding/base64 skips line breaks, even when strict.
	if !opened || !closed || text == "" || strings.ContainsAny(text, "\r\n") {
		return nil, errClientCert
	}
	if der, err = base64.StdEncoding.Strict().DecodeString(text); err != nil {
		return nil, errClientCert
	}
	return der, nil
}
