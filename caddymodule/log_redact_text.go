package caddymodule

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// redacted stands in a log where a secret was, as Caddy has it.
const redacted = "REDACTED"

// secretHeaders are the headers, and fields of logs, that carry a credential and
// that Caddy itself does not hide: proofs of possession, certificates, passwords,
// sessions, and tokens where a WebSocket has no other place for them.
var secretHeaders = newGuard("DPoP", "DPoP-Nonce", "Client-Cert", "Client-Cert-Chain", "Sec-WebSocket-Protocol",
	"X-OpenAM-Password", "iPlanetDirectoryPro", "access_token", "refresh_token", "id_token", "client_secret", "password")

// secretParameters are the names of parameters whose values are credentials or
// lead to one, in lower case.
var secretParameters = map[string]bool{
	"access_token": true, "refresh_token": true, "id_token": true, "id_token_hint": true, "logout_token": true, "token": true,
	"code": true, "code_verifier": true, "device_code": true, "user_code": true,
	"client_secret": true, "client_assertion": true, "assertion": true, "subject_token": true, "actor_token": true,
	"password": true, "csrf": true, "tokenid": true, "iplanetdirectorypro": true, "request": true, "registration_access_token": true,
}

// tokenPattern finds what is a token by its looks, wherever it stands: our own
// by their prefix, and JWTs, encrypted ones included.
var tokenPattern = regexp.MustCompile(`\b(?:` + strings.Join(token.Prefixes(), "|") + `)[\w.-]{16,}|` +
	`eyJ[\w-]{8,}(?:(?:\.|%2[Ee])[\w-]*){2,4}`)

// secretField says whether the field of a log bears the name of a secret header
// in any spelling, that of CGI (HTTP_DPOP) included.
func secretField(name string) bool {
	if len(name) > 5 && foldsTo(name[:5], "http-") && secretHeaders.has(name[5:]) {
		return true
	}
	return secretHeaders.has(name)
}

// redactText hides tokens, and the values of secret parameters in every URL and
// query within a text: after ?, &, ; and # and at its beginning.
func redactText(text string) string {
	if strings.ContainsAny(text, "=%") {
		text = redactParameters(text, 0)
	}
	if strings.Contains(text, "_") || strings.Contains(text, "eyJ") {
		text = tokenPattern.ReplaceAllString(text, redacted)
	}
	return text
}

// maxNesting bounds how often a URL may stand in a parameter of another one, and
// how often a name may be encoded.
const maxNesting = 4

// redactParameters reads a text as pieces with delimiters between them. A piece
// is name=value or something else.
func redactParameters(text string, nesting int) string {
	var out strings.Builder
	for text != "" {
		end := strings.IndexAny(text, "?&#;=")
		switch {
		case end < 0:
			out.WriteString(redactEncoded(text, nesting))
			text = ""
		case text[end] != '=':
			out.WriteString(redactEncoded(text[:end], nesting))
			out.WriteByte(text[end])
			text = text[end+1:]
		default:
			out.WriteString(text[:end+1])
			secret := secretParameter(text[:end])
			text = text[end+1:]
			end = valueEnd(text, secret)
			if value := text[:end]; secret && value != "" {
				out.WriteString(redacted)
			} else {
				out.WriteString(redactEncoded(value, nesting))
			}
			text = text[end:]
		}
	}
	return out.String()
}

// secretParameter knows a name however often it is encoded, and with a quote
// before it, as where a message quotes a query.
func secretParameter(name string) bool {
	for range maxNesting {
		name = unescaped(name)
	}
	name = name[strings.LastIndexAny(name, "\"'(<{")+1:]
	return secretParameters[strings.ReplaceAll(strings.ToLower(name), "-", "_")]
}

// valueEnd is where a value ends. A secret goes on over what others end at: for
// many servers a ; and a second ? are part of it. A quote ends it only where the
// text around the URL seems to go on.
func valueEnd(text string, secret bool) int {
	for i := range len(text) {
		switch text[i] {
		case '&', '#', ' ', '\t', '\r', '\n':
			return i
		case '?', ';':
			if !secret {
				return i
			}
		case '"', '\'', '<', '>':
			if i+1 == len(text) || strings.IndexByte(" \t\r\n,:;.)]}<>", text[i+1]) >= 0 {
				return i
			}
		}
	}
	return len(text)
}

// redactEncoded hides what stands in a text under one or more layers of percent
// signs, and leaves a text without secrets as it is.
func redactEncoded(text string, nesting int) string {
	if nesting == maxNesting || !strings.Contains(text, "%") {
		return text
	}
	inner := unescaped(text)
	if inner == text {
		return text
	}
	if hidden := redactParameters(inner, nesting+1); hidden != inner {
		return url.QueryEscape(hidden)
	}
	return text
}

// unescaped decodes what is percent-encoded, and leaves what is not: a server
// may forgive what is broken elsewhere in the text.
func unescaped(text string) string {
	if !strings.ContainsAny(text, "%+") {
		return text
	}
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	var out strings.Builder
	for text != "" {
		size := 1
		if len(text) > 2 && text[0] == '%' {
			size = 3
		}
		if plain, err := url.QueryUnescape(text[:size]); err == nil {
			out.WriteString(plain)
		} else {
			size = 1
			out.WriteByte(text[0])
		}
		text = text[size:]
	}
	return out.String()
}
