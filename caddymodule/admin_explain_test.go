package caddymodule_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// verdict is what the admin API makes of a token.
type verdict struct {
	Audience, Issuers              []string
	Matcher, Cached                bool
	Mode                           string
	Decision, Reason, Detail, Help string
	Rule                           string
	RequiredScope                  string `json:"required_scope"`
	Issuer                         string
	Proof                          string `json:"proof_of_possession"`
	Token                          *struct {
		Alg, Kid, Typ string
		Verified      bool
		Claims        []struct {
			Name, Type string
			Value      any
		}
	}
}

type verdicts struct {
	Allowed bool
	Results []verdict
}

const rules = `
	public /health
	allow GET /orders* scope orders:read
	allow GET /any
	allow * /bound*`

// explain asks for the verdict on a token of the only bearer_auth.
func (o *operated) explain(token, method, path string) verdict {
	o.t.Helper()
	var answer verdicts
	o.must(http.MethodPost, "/oauth2/explain", map[string]string{"token": token, "method": method, "path": path}, &answer)
	if len(answer.Results) != 1 || answer.Allowed != (answer.Results[0].Decision == "allowed" || answer.Results[0].Decision == "public") {
		o.t.Fatalf("got %+v", answer)
	}
	return answer.Results[0]
}

func TestExplain(t *testing.T) {
	o := newOperated(t, "deny_list", setup{block: rules})
	token := func(claims map[string]any) string { return o.issuer.token(t, claims) }
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"client": "stolen"}, nil)
	good := token(map[string]any{"scope": "orders:read"})
	for name, row := range map[string]struct {
		token, method, path                      string
		decision, reason, detail, rule, required string
		status                                   int
	}{
		"allowed":      {good, "GET", "/orders/1", "allowed", "", "", "allow GET /orders* scope orders:read", "", 200},
		"no condition": {token(nil), "GET", "/any", "allowed", "", "", "allow GET /any", "", 200},
		"no scope":     {token(nil), "GET", "/orders", "refused", "insufficient_scope", "", "allow GET /orders* scope orders:read", "orders:read", 403},
		"no rule":      {good, "PUT", "/orders", "refused", "no_rule", "", "no rule matches", "", 403},
		"public":       {"rubbish", "GET", "/health", "public", "", "", "public /health", "", 200},
		"bad path":     {good, "GET", "/orders/../any", "refused", "ambiguous_path", "", "", "", 400},
		"two slashes":  {good, "GET", "//orders/any", "refused", "ambiguous_path", "", "", "", 400},
		"malformed":    {"eyJ.eyJ.x", "GET", "/any", "refused", "malformed", "", "allow GET /any", "", 401},
		"unknown":      {"rubbish", "GET", "/any", "refused", "issuer", "it is not a JWT", "allow GET /any", "", 401},
		"issuer":       {token(map[string]any{"iss": "https://evil.example"}), "GET", "/any", "refused", "issuer", `iss is "https://evil.example"; this route trusts ["` + o.issuer.URL, "allow GET /any", "", 401},
		"audience":     {token(map[string]any{"aud": "x"}), "GET", "/any", "refused", "audience", `aud is ["x"]; this route takes ["` + apiAudience, "allow GET /any", "", 401},
		"expired":      {token(map[string]any{"exp": time.Now().Unix() - 600}), "GET", "/any", "refused", "expired", "expired 10m", "allow GET /any", "", 401},
		"forged":       {good[:len(good)-8] + "AAAAAAAA", "GET", "/any", "refused", "signature", `kid is "k1"`, "allow GET /any", "", 401},
		"denied":       {token(map[string]any{"client_id": "stolen"}), "GET", "/any", "refused", "denied", "entry ", "allow GET /any", "", 401},
	} {
		got := o.explain(row.token, row.method, row.path)
		if got.Decision != row.decision || got.Reason != row.reason || !strings.Contains(got.Detail, row.detail) ||
			got.Rule != row.rule || got.RequiredScope != row.required || (got.Help == "") != (row.reason == "") || strings.Contains(got.Help, "for this reason") {
			t.Errorf("%s: explained as %+v", name, got)
		}
		if got.Mode != "required" || !got.Matcher || !slices.Equal(got.Audience, []string{apiAudience}) || !slices.Equal(got.Issuers, []string{o.issuer.URL}) {
			t.Errorf("%s: of another bearer_auth: %+v", name, got)
		}
		// A request is decided alike.
		wantStatus(t, o.send(row.method+" "+row.path, "Authorization: Bearer "+row.token), row.status)
	}

	bound := o.explain(token(map[string]any{"cnf": map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}), "GET", "/bound")
	if bound.Reason != "bound" || !strings.Contains(bound.Proof, "not checked") { // this route takes no proofs
		t.Errorf("bound: explained as %+v", bound)
	}
	// The cache takes new entries in the background.
	cached := false
	for range 1000 {
		if cached = o.explain(good, "GET", "/any").Cached; cached {
			break
		}
	}
	if !cached {
		t.Error("a verdict from the cache is not called one")
	}
}

// F30: neither the token nor what it says of people is in answers or logs, and
// nothing is counted.
func TestF30_ExplainKeepsTheTokenToItself(t *testing.T) {
	o := newOperated(t, "deny_list", setup{block: rules})
	const canary = "canary-7f3a"
	token := o.issuer.token(t, map[string]any{
		"email": canary + "@example.com", "roles": []string{canary}, "profile": map[string]string{"name": canary}, "active": true, "level": 7, "none": nil,
	})
	before := o.counters()
	texts := []string{}
	for _, body := range []any{
		map[string]string{"token": token, "path": "/any"},
		map[string]string{"token": token + "x", "path": "/any"},
		map[string]string{"token": token, "audience": "https://unknown"},
		map[string]string{"token": token, "path": "any"},
		map[string]string{"token": token, "method": "G T"},
		map[string]string{"token": token, token: token},
		`{"token":"` + token,
		`"` + token + `"`,
		map[string]string{"token": strings.Repeat(token, 60)},
	} {
		_, text := o.tell(http.MethodPost, "/oauth2/explain", body)
		texts = append(texts, text)
	}
	signature := token[strings.LastIndex(token, ".")+1:]
	payload := strings.Split(token, ".")[1]
	for _, secret := range []string{canary, signature, payload[:40]} {
		o.mustNotHold(secret, texts...)
	}
	if after := o.counters(); after != before {
		t.Errorf("counters moved:\n%s\nto\n%s", before, after)
	}
	got := o.explain(token, "GET", "/any")
	if got.Token == nil || !got.Token.Verified || got.Token.Alg != "ES256" || got.Token.Kid != "k1" || got.Token.Typ != "at+jwt" {
		t.Fatalf("explained as %+v", got)
	}
	types := map[string]string{"email": "string", "roles": "array", "profile": "object", "active": "boolean", "level": "number"}
	for _, claim := range got.Token.Claims {
		if want, hidden := types[claim.Name]; hidden && (claim.Type != want || claim.Value != nil) {
			t.Errorf("claim %+v", claim)
		}
		if claim.Name == "sub" && claim.Value != "frida" {
			t.Errorf("claim %+v", claim)
		}
		delete(types, claim.Name)
	}
	if len(types) > 0 {
		t.Errorf("claims that are not shown: %v", types)
	}
}

// counters gives all series of ours.
func (o *operated) counters() string {
	o.t.Helper()
	body, err := io.ReadAll(o.send("GET /metrics").Body)
	if err != nil {
		o.t.Fatal(err)
	}
	var ours []string
	for line := range strings.SplitSeq(string(body), "\n") {
		if strings.HasPrefix(line, "caddy_oauth2_requests_total") || strings.HasPrefix(line, "caddy_oauth2_cache_lookups") {
			ours = append(ours, line)
		}
	}
	return strings.Join(ours, "\n")
}

func TestExplainRefusesWhatItDoesNotUnderstand(t *testing.T) {
	o := newOperated(t, "", setup{})
	for name, row := range map[string]struct {
		body   any
		status int
		want   string
	}{
		"no token":         {map[string]string{"path": "/"}, http.StatusBadRequest, "give the access token"},
		"with its scheme":  {map[string]string{"token": "Bearer a"}, http.StatusBadRequest, "without the word Bearer"},
		"nothing":          {"", http.StatusBadRequest, "give the access token"},
		"unknown member":   {map[string]string{"token": "a", "url": "/"}, http.StatusBadRequest, "no other members"},
		"no path":          {map[string]string{"token": "a", "path": "orders"}, http.StatusBadRequest, "path is the path"},
		"an address":       {map[string]string{"token": "a", "path": "http://x/"}, http.StatusBadRequest, "path is the path"},
		"no method":        {map[string]string{"token": "a", "method": "G T"}, http.StatusBadRequest, "method is an HTTP method"},
		"unknown audience": {map[string]string{"token": "a", "audience": "https://x"}, http.StatusNotFound, "no bearer_auth"},
		"too large":        {map[string]string{"token": strings.Repeat("a", 70_000)}, http.StatusRequestEntityTooLarge, "larger than"},
	} {
		t.Run(name, func(*testing.T) { o.mustRefuse(http.MethodPost, "/oauth2/explain", row.body, row.status, row.want) })
	}
	o.mustRefuse(http.MethodGet, "/oauth2/explain", nil, http.StatusMethodNotAllowed, "POST")
	var answer verdicts
	o.must(http.MethodPost, "/oauth2/explain", map[string]string{"token": "a", "audience": apiAudience}, &answer)
	if answer.Allowed || len(answer.Results) != 1 {
		t.Errorf("got %+v", answer)
	}
}

// An issuer that cannot be reached is no reason to blame the token.
func TestExplainAndIssuersTellOfAnOutage(t *testing.T) {
	o := newOperated(t, "", setup{})
	wantStatus(t, o.send("GET /", o.bearer(nil)), http.StatusOK)
	var issuers struct {
		Issuers []struct {
			Issuer string
			Ready  bool
		}
	}
	o.must(http.MethodGet, "/oauth2/issuers", nil, &issuers)
	if len(issuers.Issuers) != 1 || issuers.Issuers[0].Issuer != o.issuer.URL || !issuers.Issuers[0].Ready {
		t.Errorf("issuers %+v", issuers)
	}
	o.mustRefuse(http.MethodPost, "/oauth2/issuers/refresh", map[string]string{"issuer": "https://unknown.example"}, http.StatusNotFound, "GET /oauth2/issuers")
	o.mustRefuse(http.MethodPost, "/oauth2/issuers/refresh", map[string]string{"url": "x"}, http.StatusBadRequest, "no other members")
	o.mustRefuse(http.MethodGet, "/oauth2/issuers/refresh", nil, http.StatusMethodNotAllowed, "POST")
	o.issuer.Close()
	o.mustRefuse(http.MethodPost, "/oauth2/issuers/refresh", "", http.StatusBadGateway, o.issuer.URL)

	down := newTestIssuer(t)
	down.Close()
	if err := reload(strings.ReplaceAll(o.caddyfile, o.issuer.URL, down.URL)); err != nil {
		t.Fatal(err)
	}
	got := o.explain(down.token(t, nil), "GET", "/")
	if got.Decision != "unavailable" || got.Reason != "unavailable" || !strings.Contains(got.Detail, down.URL) || got.Token == nil || got.Token.Verified {
		t.Errorf("explained as %+v", got)
	}
}
