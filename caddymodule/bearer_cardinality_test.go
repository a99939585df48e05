package caddymodule

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// agreeable is an issuer without sockets that vouches for every opaque token, as
// that of a client and a subject of its name.
type agreeable struct{}

func (agreeable) RoundTrip(r *http.Request) (*http.Response, error) {
	const issuer = "https://idp.example.com"
	body := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	switch {
	case strings.HasPrefix(r.URL.Path, "/.well-known/"):
		body = fmt.Sprintf(`{"issuer":%q,"jwks_uri":"%[1]s/keys","introspection_endpoint":"%[1]s/ask"}`, issuer)
	case r.URL.Path == "/ask":
		form, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		asked, err := url.ParseQuery(string(form))
		if err != nil {
			return nil, err
		}
		body = fmt.Sprintf(`{"active":true,"sub":%q,"client_id":%[1]q,"scope":%[1]q,"aud":"https://api.test","exp":4102444800}`, asked.Get("token"))
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: r,
	}, nil
}

// F31: labels come from the configuration and from our source, so that a hundred
// thousand clients, subjects, keys, hosts, methods and paths make no new series.
func TestF31_RequestsMakeNoNewSeries(t *testing.T) {
	remote := introspect.Start(introspect.Foreign{
		URL: "https://idp.example.com",
		Introspection: introspect.Introspection{
			ClientID: "gateway", ClientSecret: oauth.NewSecret("s3cret"), CacheTTL: time.Minute, NegativeTTL: time.Second, RequireAudience: true,
		},
		Client: &http.Client{Transport: agreeable{}}, Observer: issuerObserver{}, Now: time.Now,
	})
	t.Cleanup(remote.Stop)
	guard, err := introspect.New(introspect.Config{Issuers: []introspect.Issuer{remote.Issuer("corp")}, Audiences: []string{"https://api.test"}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b := &BearerAuth{
		Audience: []string{"https://api.test"}, Rules: []BearerRule{{Public: true, Path: "/public*"}, {Path: "/write*", Scope: []string{"write"}}, {Path: "/read*"}},
		introspector: guard, log: slog.New(slog.DiscardHandler),
	}
	if b.rules, _, err = introspect.NewRules(b.lines()); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registerMetrics(registry); err != nil {
		t.Fatal(err)
	}
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	send := func(n int) {
		kid := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"alg":"EdDSA","typ":"at+jwt","kid":"kid%d"}`, n)))
		claims := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(
			`{"iss":"https://idp.example.com","sub":"s%d","client_id":"c%[1]d","aud":"https://api.test","exp":4102444800,"iat":1}`, n)))
		stranger := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"iss":"https://idp%d.example.com"}`, n)))
		token := []string{
			fmt.Sprint("opaque", n), kid + "." + claims + "." + strings.Repeat("A", 86), kid + "." + stranger + ".", "", "a b",
		}[n%5]
		path := []string{"/read", "/write", "/public", "/other", "/read//"}[n/5%5]
		w := httptest.NewRecorder()
		r := httptest.NewRequest(fmt.Sprint("M", n), fmt.Sprintf("http://host%d.test%s/%[1]d", n, path), nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		// What passes or not is tested elsewhere.
		_ = b.ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil), next)
	}
	for n := range 1000 {
		send(n)
	}
	before := gathered(t, registry)
	for n := range 100_000 {
		send(1000 + n)
	}
	after := gathered(t, registry)
	if len(after) > 2000 || len(after) != len(before) {
		t.Errorf("%d series, then %d", len(before), len(after))
	}
	for _, name := range []string{
		"caddy_oauth2_requests_total allowed corp none", "caddy_oauth2_requests_total refused corp unknown_key",
		"caddy_oauth2_requests_total refused corp insufficient_scope", "caddy_oauth2_requests_total refused none issuer",
		"caddy_oauth2_requests_total refused none ambiguous_path", "caddy_oauth2_requests_total public none none",
	} {
		if after[name] < before[name]+1000 {
			t.Errorf("%s went from %v to %v", name, before[name], after[name])
		}
	}
	for name := range after {
		for _, stranger := range []string{"host", "kid", "opaque", "idp1", "M1"} {
			if strings.Contains(name, stranger) {
				t.Errorf("what a stranger sent is a label: %s", name)
			}
		}
	}
}
