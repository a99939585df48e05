package oauth_test

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestAS56_CheckIssuer(t *testing.T) {
	for _, issuer := range []string{
		"https://auth.example.com",
		"https://auth.example.com/oauth2",
		"https://auth.example.com:8443/am/oauth2/realms/root/realms/customers",
		"http://localhost:8080/oauth2",
		"http://127.0.0.1/oauth2",
		"http://[::1]:8080/oauth2",
	} {
		if err := oauth.CheckIssuer(issuer); err != nil {
			t.Errorf("%s: %v", issuer, err)
		}
	}
	for name, issuer := range map[string]string{
		"empty":                  "",
		"relative":               "/oauth2",
		"no host":                "https:///oauth2",
		"only a port":            "https://:8443/oauth2",
		"opaque":                 "https:auth.example.com",
		"a word":                 "auth",
		"http elsewhere":         "http://auth.example.com/oauth2",
		"http, loopback as text": "http://localhost.example.com/oauth2",
		"another scheme":         "ftp://auth.example.com/oauth2",
		"scheme in upper case":   "HTTPS://auth.example.com/oauth2",
		"host in upper case":     "https://Auth.example.com/oauth2",
		"user name":              "https://user@auth.example.com/oauth2",
		"query":                  "https://auth.example.com/oauth2?a=b",
		"empty query":            "https://auth.example.com/oauth2?",
		"fragment":               "https://auth.example.com/oauth2#a",
		"empty fragment":         "https://auth.example.com/oauth2#",
		"trailing slash":         "https://auth.example.com/oauth2/",
		"only a slash":           "https://auth.example.com/",
		"own port of https":      "https://auth.example.com:443/oauth2",
		"own port of http":       "http://localhost:80/oauth2",
		"empty port":             "https://auth.example.com:/oauth2",
		"dot segment":            "https://auth.example.com/./oauth2",
		"dot segments":           "https://auth.example.com/a/../oauth2",
		"double slash":           "https://auth.example.com//oauth2",
		"escape":                 "https://auth.example.com/%6Fauth2",
		"space":                  "https://auth.example.com/oauth 2",
		"beyond ASCII":           "https://auth.exämple.com/oauth2",
		"backslash":              `https://auth.example.com\oauth2`,
		"line break":             "https://auth.example.com/oauth2\n",
	} {
		t.Run(name, func(t *testing.T) {
			if oauth.CheckIssuer(issuer) == nil {
				t.Errorf("%q is taken", issuer)
			}
		})
	}
}

func TestOrigin(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://auth.example.com/oauth2":     "https://auth.example.com",
		"https://auth.example.com:8443/a/b/c": "https://auth.example.com:8443",
		"http://[::1]:8080/oauth2":            "http://[::1]:8080",
	} {
		if got := oauth.Origin(issuer); got != want {
			t.Errorf("Origin(%s) = %s, want %s", issuer, got, want)
		}
	}
}
