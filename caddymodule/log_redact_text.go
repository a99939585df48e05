package caddymodule

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// redacted stands in a log where a secret was, as Caddy has it.
const redacted = "REDACTED"

// secretHeaders are the headers that carry a credential and that Caddy itself
// does not hide: proofs of possession, passwords and sessions.
var secretHeaders = newGuard("DPoP", "X-OpenAM-Password", "iPlanetDirectoryPro")

// secretParameters are the names of parameters whose values are credentials or
// lead to one, in lower case.
var secretParameters = map[string]bool{
	"access_token": true, "refresh_token": true, "id_token": true, "id_token_hint": true, "token": true,
	"code": true, "code_verifier": true, "device_code": true, "user_code": true,
	"client_secret": true, "client_assertion": true, "assertion": true, "subject_token": true, "actor_token": true,
	"password": true, "csrf": true, "tokenid": true, "iplanetdirectorypro": true, "request": true,
}

// tokenPattern finds what is a token by its looks, wherever it stands: our own
// by their prefix, and JWTs.
var tokenPattern = regexp.MustCompile(`\b(?:` + strings.Join(token.Prefixes(), "|") + `)[\w.-]{16,}|\beyJ[\w-]{8,}\.[\w-]*\.[\w-]*`)

// secretField says whether the field of a log bears the name of a secret header
// in any spelling, that of CGI (HTTP_DPOP) included.
func secretField(name string) bool {
	if len(name) > 5 && foldsTo(name[:5], "http-") && secretHeaders.has(name[5:]) {
		return true
	}
	return secretHeaders.has(name)
}

// redactText hides tokens, and the values of secret parameters in every URL and
// query within a text: after ?, & and # and at its beginning.
func redactText(text string) string {
	if strings.Contains(text, "=") {
		text = redactParameters(text, 0)
	}
	if strings.Contains(text, "_") || strings.Contains(text, "eyJ") {
		text = tokenPattern.ReplaceAllString(text, redacted)
	}
	return text
}

// maxNesting bounds how often a URL may stand in a parameter of another one.
const maxNesting = 4

func redactParameters(text string, nesting int) string {
	var out strings.Builder
	rest := text
	for rest != "" {
		end := strings.IndexAny(rest, "?&#")
		segment, next := rest, ""
		if end >= 0 {
			segment, next = rest[:end+1], rest[end+1:]
		}
		out.WriteString(redactParameter(segment, nesting))
		rest = next
	}
	return out.String()
}

// redactParameter treats what stands between two delimiters: name=value, and
// whatever follows the value in the text around the URL.
func redactParameter(segment string, nesting int) string {
	name, after, found := strings.Cut(segment, "=")
	if !found {
		return segment
	}
	end := strings.IndexAny(after, "?&#\"'<> \t\r\n\\")
	if end < 0 {
		end = len(after)
	}
	value, tail := after[:end], after[end:]
	if secretParameters[strings.ToLower(unescaped(name))] {
		if value == "" {
			return segment
		}
		return name + "=" + redacted + tail
	}
	if inner := unescaped(value); nesting < maxNesting && strings.Contains(inner, "=") {
		if hidden := redactParameters(inner, nesting+1); hidden != inner {
			return name + "=" + url.QueryEscape(hidden) + tail
		}
	}
	return segment
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
