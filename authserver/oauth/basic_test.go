package oauth_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func basicHeader(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

func TestA27_ParseBasic(t *testing.T) {
	for _, test := range []struct{ name, header, id, secret string }{
		{"plain", basicHeader("web:forgerock"), "web", "forgerock"},
		{"scheme in any case", "bAsIc " + basicHeader("web:forgerock")[6:], "web", "forgerock"},
		{"more than one space", "Basic   " + basicHeader("web:forgerock")[6:], "web", "forgerock"},
		{"empty secret", basicHeader("web:"), "web", ""},
		{"colon in the secret", basicHeader("web:a:b"), "web", "a:b"},
		{"encoded colon in the id", basicHeader("a%3Ab:c"), "a:b", "c"},
		{"encoded percent and plus", basicHeader("web:100%25%2B"), "web", "100%+"},
		{"plus is a space", basicHeader("my+web:a+b"), "my web", "a b"},
		{"a space as it is", basicHeader("my web:a b"), "my web", "a b"},
		{"UTF-8 as it is", basicHeader("web:grüße"), "web", "grüße"},
		{"UTF-8 encoded", basicHeader("web:gr%C3%BC%C3%9Fe"), "web", "grüße"},
	} {
		t.Run(test.name, func(t *testing.T) {
			id, secret, ok, err := oauth.ParseBasic(test.header)
			if !ok || err != nil || id != test.id || secret.Reveal() != test.secret {
				t.Errorf("got %q, %q, %v, %v, want %q, %q", id, secret.Reveal(), ok, err, test.id, test.secret)
			}
		})
	}
}

func TestA27_ParseBasicRefusesMalformedCredentials(t *testing.T) {
	for name, header := range map[string]string{
		"nothing":                 "Basic",
		"only a space":            "Basic ",
		"no colon":                basicHeader("web"),
		"no id":                   basicHeader(":secret"),
		"bare percent":            basicHeader("web:100%"),
		"bad escape in the id":    basicHeader("%zz:secret"),
		"invalid UTF-8":           basicHeader("web:\xfc"),
		"encoded invalid UTF-8":   basicHeader("web:%FC"),
		"NUL":                     basicHeader("web:a%00b"),
		"no base64":               "Basic !!!",
		"base64url alphabet":      "Basic d2ViOj8_",
		"base64 without padding":  "Basic d2ViOmE",
		"base64 with loose bits":  "Basic d2ViOmF=",
		"line break in the value": "Basic d2Vi\r\nOmE=",
		"text after the value":    basicHeader("web:a") + " x",
		"too long":                basicHeader("web:" + strings.Repeat("x", oauth.MaxCredentialBytes)),
	} {
		t.Run(name, func(t *testing.T) {
			id, secret, ok, err := oauth.ParseBasic(header)
			if !ok || id != "" || !secret.Empty() {
				t.Errorf("got %q, %q, %v", id, secret.Reveal(), ok)
			}
			wantCode(t, err, oauth.CodeInvalidRequest)
		})
	}
}

func TestParseBasicLeavesOtherSchemesAlone(t *testing.T) {
	for _, header := range []string{"", "Bearer abc", "Basi d2ViOmE=", "Basicd2ViOmE=", "Basic\td2ViOmE=", " Basic d2ViOmE="} {
		if id, _, ok, err := oauth.ParseBasic(header); ok || err != nil || id != "" {
			t.Errorf("%q: got %q, %v, %v", header, id, ok, err)
		}
	}
}

func TestValidClientID(t *testing.T) {
	for _, id := range []string{"web", "a b", "https://client.example", "~!@#$%^&*()", strings.Repeat("x", 255)} {
		if !oauth.ValidClientID(id) {
			t.Errorf("%q is refused", id)
		}
	}
	for _, id := range []string{"", strings.Repeat("x", 256), "a\x00b", "a\nb", "a\x7f", "grün"} {
		if oauth.ValidClientID(id) {
			t.Errorf("%q is taken", id)
		}
	}
}

func FuzzParseBasic(f *testing.F) {
	for _, seed := range []string{
		"", "Basic", "Bearer x", basicHeader("web:forgerock"), basicHeader("a%3Ab:c:d"), basicHeader("web:100%"),
		basicHeader(":"), "Basic d2ViOmE", "basic d2Vi\nOmE=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		id, secret, ok, err := oauth.ParseBasic(header)
		if err != nil {
			wantCode(t, err, oauth.CodeInvalidRequest)
		}
		if !ok || err != nil {
			if id != "" || !secret.Empty() {
				t.Errorf("%q is refused and gives %q", header, id)
			}
			return
		}
		if id == "" {
			t.Errorf("%q names nobody", header)
		}
		// Encoded as RFC 6749 §2.3.1 says, it reads the same again.
		again := basicHeader(url.QueryEscape(id) + ":" + url.QueryEscape(secret.Reveal()))
		if len(again) > oauth.MaxCredentialBytes {
			return
		}
		id2, secret2, ok, err := oauth.ParseBasic(again)
		if !ok || err != nil || id2 != id || !secret2.Equal(secret) {
			t.Errorf("%q reads as %q, and encoded again as %q (%v)", header, id, id2, err)
		}
	})
}
