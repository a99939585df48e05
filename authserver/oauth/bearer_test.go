package oauth_test

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestG49_BearerCredentials(t *testing.T) {
	for _, test := range []struct {
		name    string
		headers []string
		token   string
	}{
		{"plain", []string{"Bearer abc"}, "abc"},
		{"scheme in lower case", []string{"bearer abc"}, "abc"},
		{"scheme in upper case", []string{"BEARER abc"}, "abc"},
		{"two spaces", []string{"Bearer  abc"}, "abc"},
		{"trailing space", []string{"Bearer abc "}, "abc"},
		{"every allowed character", []string{"Bearer aZ09-._~+/=="}, "aZ09-._~+/=="},
	} {
		t.Run(test.name, func(t *testing.T) {
			token, present, err := oauth.BearerCredentials(test.headers, "")
			if !present || err != nil || token.Reveal() != test.token {
				t.Errorf("got %q, %v, %v", token.Reveal(), present, err)
			}
		})
	}
}

func TestG49_BearerCredentialsRefusesMalformedOnes(t *testing.T) {
	for name, header := range map[string]string{
		"no token":              "Bearer",
		"only a space":          "Bearer ",
		"two tokens":            "Bearer abc def",
		"a list":                "Bearer abc, Bearer def",
		"a comma":               "Bearer abc,def",
		"an auth-param":         `Bearer token="abc"`,
		"quotes":                `Bearer "abc"`,
		"only padding":          "Bearer ==",
		"padding in the middle": "Bearer a=b",
		"percent encoding":      "Bearer a%20b",
		"a tab":                 "Bearer abc\t",
		"beyond ASCII":          "Bearer abcé",
		"NUL":                   "Bearer abc\x00",
	} {
		t.Run(name, func(t *testing.T) {
			token, present, err := oauth.BearerCredentials([]string{header}, "")
			if !present || !token.Empty() {
				t.Errorf("got %q, %v", token.Reveal(), present)
			}
			wantCode(t, err, oauth.CodeInvalidRequest)
		})
	}
}

func TestBearerCredentialsAbsent(t *testing.T) {
	for name, headers := range map[string][]string{
		"no header":           nil,
		"an empty header":     {""},
		"another scheme":      {"Basic d2ViOmE="},
		"a longer scheme":     {"Bearerabc"},
		"a tab behind":        {"Bearer\tabc"},
		"DPoP":                {"DPoP abc"},
		"the token by itself": {"abc"},
	} {
		t.Run(name, func(t *testing.T) {
			token, present, err := oauth.BearerCredentials(headers, "")
			if present || err != nil || !token.Empty() {
				t.Errorf("got %q, %v, %v", token.Reveal(), present, err)
			}
		})
	}
}

func TestRS15_G51_OneTokenInOnePlace(t *testing.T) {
	for name, test := range map[string]struct {
		headers []string
		query   string
	}{
		"two headers":                 {[]string{"Bearer abc", "Bearer abc"}, ""},
		"a header of another scheme":  {[]string{"Bearer abc", "Basic d2ViOmE="}, ""},
		"header and query":            {[]string{"Bearer abc"}, "access_token=abc"},
		"header and later in a query": {[]string{"Bearer abc"}, "a=b&access_token=abc"},
		"header and an empty one":     {[]string{"Bearer abc"}, "access_token"},
		"header and an encoded name":  {[]string{"Bearer abc"}, "access%5Ftoken=abc"},
	} {
		t.Run(name, func(t *testing.T) {
			_, present, err := oauth.BearerCredentials(test.headers, test.query)
			if !present {
				t.Error("there is a token")
			}
			wantCode(t, err, oauth.CodeInvalidRequest)
		})
	}
	t.Run("other parameters do not count", func(t *testing.T) {
		for _, query := range []string{"a=access_token", "access_token_hint=x", "%zz=1&+=2", "Access_Token=abc"} {
			token, _, err := oauth.BearerCredentials([]string{"Bearer abc"}, query)
			if err != nil || token.Reveal() != "abc" {
				t.Errorf("%q: %v", query, err)
			}
		}
	})
	t.Run("RS14 a query alone is no token", func(t *testing.T) {
		if _, present, err := oauth.BearerCredentials(nil, "access_token=abc"); present || err != nil {
			t.Errorf("got %v, %v", present, err)
		}
	})
}

func TestRS22_ChallengeCannotBeEndedEarly(t *testing.T) {
	for _, test := range []struct {
		parameters []string
		want       string
	}{
		{nil, `Bearer`},
		{[]string{"realm", "https://a.example/oauth2"}, `Bearer realm="https://a.example/oauth2"`},
		{[]string{"error", "invalid_token", "scope", "a b"}, `Bearer error="invalid_token", scope="a b"`},
		{[]string{"scope", "a\"b\\c\r\nX: y\x00é"}, `Bearer scope="a_b_c__X: y___"`},
	} {
		if got := oauth.Challenge("Bearer", test.parameters...); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
