package oauth

import (
	"encoding/base64"
	"net/url"
	"strings"
	"unicode/utf8"
)

// RFC 6749 §2.3.1, RFC 7617

// MaxCredentialBytes bounds a client id, a client secret and a Basic header.
const MaxCredentialBytes = 4 << 10

// ParseBasic reads the value of an Authorization header of the Basic scheme as
// OAuth uses it: id and secret are form-urlencoded before they are joined by a
// colon (RFC 6749 §2.3.1). ok is false when the value is not of the Basic
// scheme at all; err is set when it is and is malformed.
func ParseBasic(header string) (id string, secret Secret, ok bool, err error) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", Secret{}, false, nil
	}
	encoded = strings.TrimLeft(encoded, " ")
	if len(encoded) > MaxCredentialBytes || strings.ContainsAny(encoded, "\r\n") {
		return "", Secret{}, true, malformedBasic()
	}
	raw, decodeErr := base64.StdEncoding.Strict().DecodeString(encoded)
	if decodeErr != nil {
		return "", Secret{}, true, malformedBasic()
	}
	rawID, rawSecret, colon := strings.Cut(string(raw), ":")
	if !colon {
		return "", Secret{}, true, malformedBasic()
	}
	id, okID := decodeCredential(rawID)
	text, okSecret := decodeCredential(rawSecret)
	if !okID || !okSecret || id == "" {
		return "", Secret{}, true, malformedBasic()
	}
	return id, NewSecret(text), true, nil
}

func malformedBasic() *Error {
	return InvalidRequest("The Authorization header is not valid Basic credentials: form-urlencode client id and secret, join them by a colon, then encode with base64.")
}

// decodeCredential undoes the form-urlencoding. The one colon rule: an encoded
// id has no colon, so the first colon ends it; a colon in the secret may be
// sent as it is, as most clients do.
func decodeCredential(raw string) (string, bool) {
	text, err := url.QueryUnescape(raw)
	if err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", false
	}
	return text, true
}

// ValidClientID says whether id may name a client: 1 to 255 printable ASCII
// characters (RFC 6749 Appendix A.1).
func ValidClientID(id string) bool {
	if id == "" || len(id) > 255 {
		return false
	}
	for i := range len(id) {
		if id[i] < 0x20 || id[i] > 0x7e {
			return false
		}
	}
	return true
}
