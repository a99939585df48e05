package caddymodule

import (
	"net/url"
	"strings"
	"testing"
)

func TestSecretsInTextsAreHidden(t *testing.T) {
	jwt := "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJmcmlkYSJ9.c2lnbmF0dXJl"
	for text, want := range map[string]string{
		"":                                     "",
		"/orders":                              "/orders",
		"/orders?page=2&sort=asc":              "/orders?page=2&sort=asc",
		"/cb?code=abc&state=xyz":               "/cb?code=REDACTED&state=xyz",
		"/cb?code=":                            "/cb?code=",
		"/x?c%6fde=abc":                        "/x?c%6fde=REDACTED",
		"/x?CODE=abc":                          "/x?CODE=REDACTED",
		"/x?a=1;code=abc":                      "/x?a=1;code=REDACTED", // a separator once, and to some servers still
		"/x?code=abc;def?ghi&a=1":              "/x?code=REDACTED&a=1",
		"/x?%2563ode=abc":                      "/x?%2563ode=REDACTED",
		"/x?c%6fde%3D=abc&x=%zz":               "/x?c%6fde%3D=abc&x=%zz", // the name is code=
		`/x?password=p"w'd<&a=1`:               `/x?password=REDACTED&a=1`,
		"/x?logout-token=abc":                  "/x?logout-token=REDACTED",
		"status code=404":                      "status code=404",
		`body "code=abc&x=y"`:                  `body "code=REDACTED&x=y"`,
		"/p/%2Fcb%3Fcode%3Dabc/x":              url.QueryEscape("/p//cb?code=REDACTED"),
		"/login?goto=%252Fcb%253Fcode%253Dabc": "/login?goto=" + url.QueryEscape(url.QueryEscape("/cb?code=REDACTED")),
		"/login?goto=%2Fcb%3Fcode%3Dabc%zz":    "/login?goto=" + url.QueryEscape("/cb?code=REDACTED"),
		"100% of a=b":                          "100% of a=b",
		`{"uri":"/x?code=abc","n":1}`:          `{"uri":"/x?code=REDACTED","n":1}`,
		"https://app.test/cb#access_token=abc&token_type=Bearer&id_token=def":                "https://app.test/cb#access_token=REDACTED&token_type=Bearer&id_token=REDACTED",
		"client_secret=abc&grant_type=password&password=p%20w":                               "client_secret=REDACTED&grant_type=password&password=REDACTED",
		`Get "https://idp.test/?token=abc": dial tcp: refused`:                               `Get "https://idp.test/?token=REDACTED": dial tcp: refused`,
		"/login?goto=" + url.QueryEscape("/oauth2/authorize?id_token_hint=abc&scope=openid"): "/login?goto=" + url.QueryEscape("/oauth2/authorize?id_token_hint=REDACTED&scope=openid"),
		"/login?goto=" + url.QueryEscape("/a?b="+url.QueryEscape("/c?code=d")):               "/login?goto=" + url.QueryEscape("/a?b="+url.QueryEscape("/c?code=REDACTED")),
		"/login?goto=%2Fa%3Fb%3Dc":                      "/login?goto=%2Fa%3Fb%3Dc",
		"/files/" + jwt + "/x":                          "/files/REDACTED/x",
		"jwt." + jwt + ".enc.tag":                       "jwt.REDACTED",
		"bearer_" + strings.ReplaceAll(jwt, ".", "%2E"): "bearer_REDACTED",
		"bad token " + jwt + ", refused":                "bad token REDACTED, refused",
		"oat_k1_AAAABBBBCCCCDDDDEEEE":                   "REDACTED",
		"/x/ort_k1_0123456789abcdef_1_AAAABBBB?y":       "/x/REDACTED?y",
		"goat_boat_and_other_words":                     "goat_boat_and_other_words",
		"oat_meal":                                      "oat_meal",
		"eyJnot a token":                                "eyJnot a token",
		"/x?csrf=abc&decision=allow&tokenId=AQIC5":      "/x?csrf=REDACTED&decision=allow&tokenId=REDACTED",
	} {
		if got := redactText(text); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", text, got, want)
		}
	}
}

func TestSecretFieldsAreKnownInEverySpelling(t *testing.T) {
	for name, want := range map[string]bool{
		"Dpop": true, "DPoP": true, "HTTP_DPOP": true, "X-Openam-Password": true, "X_OpenAM_Password": true,
		"HTTP_X_OPENAM_PASSWORD": true, "Iplanetdirectorypro": true, "iPlanetDirectoryPro": true,
		"Client-Cert": true, "Sec-Websocket-Protocol": true, "HTTP_SEC_WEBSOCKET_PROTOCOL": true, "DPoP-Nonce": true, "client_secret": true, "Password": true,
		"Sec-Websocket-Key": false, "Client-Certificate-Status": false, "X-Openam-Username": false, "uri": false, "": false, "http": false, "HTTP_": false, "HTTPSDPOP": false,
	} {
		if got := secretField(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func FuzzRedactText(f *testing.F) {
	for _, text := range []string{"/cb?code=abc", "a=b&code=c#token=d", "%", "?&#=", "code=%zz", "a=1;code=x", "%2563ode=x", `code=a"b`, "x%3Fcode%3Da", "eyJhbGciOiJF.x.y", "goto=%3Fcode%3Da", strings.Repeat("?", 100)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := redactText(text)
		if twice := redactText(once); twice != once {
			t.Errorf("%q becomes %q, then %q", text, once, twice)
		}
		// A secret is found whatever stands before its parameter.
		if hidden := redactText(text + "&code=canary"); strings.Contains(hidden, "canary") {
			t.Errorf("%q hides nothing: %q", text, hidden)
		}
		if len(text) > 0 && len(once) > 20*len(text)+20 {
			t.Errorf("%d bytes become %d", len(text), len(once))
		}
	})
}
