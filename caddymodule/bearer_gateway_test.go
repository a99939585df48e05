package caddymodule_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// wantChallenge compares the whole WWW-Authenticate header.
func wantChallenge(t *testing.T, response *http.Response, want string) {
	t.Helper()
	if got := response.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("WWW-Authenticate %q\nwant %q", got, want)
	}
	if got := response.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", got)
	}
	exposed := response.Header.Get("Access-Control-Expose-Headers") == "WWW-Authenticate"
	if exposed != (want != "") {
		t.Errorf("challenge exposed to scripts: %v", exposed)
	}
}

const (
	challengeRealm = `Bearer realm="https://api.test"`
	// RFC 9728 §5.1: each challenge leads to the metadata.
	challengeMetadata = `, resource_metadata="https://api.test/.well-known/oauth-protected-resource"`

	challengeNone  = challengeRealm + challengeMetadata
	challengeToken = challengeRealm + `, error="invalid_token", error_description="The access token is not valid for this resource"` + challengeMetadata
	challengeScope = challengeRealm + `, error="insufficient_scope", error_description="The access token does not have the scope that this request needs", scope="write audit"` + challengeMetadata
)

func TestRS21_EachFailureHasItsOwnAnswer(t *testing.T) {
	g := newGateway(t, setup{block: `public /health
		allow * /orders*
		allow POST /audit scope write audit`})
	for name, test := range map[string]struct {
		request   string
		headers   []string
		status    int
		challenge string
	}{
		"no token":               {"GET /orders", nil, 401, challengeNone},
		"no token, no rule":      {"GET /other", nil, 401, challengeNone},
		"another scheme":         {"GET /orders", []string{"Authorization: Basic eDp5"}, 401, challengeNone},
		"bad token":              {"GET /orders", []string{"Authorization: Bearer bad"}, 401, challengeToken},
		"bad token, no rule":     {"GET /other", []string{"Authorization: Bearer bad"}, 401, challengeToken},
		"expired token":          {"GET /orders", []string{g.bearer(map[string]any{"exp": 1})}, 401, challengeToken},
		"another audience":       {"GET /orders", []string{g.bearer(map[string]any{"aud": "https://other.test"})}, 401, challengeToken},
		"good token":             {"GET /orders", []string{g.bearer(nil)}, 200, ""},
		"good token, no rule":    {"GET /other", []string{g.bearer(nil)}, 403, ""},
		"missing scope":          {"POST /audit", []string{g.bearer(map[string]any{"scope": "write"})}, 403, challengeScope},
		"all of the scope":       {"POST /audit", []string{g.bearer(map[string]any{"scope": "audit x write"})}, 200, ""},
		"method of another rule": {"GET /audit", []string{g.bearer(map[string]any{"scope": "audit write"})}, 403, ""},
		"public":                 {"GET /health", nil, 200, ""},
		"public, bad token":      {"GET /health", []string{"Authorization: Bearer bad"}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			response := g.send(test.request, test.headers...)
			wantStatus(t, response, test.status)
			if raw := g.upstream.next(); (raw != "") != (test.status == 200) {
				t.Errorf("the upstream got\n%s", raw)
			}
			if test.status != 200 {
				wantChallenge(t, response, test.challenge)
			}
		})
	}
}

func TestRS21_WhatCannotBeCheckedIs503WithRetryAfter(t *testing.T) {
	issuer, upstream := newTestIssuer(t), newRawUpstream(t)
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	issuer.keys.Store(&down)
	g := &gateway{t: t, issuer: issuer, upstream: upstream, address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	if err := load(t, config(t, "", "", fmt.Sprintf("http://%s {\nbearer_auth %s {\naudience %s\n}\nreverse_proxy %s\n}",
		g.address, issuer.URL, apiAudience, upstream.address))); err != nil {
		t.Fatal(err)
	}
	response := g.send("GET /", g.bearer(nil))
	wantStatus(t, response, http.StatusServiceUnavailable)
	wantChallenge(t, response, "")
	if response.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if raw := upstream.next(); raw != "" {
		t.Errorf("the upstream got\n%s", raw)
	}
}

func TestG49_TheAuthorizationHeaderIsReadStrictly(t *testing.T) {
	g := newGateway(t, setup{})
	token := g.issuer.token(t, nil)
	for value, want := range map[string]int{
		"Bearer " + token:                                200,
		"bearer " + token:                                200,
		"BEARER " + token:                                200,
		"Bearer  " + token:                               200,
		"Bearer " + token + " ":                          200, // HTTP drops space at the ends
		"Bearer\t" + token:                               401,
		"Bearer":                                         400,
		"Bearer ":                                        400,
		"Bearer " + token + ", Bearer " + token:          400,
		"Bearer " + token + " " + token:                  400,
		"Bearer token=" + token:                          400,
		`Bearer "` + token + `"`:                         400,
		"Bearer " + strings.Repeat("é", 4):               400,
		"Bearer %41" + token:                             400,
		"DPoP " + token:                                  401,
		"Bearer " + strings.Repeat("a", 9<<10):           401,
		"Bearer " + token + "." + token:                  401,
		"Bearer " + strings.Replace(token, ".", "..", 1): 401,
	} {
		response := g.send("GET /", "Authorization: "+value)
		if response.StatusCode != want {
			t.Errorf("Authorization: %.80q: status %d, want %d", value, response.StatusCode, want)
		}
		if raw := g.upstream.next(); (raw != "") != (want == 200) {
			t.Errorf("Authorization: %.80q: the upstream got\n%s", value, raw)
		}
	}
}

func TestRS15_MoreThanOneCredentialIsInvalidRequest(t *testing.T) {
	g := newGateway(t, setup{})
	token := g.issuer.token(t, nil)
	for name, request := range map[string][]string{
		"two headers":       {"GET /", "Authorization: Bearer " + token, "Authorization: Bearer " + token},
		"two schemes":       {"GET /", "Authorization: Bearer " + token, "Authorization: Basic eDp5"},
		"G51 and the query": {"GET /?access_token=" + token, "Authorization: Bearer " + token},
		"encoded name":      {"GET /?access%5Ftoken=x", "Authorization: Bearer " + token},
	} {
		response := g.send(request[0], request[1:]...)
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(response.Header.Get("WWW-Authenticate"), `error="invalid_request"`) {
			t.Errorf("%s: status %d, %v", name, response.StatusCode, response.Header)
		}
		// RS22: nothing of the request is in the answer.
		if strings.Contains(fmt.Sprint(response.Header), token[:20]) {
			t.Errorf("%s: the answer repeats the token: %v", name, response.Header)
		}
	}
}

func TestRS14_ATokenInTheQueryOrInAFormCountsAsNone(t *testing.T) {
	g := newGateway(t, setup{})
	token := g.issuer.token(t, nil)
	response := g.send("GET /?access_token=" + token)
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenge(t, response, challengeNone)
	form := "access_token=" + token
	response = g.send("POST /", "Content-Type: application/x-www-form-urlencoded", fmt.Sprintf("Content-Length: %d", len(form)), "", form)
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenge(t, response, challengeNone)
}

func TestRS19_AuthorizationGoesToTheUpstreamOnlyIfAsked(t *testing.T) {
	plain := newGateway(t, setup{block: "public /public\nallow * *"})
	for path, headers := range map[string][]string{
		"/x":      {plain.bearer(nil)},
		"/public": {"Authorization: Bearer whatever", "Authorization: Basic eDp5"},
	} {
		wantStatus(t, plain.send("GET "+path, headers...), http.StatusOK)
		if raw := plain.upstream.next(); strings.Contains(raw, "Authorization") {
			t.Errorf("%s: the upstream got\n%s", path, raw)
		}
	}
	// Credentials of another scheme are not ours to take.
	wantStatus(t, plain.send("GET /public", "Authorization: Basic eDp5"), http.StatusOK)
	if raw := plain.upstream.next(); !slices.Equal(header(raw, "Authorization"), []string{"Basic eDp5"}) {
		t.Errorf("the upstream got\n%s", raw)
	}

	forward := newGateway(t, setup{block: "public /public\nallow * *\ntoken forward"})
	token := forward.bearer(nil)
	wantStatus(t, forward.send("GET /x", token), http.StatusOK)
	if raw := forward.upstream.next(); !strings.Contains(raw, token) {
		t.Errorf("the upstream got\n%s", raw)
	}
	// Only a verified token is forwarded.
	wantStatus(t, forward.send("GET /public", "Authorization: Bearer forged"), http.StatusOK)
	if raw := forward.upstream.next(); strings.Contains(raw, "forged") {
		t.Errorf("the upstream got\n%s", raw)
	}
}

func TestRS20_OptionalNeverTakesABadTokenForNone(t *testing.T) {
	g := newGateway(t, setup{block: "mode optional\nallow * /orders*\nallow * /admin scope admin"})
	for name, test := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"none":                   {"/orders", nil, 200},
		"good":                   {"/orders", []string{g.bearer(nil)}, 200},
		"bad":                    {"/orders", []string{"Authorization: Bearer bad"}, 401},
		"empty":                  {"/orders", []string{"Authorization: Bearer"}, 400},
		"DPoP":                   {"/orders", []string{"Authorization: DPoP bad"}, 400},
		"tab":                    {"/orders", []string{"Authorization: Bearer\tbad"}, 400},
		"comma":                  {"/orders", []string{"Authorization: Bearer,bad"}, 400},
		"equals":                 {"/orders", []string{"Authorization: Bearer=bad"}, 400},
		"escaped space":          {"/orders", []string{"Authorization: Bearer%20bad"}, 400},
		"two":                    {"/orders", []string{"Authorization: Bearer a", "Authorization: Bearer b"}, 400},
		"none where scope":       {"/admin", nil, 401},
		"none where no rule":     {"/other", nil, 401},
		"good, but not in scope": {"/admin", []string{g.bearer(nil)}, 403},
	} {
		if response := g.send("GET "+test.path, test.headers...); response.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, test.status)
		}
	}
}

func TestRefusalsReachHandleErrors(t *testing.T) {
	g := newGateway(t, setup{site: "handle_errors {\nrespond \"sorry: {err.status_code}\" {err.status_code}\n}"})
	response := g.send("GET /")
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenge(t, response, challengeNone)
	body := make([]byte, 64)
	n, _ := response.Body.Read(body)
	if got := string(body[:n]); got != "sorry: 401" {
		t.Errorf("body %q", got)
	}
}

// panicMatcher is a fault in the middle of a decision.
type panicMatcher struct{}

func init() { caddy.RegisterModule(panicMatcher{}) }

func (panicMatcher) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.panic_in_test", New: func() caddy.Module { return new(panicMatcher) }}
}
func (*panicMatcher) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }
func (*panicMatcher) MatchWithError(*http.Request) (bool, error)      { panic("in a matcher") }

var (
	_ caddyhttp.RequestMatcherWithError = (*panicMatcher)(nil)
	_ caddyfile.Unmarshaler             = (*panicMatcher)(nil)
)

func TestRS39_APanicBeforeTheDecisionForwardsNothing(t *testing.T) {
	g := newGateway(t, setup{matcher: "@broken", site: "@broken panic_in_test"})
	for range 3 {
		wantStatus(t, g.send("GET /", g.bearer(nil), "X-Auth-Subject: root"), http.StatusInternalServerError)
	}
	if raw := g.upstream.next(); raw != "" {
		t.Errorf("the upstream got\n%s", raw)
	}
}

func TestPlaceholdersTellWhoCalls(t *testing.T) {
	g := newGateway(t, setup{
		block: "mode optional",
		site: `request_header X-User "{http.auth.user.id}"
	request_header X-Roles "{http.auth.token.realm_access.roles}"
	request_header X-Level "{http.auth.token.level}"
	request_header X-Named "{http.auth.token.https://claims.test/team}"
	request_header X-Missing "a{http.auth.token.nothing}b"`,
	})
	headers := []string{"X-User", "X-Roles", "X-Level", "X-Named", "X-Missing"}
	wantStatus(t, g.send("GET /", g.bearer(map[string]any{
		"realm_access": map[string]any{"roles": []string{"admin", "a, b"}}, "level": 3, "https://claims.test/team": "blue",
	})), http.StatusOK)
	raw := g.upstream.next()
	for n, want := range []string{"frida", `["admin","a, b"]`, "3", "blue", "ab"} {
		if got := header(raw, headers[n]); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", headers[n], got, want)
		}
	}
	wantStatus(t, g.send("GET /"), http.StatusOK)
	raw = g.upstream.next()
	for n, want := range []string{"", "", "", "", "ab"} {
		if got := header(raw, headers[n]); !slices.Equal(got, []string{want}) {
			t.Errorf("without a token %s is %q, want %q", headers[n], got, want)
		}
	}
}

// A site can guard a part of itself more strictly: the second handler finds the
// token that the first took off, and only its verdict counts.
func TestTwoHandlersInOneSite(t *testing.T) {
	issuer, upstream := newTestIssuer(t), newRawUpstream(t)
	g := &gateway{t: t, issuer: issuer, upstream: upstream, address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	text := config(t, "", "", fmt.Sprintf(`http://%[1]s {
	bearer_auth %[2]s {
		audience %[3]s https://admin.test
		mode optional
	}
	bearer_auth /admin* %[2]s {
		audience https://admin.test
		public /admin/public
		allow * *
	}
	request_header X-User "{http.auth.user.id}"
	request_header X-Claim "{http.auth.token.sub}"
	reverse_proxy %[4]s
}
`, g.address, issuer.URL, apiAudience, upstream.address))
	if err := load(t, text); err != nil {
		t.Fatal(err)
	}
	both := g.bearer(map[string]any{"aud": []string{apiAudience, "https://admin.test"}, "sub": "root"})
	for name, test := range map[string]struct {
		path    string
		headers []string
		status  int
		subject string
	}{
		"first alone":             {"/x", []string{g.bearer(nil)}, 200, "frida"},
		"both":                    {"/admin", []string{both}, 200, "root"},
		"good for the first only": {"/admin", []string{g.bearer(nil)}, 401, ""},
		"anonymous":               {"/x", nil, 200, ""},
		"anonymous in both":       {"/admin", nil, 401, ""},
		"public in the second":    {"/admin/public", []string{both}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, g.send("GET "+test.path, append(test.headers, "X-Auth-Subject: forged")...), test.status)
			raw := upstream.next()
			if test.status != 200 {
				if raw != "" {
					t.Errorf("the upstream got\n%s", raw)
				}
				return
			}
			for _, name := range []string{"X-Auth-Subject", "X-User", "X-Claim"} {
				if got := strings.Join(header(raw, name), ","); got != test.subject {
					t.Errorf("%s is %q, want %q", name, got, test.subject)
				}
			}
		})
	}
}
