package caddymodule_test

import (
	"fmt"
	"net/http"
	"testing"
)

// RS12, RS33: a verdict may come from the cache, what a rule asks never does. One
// token is warm, and each request with it is judged by its own line.
func TestRS12_RS33_RulesAreJudgedOnEveryRequestOfACachedToken(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: guarded, block: `allow GET /read
		allow * /read scope write
		allow * /write scope write
		allow * /both scope read write
		allow * /any scope any read write
		allow * /admin claim roles admin
		allow * /level claim level 3
		allow * /strong acr high
		allow * /fresh max_age 1m
		allow * /lab expression ` + "`claims.level > 2 && request.method == \"GET\"`"})
	token := g.bearer(map[string]any{"level": 3, "roles": []string{"user"}, "acr": "low", "auth_time": 1})
	// The same is asked of a token that nobody has seen, and of one in the cache.
	for round := range 2 {
		if round > 0 {
			cold := g.metric(hits)
			for n := 0; g.metric(hits) == cold; n++ { // the cache takes new entries in the background
				if n == 1000 {
					t.Fatal("the cache never hits")
				}
				wantStatus(t, g.send("GET /read", token), http.StatusOK)
				g.upstream.next()
			}
		}
		before, asked := g.metric(hits), 0
		for request, want := range map[string]int{
			"GET /read": 200, "POST /read": 403, "GET /write": 403, "GET /both": 403, "GET /any": 200, "GET /admin": 403, "GET /level": 200,
			"GET /strong": 401, "GET /fresh": 401, "GET /lab": 200, "POST /lab": 403, "GET /none": 403,
		} {
			asked++
			response := g.send(request, token)
			if response.StatusCode != want {
				t.Errorf("round %d, %s: status %d, want %d", round, request, response.StatusCode, want)
			}
			if raw := g.upstream.next(); (raw != "") != (want == http.StatusOK) {
				t.Errorf("round %d, %s: the upstream got\n%s", round, request, raw)
			}
		}
		if got := g.metric(hits) - before; round > 0 && got != float64(asked) {
			t.Errorf("%v of %d came from the cache", got, asked)
		}
	}
}

// RS10, RS12: routes share verdicts, and not what they ask.
func TestRS12_RS10_OneRouteDoesNotAnswerForAnother(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: guarded})
	other := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	stricter := fmt.Sprintf(`
http://%s {
	bearer_auth /audience* %s {
		audience https://other.test
	}
	bearer_auth /scope* %[2]s {
		audience %s
		allow * * scope write
	}
	bearer_auth /bound* %[2]s {
		audience https://api.test
		client_certificate required
	}
	respond ok
}
`, other, g.issuer.URL, apiAudience)
	if err := reload(g.caddyfile + stricter); err != nil {
		t.Fatal(err)
	}
	token := g.bearer(nil)
	g.warm(token)
	at := &gateway{t: t, address: other}
	for path, want := range map[string]int{"/audience": 401, "/scope": 403, "/bound": 401} {
		for range 2 {
			if got := at.send("GET "+path, token).StatusCode; got != want {
				t.Errorf("%s: status %d, want %d", path, got, want)
			}
		}
	}
	wantStatus(t, g.send("GET /", token), http.StatusOK)
}
