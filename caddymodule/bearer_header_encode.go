package caddymodule

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
)

// RFC 3986 §2.1, RFC 8187 §3.2.1, RFC 8259 §7, RFC 4648 §5

// Encodings of a claim as a header value. Each of them can be undone, and makes
// one well-formed value of any claim that it takes (RS18).
const (
	encodePercent   = "percent"
	encodeJSON      = "json"
	encodeCSV       = "csv"
	encodeBase64URL = "base64url"
	encodeRFC8187   = "rfc8187"
)

// encodings name the encoders. Their argument is a claim as decoded JSON, and
// not null. ok is false when the claim cannot be a header in that encoding.
var encodings = map[string]func(claim any) (value string, ok bool){
	encodePercent:   percentOf,
	encodeJSON:      jsonOf,
	encodeCSV:       csvOf,
	encodeBase64URL: base64Of,
	encodeRFC8187:   rfc8187Of,
}

const upperHex = "0123456789ABCDEF"

// claimAsText writes a claim as text: lists and objects are JSON.
func claimAsText(claim any) string {
	switch claim.(type) {
	case []any, map[string]any:
		text, err := json.Marshal(claim)
		if err != nil {
			return ""
		}
		return string(text)
	}
	return caddy.ToString(claim)
}

// percentOf is headerValue for any claim. An empty text gives no header.
func percentOf(claim any) (string, bool) {
	value, ok := headerValue(claimAsText(claim))
	if value == "" {
		value = absent
	}
	return value, ok
}

// jsonOf is the claim as JSON, in ASCII alone.
func jsonOf(claim any) (string, bool) {
	text, err := json.Marshal(claim)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	for _, c := range string(text) {
		switch {
		case c < 0x7f:
			b.WriteByte(byte(c))
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String(), b.Len() <= maxIdentityValue
}

// csvOf joins a list with commas, each element percent-encoded with its own
// commas, so that no two lists of texts look alike. A single value is a list of
// one; the empty list gives no header, and is not the list of one empty text,
// which gives an empty one.
func csvOf(claim any) (string, bool) {
	list, ok := claim.([]any)
	if !ok {
		list = []any{claim}
	}
	if len(list) == 0 {
		return absent, true
	}
	elements := make([]string, len(list))
	for i, element := range list {
		switch element.(type) {
		case string, bool, json.Number:
		default:
			return "", false
		}
		value, ok := headerValue(caddy.ToString(element))
		if !ok {
			return "", false
		}
		elements[i] = strings.ReplaceAll(value, ",", "%2C")
	}
	value := strings.Join(elements, ",")
	return value, len(value) <= maxIdentityValue
}

// base64Of is the text in base64url without padding.
func base64Of(claim any) (string, bool) {
	text := claimAsText(claim)
	if text == "" {
		return absent, true
	}
	value := base64.RawURLEncoding.EncodeToString([]byte(text))
	return value, len(value) <= maxIdentityValue
}

// rfc8187Of is the text as an ext-value of RFC 8187, which libraries for HTTP
// can read.
func rfc8187Of(claim any) (string, bool) {
	text := claimAsText(claim)
	if text == "" {
		return absent, true
	}
	if breaksHeader(text) || !utf8.ValidString(text) || len(text) > maxIdentityValue {
		return "", false
	}
	b := []byte("UTF-8''")
	for i := range len(text) {
		if c := text[i]; isAttrChar(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b), len(b) <= maxIdentityValue
}

func isAttrChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || slices.Contains([]byte("!#$&+-.^_`|~"), c)
}

// breaksHeader says whether a text has what must never come near a header.
func breaksHeader(text string) bool { return strings.ContainsAny(text, "\r\n\x00") }

// headerValue writes a text so that it is one well-formed header value and so
// that two texts never become the same one: bytes outside printable ASCII,
// spaces at the ends (which HTTP does not keep) and the percent sign itself are
// percent-encoded. CR, LF and NUL are refused, and so is what is too long
// (RS18).
func headerValue(claim string) (value string, ok bool) {
	encoded := 0
	for i := range len(claim) {
		switch c := claim[i]; {
		case c == '\r' || c == '\n' || c == 0:
			return "", false
		case mustEncode(claim, i):
			encoded++
		}
	}
	if len(claim)+2*encoded > maxIdentityValue {
		return "", false
	}
	if encoded == 0 {
		return claim, true
	}
	var b strings.Builder
	b.Grow(len(claim) + 2*encoded)
	for i := range len(claim) {
		if c := claim[i]; mustEncode(claim, i) {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

func mustEncode(claim string, i int) bool {
	c := claim[i]
	if c == ' ' {
		return i == 0 || i == len(claim)-1
	}
	return c == '%' || c < 0x21 || c > 0x7e
}
