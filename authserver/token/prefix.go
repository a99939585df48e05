package token

import (
	"encoding/base64"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// The texts of our own making begin with a prefix, so that people, log filters
// and secret scanners know one when they see it, and so that none is ever sent
// to a foreign introspection endpoint. Their fields are joined by "_".
const (
	accessPrefix  = "oat_" // key id, sealed claims
	refreshPrefix = "ort_" // key id, grant id, generation, MAC
	codePrefix    = "oac_" // grant id, secret
)

// Kind tells our opaque tokens by their prefix.
type Kind int

const (
	// Foreign is a text without a prefix of ours.
	Foreign Kind = iota
	// OpaqueAccess is a sealed access token.
	OpaqueAccess
	// RefreshToken is a refresh token.
	RefreshToken
	// Code is an authorization code.
	Code
)

// KindOf reads the prefix. A token that is not Foreign never leaves the process.
func KindOf(token oauth.Secret) Kind {
	text := token.Reveal()
	switch {
	case strings.HasPrefix(text, accessPrefix):
		return OpaqueAccess
	case strings.HasPrefix(text, refreshPrefix):
		return RefreshToken
	case strings.HasPrefix(text, codePrefix):
		return Code
	default:
		return Foreign
	}
}

// Prefixes are how texts of our own making begin: what has one of them is never
// given to anybody else to look at.
func Prefixes() []string { return []string{accessPrefix, refreshPrefix, codePrefix} }

// encode is how bytes stand in our tokens.
func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// decode is strict, so that no token has two spellings.
func decode(text string) ([]byte, bool) {
	// encoding/base64 skips line breaks, even when strict.
	if strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil
}

// isHex says whether text is exactly so many lower-case hex digits.
func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}
