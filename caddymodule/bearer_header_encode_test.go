package caddymodule

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
)

// RS18: a value is one header value that HTTP carries unchanged, and two claims
// never become the same one.
func FuzzHeaderValue(f *testing.F) {
	for _, claim := range []string{"frida", "josé", "100%", " a ", "a b", "\t", "a\r\nb", "\x00", "\x7f", "\xff", strings.Repeat("é", 3000)} {
		f.Add(claim)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		value, ok := headerValue(claim)
		if refused := breaksHeader(claim); refused && ok {
			t.Fatalf("%q passes", claim)
		} else if !ok {
			if !refused && 3*len(claim) <= maxIdentityValue {
				t.Fatalf("%q is refused", claim)
			}
			return
		}
		wellFormed(t, claim, value)
		if back, err := url.PathUnescape(value); err != nil || back != claim {
			t.Errorf("%q becomes %q, which reads %q", claim, value, back)
		}
	})
}

// wellFormed is what HTTP carries as it is: printable ASCII without spaces at
// the ends, within the bound.
func wellFormed(t *testing.T, claim any, value string) {
	t.Helper()
	if len(value) > maxIdentityValue {
		t.Errorf("%d bytes", len(value))
	}
	if strings.TrimSpace(value) != value || strings.ContainsFunc(value, func(c rune) bool { return c < 0x20 || c > 0x7e }) {
		t.Errorf("%q becomes %q", claim, value)
	}
}

func TestRS18_EachEncodingOfEachKindOfClaim(t *testing.T) {
	list := []any{"admin", "a,b", "josé", ""}
	object := map[string]any{"id": json.Number("7"), "name": "José\n"}
	const refused = "(refused)"
	for _, test := range []struct {
		claim                               any
		percent, json, csv, base64, rfc8187 string
	}{
		{"frida", "frida", `"frida"`, "frida", "ZnJpZGE", "UTF-8''frida"},
		{"", absent, `""`, "", absent, absent},
		{"Jo Sé,", "Jo S%C3%A9,", `"Jo S\u00e9,"`, "Jo S%C3%A9%2C", "Sm8gU8OpLA", "UTF-8''Jo%20S%C3%A9%2C"},
		{"😀\x7f", "%F0%9F%98%80%7F", `"\ud83d\ude00\u007f"`, "%F0%9F%98%80%7F", "8J-YgH8", "UTF-8''%F0%9F%98%80%7F"},
		{"a\r\nb", refused, `"a\r\nb"`, refused, "YQ0KYg", refused},
		{"\x00", refused, `"\u0000"`, refused, "AA", refused},
		{true, "true", "true", "true", "dHJ1ZQ", "UTF-8''true"},
		{json.Number("7"), "7", "7", "7", "Nw", "UTF-8''7"},
		{
			list, `["admin","a,b","jos%C3%A9",""]`, `["admin","a,b","jos\u00e9",""]`, "admin,a%2Cb,jos%C3%A9,",
			"WyJhZG1pbiIsImEsYiIsImpvc8OpIiwiIl0", "UTF-8''%5B%22admin%22%2C%22a%2Cb%22%2C%22jos%C3%A9%22%2C%22%22%5D",
		},
		{[]any{}, "[]", "[]", absent, "W10", "UTF-8''%5B%5D"},
		{[]any{""}, `[""]`, `[""]`, "", "WyIiXQ", "UTF-8''%5B%22%22%5D"},
		{[]any{[]any{"x"}}, `[["x"]]`, `[["x"]]`, refused, "W1sieCJdXQ", "UTF-8''%5B%5B%22x%22%5D%5D"},
		{[]any{nil}, `[null]`, `[null]`, refused, "W251bGxd", "UTF-8''%5Bnull%5D"},
		{
			object, `{"id":7,"name":"Jos%C3%A9\n"}`, `{"id":7,"name":"Jos\u00e9\n"}`, refused,
			"eyJpZCI6NywibmFtZSI6Ikpvc8OpXG4ifQ", "UTF-8''%7B%22id%22%3A7%2C%22name%22%3A%22Jos%C3%A9%5Cn%22%7D",
		},
		{strings.Repeat("é", 2000), refused, refused, refused, strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(strings.Repeat("é", 1500))), "="), refused},
	} {
		for as, want := range map[string]string{
			encodePercent: test.percent, encodeJSON: test.json, encodeCSV: test.csv, encodeBase64URL: test.base64, encodeRFC8187: test.rfc8187,
		} {
			got, ok := encodings[as](test.claim)
			if !ok {
				got = refused
			}
			if len(want) > 2000 {
				want = got // only that it passes
			}
			if got != want {
				t.Errorf("%.40v as %s is %.100q, want %.100q", test.claim, as, got, want)
			}
		}
	}
}

// Every encoding but csv can be undone, whatever an issuer puts into a claim.
func FuzzEncodingsCanBeUndone(f *testing.F) {
	for _, claim := range []string{`"frida"`, `["a,b","é"]`, `{"a":"\u0000\r\n"}`, `"\ud83d\ude00%"`, `7`, `" x "`, `[]`, `""`, `[["x"],null]`, `"\u007f<>&"`} {
		f.Add(claim)
	}
	f.Fuzz(func(t *testing.T, document string) {
		decoder := json.NewDecoder(strings.NewReader(document))
		decoder.UseNumber()
		var claim any
		if err := decoder.Decode(&claim); err != nil || claim == nil || !utf8.ValidString(document) {
			return
		}
		for as, encode := range encodings {
			value, ok := encode(claim)
			if !ok || value == absent {
				continue
			}
			wellFormed(t, claim, value)
			back, want := "", claimAsText(claim)
			switch as {
			case encodePercent:
				back, _ = url.PathUnescape(value)
			case encodeRFC8187:
				back, _ = url.PathUnescape(strings.TrimPrefix(value, "UTF-8''"))
			case encodeBase64URL:
				decoded, _ := base64.RawURLEncoding.DecodeString(value)
				back = string(decoded)
			case encodeJSON:
				again := json.NewDecoder(strings.NewReader(value))
				again.UseNumber()
				var decoded any
				if err := again.Decode(&decoded); err != nil || !reflect.DeepEqual(decoded, claim) {
					t.Errorf("%s as json is %q", document, value)
				}
				continue
			case encodeCSV:
				list, isList := claim.([]any)
				if !isList {
					list = []any{claim}
				}
				var texts []string
				for _, element := range list {
					texts = append(texts, caddy.ToString(element))
				}
				parts := strings.Split(value, ",")
				for i := range parts {
					parts[i], _ = url.PathUnescape(parts[i])
				}
				if !slices.Equal(parts, texts) {
					t.Errorf("%s as csv is %q, which reads %q", document, value, parts)
				}
				continue
			}
			if back != want {
				t.Errorf("%s as %s is %q, which reads %q, want %q", document, as, value, back, want)
			}
		}
	})
}
