package oauth_test

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestG74_NormalTarget(t *testing.T) {
	for uri, want := range map[string]string{
		"https://api.example.com/orders":                "https://api.example.com/orders",
		"HTTPS://API.Example.COM/Orders":                "https://api.example.com/Orders",
		"https://api.example.com":                       "https://api.example.com/",
		"https://api.example.com?a=/b":                  "https://api.example.com/",
		"https://api.example.com#f":                     "https://api.example.com/",
		"https://api.example.com:443/a":                 "https://api.example.com/a",
		"https://api.example.com:/a":                    "https://api.example.com/a",
		"https://api.example.com:80/a":                  "https://api.example.com:80/a",
		"http://127.0.0.1:80/a":                         "http://127.0.0.1/a",
		"http://127.0.0.1:8081/a":                       "http://127.0.0.1:8081/a",
		"https://[2001:DB8::1]:443/a":                   "https://[2001:db8::1]/a",
		"https://api.example.com/a?x=1":                 "https://api.example.com/a",
		"https://api.example.com/a#f?x":                 "https://api.example.com/a",
		"https://api.example.com/%7Ea%62/%c3%a9":        "https://api.example.com/~ab/%C3%A9",
		"https://api.example.com/é":                     "https://api.example.com/%C3%A9",
		"https://api.example.com/a%2fb":                 "https://api.example.com/a%2Fb",
		"https://api.example.com/a b|c":                 "https://api.example.com/a%20b%7Cc",
		"https://api.example.com/!$&'()*+,;=:@":         "https://api.example.com/!$&'()*+,;=:@",
		"https://api.example.com/a/./b/../c":            "https://api.example.com/a/c",
		"https://api.example.com/a/%2e%2E/c":            "https://api.example.com/c",
		"https://api.example.com/../../c":               "https://api.example.com/c",
		"https://api.example.com/a/b/..":                "https://api.example.com/a/",
		"https://api.example.com/a/.":                   "https://api.example.com/a/",
		"https://api.example.com/.well-known/x/...":     "https://api.example.com/.well-known/x/...",
		"https://api.example.com//a//b/":                "https://api.example.com//a//b/",
		"https://api.example.com/a%00":                  "https://api.example.com/a%00",
		"https://api.example.com/a%3Fb":                 "https://api.example.com/a%3Fb",
		"https://api.example.com/a;v=1%3b":              "https://api.example.com/a;v=1%3B",
		"https://api.example.com.evil.example/x":        "https://api.example.com.evil.example/x",
		"https://user@api.example.com/a":                "",
		"https://user:x@api.example.com/a":              "",
		"https://api.example.com:x/a":                   "",
		"https://api.example.com:44 3/a":                "",
		"https://api%2eexample.com/a":                   "",
		"https://:443/a":                                "",
		"http://::":                                     "",
		"http://[::1":                                   "",
		"http://[]/":                                    "",
		"http://[::1]x/":                                "",
		"https:///a":                                    "",
		"https:api.example.com/a":                       "",
		"ftp://api.example.com/a":                       "",
		"//api.example.com/a":                           "",
		"/a":                                            "",
		"":                                              "",
		"https://api.example.com/%":                     "",
		"https://api.example.com/%4":                    "",
		"https://api.example.com/%zz":                   "",
		"https://api.example.com\\@evil.example/a":      "",
		" https://api.example.com/a":                    "",
		"https://api.example.com/a\x00?https://x":       "https://api.example.com/a%00",
		"https://api.example.com\n/a":                   "",
		"https://bücher.example/a":                      "",
		"https://api.example.com/a?x#https://evil/y":    "https://api.example.com/a",
		"javascript://api.example.com/%0aalert(1)":      "",
		"https://api.example.com/orders/%E2%82%AC?a=%z": "https://api.example.com/orders/%E2%82%AC",
	} {
		got, err := oauth.NormalTarget(uri)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", uri, got, err, want)
		}
	}
}

func FuzzNormalTarget(f *testing.F) {
	for _, uri := range []string{"https://api.example.com/a/../%2e?x#y", "http://[::1]:80/", "https://a:b@c/%"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		normal, err := oauth.NormalTarget(uri)
		if err != nil {
			return
		}
		if again, err := oauth.NormalTarget(normal); err != nil || again != normal {
			t.Errorf("%q: the normal form %q becomes %q, %v", uri, normal, again, err)
		}
	})
}
