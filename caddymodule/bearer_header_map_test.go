package caddymodule

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestAValueIsSplitAtThePlaceholdersOfTheToken(t *testing.T) {
	for value, want := range map[string][]headerPart{
		"{http.auth.token.name}":              {{claim: "name"}},
		"{http.auth.user.id}":                 {{claim: "sub"}},
		"a {http.auth.token.a.b} b":           {{text: "a "}, {claim: "a.b"}, {text: " b"}},
		"{http.auth.token.a}{http.request.x}": {{claim: "a"}, {text: "{http.request.x}", dynamic: true}},
		// A claim cannot choose a placeholder: the text around it is read alone.
		"{http.request.{http.auth.token.a}}": {{text: "{http.request.", dynamic: true}, {claim: "a"}, {text: "}"}},
		`\{http.auth.token.a}`:               {{text: `\{http.auth.token.a}`, dynamic: true}},
		"{http.auth.token.}":                 {{text: "{http.auth.token.}", dynamic: true}},
		"{http.auth.token.a":                 {{text: "{http.auth.token.a", dynamic: true}},
		"yes":                                {{text: "yes"}},
		"":                                   nil,
	} {
		if got := headerParts(value); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %+v, want %+v", value, got, want)
		}
	}
}

func TestRS18_G47_AMappedHeaderIsWellFormedOrAbsentOrRefused(t *testing.T) {
	token := &introspect.Token{Claims: introspect.ClaimsOf(map[string]any{
		"sub": "frida", "name": "José", "none": nil, "empty": "", "break": "a\r\nX-Role: root", "secret": "{http.request.header.Cookie}",
		"realm_access": map[string]any{"roles": []any{"a,b", "c"}}, "age": json.Number("7"),
	})}
	repl := caddy.NewReplacer()
	repl.Set("http.request.header.Cookie", "s3cret")
	repl.Set("http.request.host", "api.test")
	repl.Set("http.request.uri.path", "/a\r\nb")
	for _, test := range []struct {
		header BearerHeader
		want   string
		status int
	}{
		{BearerHeader{Value: "{http.auth.token.name}"}, "Jos%C3%A9", 0},
		{BearerHeader{Value: "{http.auth.token.realm_access.roles}"}, `["a,b","c"]`, 0},
		{BearerHeader{Value: "{http.auth.token.realm_access.roles}", As: "csv"}, "a%2Cb,c", 0},
		{BearerHeader{Value: "{http.auth.user.id}/{http.auth.token.age} at {http.request.host}"}, "frida/7 at api.test", 0},
		{BearerHeader{Value: "100% {http.auth.token.sub}"}, "100%25 frida", 0},
		{BearerHeader{Value: "yes"}, "yes", 0},
		// What a claim says is never read as a placeholder.
		{BearerHeader{Value: "{http.auth.token.secret}"}, "{http.request.header.Cookie}", 0},
		{BearerHeader{Value: "{http.auth.token.secret} {http.request.host}"}, "{http.request.header.Cookie} api.test", 0},
		// What is missing gives no header.
		{BearerHeader{Value: "{http.auth.token.none}"}, absent, 0},
		{BearerHeader{Value: "{http.auth.token.unknown}"}, absent, 0},
		{BearerHeader{Value: "{http.auth.token.empty}"}, absent, 0},
		{BearerHeader{Value: "{http.auth.token.unknown}", As: "json"}, absent, 0},
		{BearerHeader{Value: "{http.auth.token.none}", As: "json"}, absent, 0},
		{BearerHeader{Value: "{http.auth.token.sub} {http.auth.token.unknown}"}, absent, 0},
		// What would break a header is refused: the token's fault, or the request's.
		{BearerHeader{Value: "{http.auth.token.break}"}, "", http.StatusUnauthorized},
		{BearerHeader{Value: "x {http.auth.token.break}"}, "", http.StatusUnauthorized},
		{BearerHeader{Value: "{http.auth.token.realm_access}", As: "csv"}, "", http.StatusUnauthorized},
		{BearerHeader{Value: "{http.auth.token.sub} {http.request.uri.path}"}, "", http.StatusBadRequest},
	} {
		mapped := test.header.mapped()
		got, refused := mapped.value(token, repl)
		if refused != nil && refused.status != test.status || refused == nil && (test.status != 0 || got != test.want) {
			t.Errorf("%s as %q: %q, %v", test.header.Value, test.header.As, got, refused)
		}
	}
}

func TestNamesThatWouldChangeMoreThanTheIdentityAreRefused(t *testing.T) {
	for name, ok := range map[string]bool{
		"X-User-Roles": true, "Remote-User": true, "X_Tenant": true, "X-Forwarded-User": true, "tenant": true, "X-Auth-Roles": true,
		"": false, "X User": false, "X:User": false, "X-Usér": false, "X-User\r\n": false,
		"Connection": false, "Host": false, "host": false, "Content-Length": false, "Content-Type": false, "Authorization": false,
		"Cookie": false, "Transfer-Encoding": false, "Transfer_Encoding": false, "TE": false, "Upgrade": false, "DPoP": false,
		"Proxy-Authorization": false, "Sec-WebSocket-Key": false, "X-Forwarded-For": false, "X-Forwarded.Host": false,
		"X-HTTP-Method-Override": false, "X-Auth-Subject": false, "x-auth-scope": false, "X.Auth.Issuer": false,
	} {
		if err := checkHeaderName(name, nil); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := (&BearerHeader{Name: "X-A", Value: "a\nb"}).check(nil); err == nil || !strings.Contains(err.Error(), "line break") {
		t.Errorf("a line break in the configuration: %v", err)
	}
}
