package caddymodule_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
)

// F31, over HTTP and through Caddy's own metrics as well: ten thousand requests of
// which no two are alike, each in whatever a stranger may choose, add no series.
func TestF31_TenThousandRequestsOverHTTPMakeNoNewSeries(t *testing.T) {
	g := &gateway{t: t, issuer: newTestIssuer(t), address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	if err := load(t, config(t, "", fmt.Sprintf(`metrics
	%s
	issuer corp %s {
		introspection {
			client gateway s3cret
		}
	}
}`, strings.TrimSuffix(keeping(t), "}"), g.issuer.URL), fmt.Sprintf(`http://:%s {
	bind 127.0.0.1
	%s
	bearer_auth @guarded corp {
		audience %s
		public /public*
		allow * /write* scope write
		allow * /read*
		dpop
		websocket_token
	}
	respond @guarded ok
}
`, strings.Split(g.address, ":")[1], guarded, apiAudience))); err != nil {
		t.Fatal(err)
	}
	key := dpoptest.NewKey()
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	send := func(n int) {
		token := []string{
			g.issuer.token(t, map[string]any{"sub": fmt.Sprint("sub", n), "client_id": fmt.Sprint("client", n), "scope": fmt.Sprint("scope", n)}),
			g.issuer.token(t, map[string]any{"iss": fmt.Sprintf("https://idp%d.test", n)}), "", fmt.Sprint("opaque", n), "a b",
			base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"alg":"ES256","kid":"kid%d"}`, n))) + "." +
				base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"iss":%q,"exp":%d}`, g.issuer.URL, 1<<32))) + "." + strings.Repeat("A", 86),
		}[n%6]
		path := []string{"/read", "/write", "/public", "/other", "/read//"}[n/6%5]
		r, err := http.NewRequestWithContext(t.Context(), []string{"GET", "POST", fmt.Sprint("M", n)}[n/30%3], fmt.Sprintf("http://%s%s/%d", g.address, path, n), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = fmt.Sprintf("host%d.test", n)
		scheme := "Bearer "
		if n%7 == 0 {
			scheme = "DPoP "
			r.Header.Set("DPoP", key.Sign(dpoptest.Proof{Claims: map[string]any{"jti": fmt.Sprint("jti", n)}}))
		}
		if token != "" {
			r.Header.Set("Authorization", scheme+token)
		}
		r.Header.Set("User-Agent", fmt.Sprint("agent", n))
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", n%256))
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	// Caddy's own count requests by status and method, of which there are few.
	series := func() (names map[string]bool, text string) {
		body, err := io.ReadAll(g.send("GET /metrics").Body)
		if err != nil {
			t.Fatal(err)
		}
		names = map[string]bool{}
		for line := range strings.SplitSeq(string(body), "\n") {
			if name, _, there := strings.Cut(line, " "); there && line[0] != '#' {
				names[name] = true
			}
		}
		return names, string(body)
	}
	for n := range 2000 {
		send(n)
	}
	series() // is a request, too
	before, _ := series()
	for n := range 10_000 {
		send(2000 + n)
	}
	after, text := series()
	if len(after) > 2000 || !strings.Contains(text, "caddy_oauth2_requests_total{") {
		t.Errorf("%d series", len(after))
	}
	for name := range after {
		if !before[name] {
			t.Errorf("a new series: %s", name)
		}
	}
	for _, stranger := range []string{"host1", "kid1", "client1", "sub1", "scope1", "idp1", "opaque1", "M1", "jti1", "agent1", "192.0.2"} {
		if strings.Contains(text, stranger) {
			t.Errorf("what a stranger sent, %s, is in the metrics", stranger)
		}
	}
}
