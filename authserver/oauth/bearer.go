package oauth

import "strings"

// RFC 6750

// MaxTokenBytes bounds an access token (RS16).
const MaxTokenBytes = 8 << 10

// BearerCredentials finds the access token in the Authorization header values
// of one request. present is false when there is none, or when the one header
// is of another scheme: such a request carries no bearer token. More than one
// header, or a value that is not one b64token (RFC 6750 §2.1), is an
// invalid_request, as is a token that is also named in the query.
func BearerCredentials(authorization []string, query string) (token Secret, present bool, err error) {
	return credentials("Bearer", authorization, query)
}

// credentials finds the access token under a scheme that takes one b64token.
func credentials(scheme string, authorization []string, query string) (token Secret, present bool, err error) {
	if len(authorization) > 1 {
		return Secret{}, true, InvalidRequest("Send exactly one Authorization header.")
	}
	if len(authorization) == 0 {
		return Secret{}, false, nil
	}
	given, rest, _ := strings.Cut(authorization[0], " ")
	if !strings.EqualFold(given, scheme) {
		return Secret{}, false, nil
	}
	text := strings.Trim(rest, " ")
	if !validB64Token(text) {
		return Secret{}, true, InvalidRequest("The Authorization header must be the word " + scheme + ", one space and one token.")
	}
	if hasQueryToken(query) {
		return Secret{}, true, InvalidRequest("Send the access token once, in the Authorization header.")
	}
	return NewSecret(text), true, nil
}

// validB64Token checks 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=".
func validB64Token(text string) bool {
	body := strings.TrimRight(text, "=")
	for i := range len(body) {
		if !b64TokenBytes[body[i]] {
			return false
		}
	}
	return body != ""
}

// b64TokenBytes are a table and not comparisons, for every request has all of a token
// looked through: which comparison a byte of it passes no processor can foresee.
var b64TokenBytes = func() (takes [256]bool) {
	for c := range takes {
		takes[c] = unreserved(byte(c)) || c == '+' || c == '/'
	}
	return takes
}()

// hasQueryToken looks for an access_token parameter without decoding more
// than its name.
func hasQueryToken(query string) bool {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, _, _ := strings.Cut(pair, "=")
		if name == "access_token" {
			return true
		}
		if strings.ContainsAny(name, "%+") {
			if decoded, ok := decodeFormText(name); ok && decoded == "access_token" {
				return true
			}
		}
	}
	return false
}

// Challenge is a WWW-Authenticate value of one scheme with its parameters in
// the order given: name, value, name, value. Values are quoted; what a quoted
// string cannot hold is replaced, so no text can end it early (RS22).
func Challenge(scheme string, parameters ...string) string {
	var b strings.Builder
	b.WriteString(scheme)
	for i := 0; i+1 < len(parameters); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte(' ')
		b.WriteString(parameters[i])
		b.WriteString(`="`)
		for _, c := range []byte(parameters[i+1]) {
			if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				c = '_'
			}
			b.WriteByte(c)
		}
		b.WriteByte('"')
	}
	return b.String()
}
