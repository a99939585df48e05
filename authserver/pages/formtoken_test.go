package pages_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

var (
	key   = pages.FormKey("0123456789abcdef0123456789abcdef")
	start = time.Unix(1_800_000_000, 0)
	claim = pages.FormClaim{Purpose: "consent", Browser: "browser", Request: "request", ID: "0a1b"}
)

func TestPG9_FormTokenVouchesForExactlyOneForm(t *testing.T) {
	token := key.Issue(claim, start.Add(10*time.Minute))
	want := claim
	want.ID = ""
	if id, ok := key.Check(token, want, start); !ok || id != claim.ID {
		t.Fatalf("Check gave %q, %v", id, ok)
	}
	other := func(change func(*pages.FormClaim)) pages.FormClaim {
		c := want
		change(&c)
		return c
	}
	for name, c := range map[string]pages.FormClaim{
		"other purpose": other(func(c *pages.FormClaim) { c.Purpose = "login" }),
		"other browser": other(func(c *pages.FormClaim) { c.Browser = "b" }),
		"other request": other(func(c *pages.FormClaim) { c.Request = "r" }),
		"moved border":  other(func(c *pages.FormClaim) { c.Browser, c.Request = "browserreq", "uest" }),
	} {
		if _, ok := key.Check(token, c, start); ok {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, ok := pages.FormKey("another key of the same length..").Check(token, want, start); ok {
		t.Error("another key's token was accepted")
	}
}

func TestPG9_FormTokenExpires(t *testing.T) {
	token := key.Issue(claim, start.Add(10*time.Minute))
	for after, want := range map[time.Duration]bool{0: true, 10*time.Minute - time.Second: true, 10 * time.Minute: false, time.Hour: false} {
		if _, ok := key.Check(token, claim, start.Add(after)); ok != want {
			t.Errorf("after %v: accepted is %v, want %v", after, ok, want)
		}
	}
}

func TestPG3_ForgedFormTokensAreRefused(t *testing.T) {
	good := key.Issue(claim, start.Add(time.Minute)).Reveal()
	end, rest, _ := strings.Cut(good, ".")
	id, mac, _ := strings.Cut(rest, ".")
	for _, forged := range []string{
		"", ".", "..", "...", "a.b", good + ".", good + "x", good[:len(good)-1],
		end + "0." + id + "." + mac,
		end + "." + id + "0." + mac,
		end + ".." + mac,
		strings.ToUpper(good),
	} {
		if _, ok := key.Check(oauth.NewSecret(forged), claim, start); ok {
			t.Errorf("%q was accepted", forged)
		}
	}
}

func TestPG3_SameOrigin(t *testing.T) {
	const origin = "https://auth.test"
	for _, test := range []struct {
		name   string
		header http.Header
		want   bool
	}{
		{"our own page", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}, true},
		{"our own page, no Origin", http.Header{"Sec-Fetch-Site": {"same-origin"}}, true},
		{"older browser", http.Header{"Origin": {origin}}, true},
		{"sibling domain", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {origin}}, false},
		{"another site", http.Header{"Sec-Fetch-Site": {"cross-site"}}, false},
		{"typed address", http.Header{"Sec-Fetch-Site": {"none"}}, false},
		{"said twice", http.Header{"Sec-Fetch-Site": {"same-origin", "cross-site"}}, false},
		{"foreign Origin", http.Header{"Origin": {"https://evil.test"}}, false},
		{"prefix of ours", http.Header{"Origin": {origin + ".evil.test"}}, false},
		{"opaque Origin", http.Header{"Origin": {"null"}}, false},
		{"two Origins", http.Header{"Origin": {origin, origin}}, false},
		{"neither", http.Header{}, false},
	} {
		if got := pages.SameOrigin(test.header, origin); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
