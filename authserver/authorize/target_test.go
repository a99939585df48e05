package authorize

import (
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestTargetOfARequestWithoutRedirectURI(t *testing.T) {
	one, two, defaultOpenID := webClient(), webClient(), webClient()
	two.RedirectURIs = append(two.RedirectURIs, "https://app.test/other")
	defaultOpenID.DefaultScopes = oauth.Scope{"openid"}
	none := webClient()
	none.RedirectURIs = nil

	r, _, err := read(t, valid("redirect_uri", "", "scope", "orders:read"), one, allGrants)
	if err != nil || r.redirectURI != "https://app.test/cb" || r.named {
		t.Errorf("one registered: %+v, %v", r, err)
	}
	for name, try := range map[string]func() (string, error){
		"OpenID request": func() (string, error) {
			_, step, err := read(t, valid("redirect_uri", ""), one, allGrants)
			return step, err
		},
		"OpenID by default scope": func() (string, error) {
			_, step, err := read(t, valid("redirect_uri", "", "scope", ""), defaultOpenID, allGrants)
			return step, err
		},
		"two registered": func() (string, error) {
			_, step, err := read(t, valid("redirect_uri", "", "scope", "orders:read"), two, allGrants)
			return step, err
		},
		"none registered": func() (string, error) {
			_, step, err := read(t, valid("redirect_uri", "", "scope", "orders:read"), none, allGrants)
			return step, err
		},
	} {
		if step, err := try(); step != "target" || codeOf(err) != oauth.CodeInvalidRequest {
			t.Errorf("%s: %s says %v, want a page", name, step, err)
		}
	}
}

func TestAS12_ResponseModes(t *testing.T) {
	native := webClient()
	native.RedirectURIs = []string{"com.example.app:/cb"}
	strict := webClient()
	strict.ResponseModes = []string{oauth.ResponseModeFormPost}
	for _, test := range []struct {
		responseType, mode string
		want               string
		ok                 bool
	}{
		{"code", "", "query", true},
		{"code", "query", "query", true},
		{"code", "fragment", "fragment", true},
		{"code", "form_post", "form_post", true},
		{"code", "jwt", "query", false},
		{"token", "", "fragment", true},
		{"token", "query", "fragment", false},
		{"token", "form_post", "form_post", true},
		{"id_token", "query", "fragment", false},
		{"token id_token", "", "fragment", true},
		{"code token", "", "fragment", true}, // refused later, and its error travels like its answer would
	} {
		form, _ := oauth.ParseForm(valid("response_type", test.responseType, "response_mode", test.mode).Encode())
		mode, err := responseMode(form, target{client: webClient(), redirectURI: "https://app.test/cb"})
		if mode != test.want || (err == nil) != test.ok {
			t.Errorf("%s by %q: %s, %v", test.responseType, test.mode, mode, err)
		}
	}
	form, _ := oauth.ParseForm(valid("response_mode", "form_post").Encode())
	if mode, err := responseMode(form, target{client: native, redirectURI: "com.example.app:/cb"}); err == nil || mode != "query" {
		t.Errorf("form_post to an app: %s, %v", mode, err)
	}
	if mode, err := responseMode(form, target{client: strict, redirectURI: "https://app.test/cb"}); err != nil || mode != "form_post" {
		t.Errorf("the mode that the client lists: %s, %v", mode, err)
	}
	form, _ = oauth.ParseForm(valid().Encode())
	if _, err := responseMode(form, target{client: strict, redirectURI: "https://app.test/cb"}); err == nil {
		t.Error("a mode that the client does not list was chosen by default")
	}
}

func TestA16_StateIsKeptExactlyOrRefused(t *testing.T) {
	for name, state := range map[string]string{
		"8 KiB": strings.Repeat("s", maxState), "HTML": `"><script>alert(1)</script>`, "separators": "a&b=c#d?e;f+g h%20", "unicode": "žluťoučký 🐎 \u202e",
	} {
		if r := accept(t, valid("state", state)); r.state != state {
			t.Errorf("%s: kept as %.40q", name, r.state)
		}
	}
	for name, state := range map[string]string{
		"longer": strings.Repeat("s", maxState+1), "line break": "a\r\nLocation: https://evil.test", "tab": "a\tb", "delete": "\x7f",
	} {
		_, step, err := read(t, valid("state", state), webClient(), allGrants)
		if step != "request" || codeOf(err) != oauth.CodeInvalidRequest {
			t.Errorf("%s: %s says %v", name, step, err)
		}
		form, _ := oauth.ParseForm(valid("state", state).Encode())
		if goal, _ := parseTarget(form, webClient()); goal.state != "" {
			t.Errorf("%s: would be sent back", name)
		}
	}
}

func TestLocate(t *testing.T) {
	parameters := [][2]string{{"code", "a b&c"}, {"state", "é#"}}
	for _, test := range []struct{ uri, mode, want string }{
		{"https://app.test/cb", "query", "https://app.test/cb?code=a+b%26c&state=%C3%A9%23"},
		{"https://app.test/cb?t=%20x", "query", "https://app.test/cb?t=%20x&code=a+b%26c&state=%C3%A9%23"},
		{"https://app.test/cb?t=1", "fragment", "https://app.test/cb?t=1#code=a+b%26c&state=%C3%A9%23"},
		{"com.example.app:/cb", "query", "com.example.app:/cb?code=a+b%26c&state=%C3%A9%23"},
	} {
		if got := locate(target{redirectURI: test.uri, mode: test.mode}, parameters); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
