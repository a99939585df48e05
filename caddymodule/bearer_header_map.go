package caddymodule

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 9110 §5.1

// BearerHeader is a header that the upstream gets with a verified token. Like
// the standard ones no client can send it, in any spelling, on any path.
type BearerHeader struct {
	// Name is its name, such as `X-User-Roles`. Required.
	Name string `json:"name"`

	// Value is a text with placeholders, those of the token among them, as in
	// `{http.auth.token.realm_access.roles}`. Where the token does not have a
	// claim that is asked for, there is no such header. Required.
	Value string `json:"value"`

	// As is how a claim becomes a value, each up to 4 KiB: `percent` encodes
	// bytes outside printable ASCII, `%` and spaces at the ends; lists and
	// objects are JSON first. `json` is the claim as JSON, in ASCII. `csv` is a
	// list joined with commas, each element percent-encoded. `base64url` and
	// `rfc8187` (`UTF-8''…`) encode the text. All but percent need a Value that is
	// one placeholder of the token alone. Default: `percent`.
	As string `json:"as,omitempty"`
}

// reservedHeaders are what HTTP, Caddy or bearer_auth need for themselves: a
// claim there would change more than what the upstream is told.
var reservedHeaders = newGuard(
	"Accept-Encoding", "Authorization", "Cache-Control", "Client-Cert", "Client-Cert-Chain", "Connection", "Cookie", "Date", "DPoP",
	"Early-Data", "Expect", "Forwarded", "Host", "HTTP2-Settings", "Keep-Alive", "Max-Forwards", "Origin", "Pragma", "Proxy", "Range",
	"TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-IP",
)

// reservedPrefixes are the same for families of names.
var reservedPrefixes = []string{"access-control-", "content-", "if-", "proxy-", "sec-"}

// checkHeaderName says what is wrong with a name that the upstream is to get.
// taken are the names before it.
func checkHeaderName(name string, taken guard) error {
	folded := newGuard(name)[0]
	switch {
	case !isToken(name):
		return fmt.Errorf("%q is no name of a header, such as X-User-Roles: without colon, spaces and accents", name)
	case slices.Contains(newGuard(standardHeaders[:]...), folded):
		return fmt.Errorf("header %s is one that the upstream gets anyway, and nothing else can be in it; choose another name", name)
	case reservedHeaders.has(name) || overrideGuard.has(name) ||
		slices.ContainsFunc(reservedPrefixes, func(prefix string) bool { return strings.HasPrefix(folded, prefix) }):
		return fmt.Errorf("header %s means something to HTTP or to proxies; choose a name of your own, such as X-User-Roles", name)
	case taken.has(name):
		return fmt.Errorf("header %s is there twice: names are the same when they differ in case or in their -, _ and . alone", name)
	}
	return nil
}

// isToken follows RFC 9110 §5.6.2.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", c)
	})
}

// check says what is wrong with a mapped header by itself.
func (h *BearerHeader) check(taken guard) error {
	if err := checkHeaderName(h.Name, taken); err != nil {
		return err
	}
	as := cmp.Or(h.As, encodePercent)
	if _, known := encodings[as]; !known {
		return fmt.Errorf("header %s as %s: there are %s", h.Name, as, strings.Join(slices.Sorted(maps.Keys(encodings)), ", "))
	}
	mapped := h.mapped()
	switch {
	case len(mapped.parts) == 0:
		return fmt.Errorf("header %s has no value; give it one, as in: header %s {http.auth.token.name}", h.Name, h.Name)
	case h.As != "" && h.As != encodePercent && !mapped.isClaim():
		return fmt.Errorf("header %s as %s: an encoding speaks of one claim, so the value must be one placeholder of the token and nothing else, "+
			"as in {http.auth.token.name}; without `as`, text around it is fine", h.Name, h.As)
	case slices.ContainsFunc(mapped.parts, func(p headerPart) bool { return p.claim == "" && breaksHeader(p.text) }):
		return fmt.Errorf("header %s has a line break or a NUL in its value, which no header can have", h.Name)
	}
	return nil
}

// mappedHeader is a BearerHeader made ready.
type mappedHeader struct {
	name   string // in canonical form
	parts  []headerPart
	encode func(claim any) (value string, ok bool)
}

// headerPart is a claim of the token, or else text, perhaps with placeholders
// that are Caddy's to answer.
type headerPart struct {
	claim, text string
	dynamic     bool
}

func (h *BearerHeader) mapped() mappedHeader {
	return mappedHeader{
		name:   http.CanonicalHeaderKey(h.Name),
		parts:  headerParts(h.Value),
		encode: encodings[cmp.Or(h.As, encodePercent)],
	}
}

// headerParts takes the placeholders of the token out of a value. A claim is
// never looked at for further placeholders: whose it is could read others so.
func headerParts(value string) (parts []headerPart) {
	rest := 0
	text := func(end int) {
		if text := value[rest:end]; text != "" {
			parts = append(parts, headerPart{text: text, dynamic: strings.Contains(text, "{")})
		}
	}
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' {
			i++ // an escaped brace opens nothing
			continue
		}
		end := strings.IndexByte(value[i:], '}')
		if value[i] != '{' || end < 0 {
			continue
		}
		name := value[i+1 : i+end]
		claim, ofToken := strings.CutPrefix(name, claimsPlaceholder)
		if name == userPlaceholder {
			claim, ofToken = "sub", true
		}
		if !ofToken || claim == "" {
			continue
		}
		text(i)
		parts = append(parts, headerPart{claim: claim})
		i += end
		rest = i + 1
	}
	text(len(value))
	return parts
}

func (m *mappedHeader) isClaim() bool { return len(m.parts) == 1 && m.parts[0].claim != "" }

func (m *mappedHeader) perRequest() bool {
	return slices.ContainsFunc(m.parts, func(p headerPart) bool { return p.dynamic })
}

// value gives the header's value for a token, or absent.
func (m *mappedHeader) value(token *introspect.Token, repl *caddy.Replacer) (string, *refusal) {
	if m.isClaim() {
		claim, found := introspect.FindClaim(token.Claims.All(), m.parts[0].claim)
		if !found || claim == nil {
			return absent, nil
		}
		return refuseUnless(m.encode(claim))
	}
	var b strings.Builder
	for _, part := range m.parts {
		switch {
		case part.claim != "":
			claim, found := introspect.FindClaim(token.Claims.All(), part.claim)
			if !found || claim == nil {
				return absent, nil
			}
			b.WriteString(claimAsText(claim))
		case part.dynamic && repl != nil:
			text := repl.ReplaceAll(part.text, "")
			if breaksHeader(text) || len(text) > maxIdentityValue {
				// Not the token's fault: the request brought it.
				return "", refuseMalformed(oauth.InvalidRequest("A part of the request cannot be handed on in a header."))
			}
			b.WriteString(text)
		default:
			b.WriteString(part.text)
		}
	}
	return refuseUnless(percentOf(b.String()))
}

func refuseUnless(value string, ok bool) (string, *refusal) {
	if !ok {
		return "", refuseToken(reasonHeaderValue, nil)
	}
	return value, nil
}

// readHeader reads: header <name> <value> [as <encoding>].
func (b *BearerAuth) readHeader(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	switch {
	case len(args) == 2:
		b.Headers = append(b.Headers, BearerHeader{Name: args[0], Value: args[1]})
	case len(args) == 4 && args[2] == "as":
		b.Headers = append(b.Headers, BearerHeader{Name: args[0], Value: args[1], As: args[3]})
	default:
		return d.Err("header takes a name and a value, and perhaps an encoding, as in: header X-User-Roles {http.auth.token.realm_access.roles} as csv")
	}
	return nil
}
