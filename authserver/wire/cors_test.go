package wire_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

func TestAS16_RS36_CORS(t *testing.T) {
	const spa = "https://app.example.com"
	listed := func(origin string) bool { return origin == spa }
	for _, test := range []struct {
		name, method, origin, preflight string
		allowed                         func(string) bool
		reaches                         bool
		allowOrigin, allowMethods       string
	}{
		{"no script", "POST", "", "", listed, true, "", ""},
		{"listed origin", "POST", spa, "", listed, true, spa, ""},
		{"other origin", "POST", "https://evil.example", "", listed, true, "", ""},
		{"null origin", "POST", "null", "", listed, true, "", ""},
		{"origin that only begins alike", "POST", spa + ".evil.example", "", listed, true, "", ""},
		{"preflight of a listed origin", "OPTIONS", spa, "POST", listed, false, spa, "POST"},
		{"preflight of another origin", "OPTIONS", "https://evil.example", "POST", listed, false, "", ""},
		{"OPTIONS that is no preflight", "OPTIONS", spa, "", listed, true, spa, ""},
		{"public document", "GET", "https://evil.example", "", wire.AnyOrigin, true, "https://evil.example", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			reached := false
			handler := wire.CORS(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }), test.allowed, http.MethodPost)
			r := httptest.NewRequest(test.method, "/token", nil)
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.preflight != "" {
				r.Header.Set("Access-Control-Request-Method", test.preflight)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if reached != test.reaches {
				t.Errorf("the endpoint was reached: %v", reached)
			}
			for header, want := range map[string]string{
				"Access-Control-Allow-Origin":      test.allowOrigin,
				"Access-Control-Allow-Methods":     test.allowMethods,
				"Access-Control-Allow-Credentials": "",
				"Vary":                             "Origin",
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
		})
	}
}
