package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const wellKnown = "/.well-known/oauth-protected-resource"

// resourceDocument reads the metadata of a resource.
func resourceDocument(t *testing.T, response *http.Response) map[string]any {
	t.Helper()
	wantStatus(t, response, http.StatusOK)
	if got := response.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	var document map[string]any
	if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	return document
}

func words(texts ...string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}

func TestRFC9728_TheDocumentIsMadeOfTheConfiguration(t *testing.T) {
	for name, test := range map[string]struct {
		setup setup
		path  string
		want  map[string]any
	}{
		"by default, of the audience": {setup{}, wellKnown, map[string]any{
			"resource": "https://api.test", "bearer_methods_supported": words("header"),
		}},
		"scopes of the rules": {setup{block: "allow GET /a scope read\nallow * /a scope write read\nallow * *"}, wellKnown, map[string]any{
			"resource": "https://api.test", "bearer_methods_supported": words("header"), "scopes_supported": words("read", "write"),
		}},
		"everything said": {setup{block: `allow * * scope read
			resource https://api.test/orders/ {
				name "Orders API"
				documentation https://api.test/docs
				policy https://api.test/policy
				terms https://api.test/terms
				scopes orders:read orders:write
			}`}, wellKnown + "/orders/", map[string]any{
			"resource": "https://api.test/orders/", "bearer_methods_supported": words("header"),
			"scopes_supported": words("orders:read", "orders:write"), "resource_name": "Orders API",
			"resource_documentation": "https://api.test/docs", "resource_policy_uri": "https://api.test/policy", "resource_tos_uri": "https://api.test/terms",
		}},
		"a name only": {setup{block: "resource {\nname Orders\n}"}, wellKnown, map[string]any{
			"resource": "https://api.test", "bearer_methods_supported": words("header"), "resource_name": "Orders",
		}},
		// RFC 9728 §3.1: a path that is only a slash goes.
		"a slash": {setup{block: "resource https://api.test/"}, wellKnown, map[string]any{
			"resource": "https://api.test/", "bearer_methods_supported": words("header"),
		}},
		"outside the matcher": {setup{matcher: "/orders*"}, wellKnown, map[string]any{
			"resource": "https://api.test", "bearer_methods_supported": words("header"),
		}},
		"optional": {setup{block: "mode optional"}, wellKnown, map[string]any{
			"resource": "https://api.test", "bearer_methods_supported": words("header"),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, test.setup)
			test.want["authorization_servers"] = words(g.issuer.URL)
			if got := resourceDocument(t, g.send("GET "+test.path)); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
			if raw := g.upstream.next(); raw != "" {
				t.Errorf("the upstream got\n%s", raw)
			}
			if test.setup.matcher == "" && test.setup.block != "mode optional" {
				want := `resource_metadata="https://api.test` + test.path + `"`
				if got := g.send("GET /").Header.Get("WWW-Authenticate"); !strings.Contains(got, want) {
					t.Errorf("challenge %s\nwants %s", got, want)
				}
			}
		})
	}
}

// RS20, A58: a stranger's headers, credentials included, change nothing.
func TestRFC9728_NothingOfARequestEntersTheDocument(t *testing.T) {
	g := newGateway(t, setup{})
	want := resourceDocument(t, g.send("GET "+wellKnown))
	for _, headers := range [][]string{
		{"Authorization: Bearer bad"}, {"X-Forwarded-Host: evil.test", "X-Forwarded-Proto: http"}, {"Forwarded: host=evil.test"},
	} {
		if got := resourceDocument(t, g.send("GET "+wellKnown, headers...)); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %v", headers, got)
		}
	}
	request := "GET " + wellKnown + "?x=y HTTP/1.1\r\nHost: 127.0.0.1:" + g.address[strings.LastIndex(g.address, ":")+1:] + "\r\n\r\n"
	if got := resourceDocument(t, g.raw(request)); !reflect.DeepEqual(got, want) {
		t.Errorf("with a query: %v", got)
	}
}

func TestRFC9728_MethodsAndCaching(t *testing.T) {
	g := newGateway(t, setup{})
	got := g.send("GET "+wellKnown, "Origin: https://app.test")
	etag := got.Header.Get("ETag")
	if etag == "" || got.Header.Get("Cache-Control") != "public, max-age=300" || got.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", got.Header)
	}
	again := g.send("GET "+wellKnown, "If-None-Match: "+etag)
	wantStatus(t, again, http.StatusNotModified)
	head := g.send("HEAD " + wellKnown)
	wantStatus(t, head, http.StatusOK)
	if head.Header.Get("Content-Length") == "" || head.Header.Get("ETag") != etag {
		t.Errorf("headers of HEAD %v", head.Header)
	}
	preflight := g.send("OPTIONS "+wellKnown, "Origin: https://app.test", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: mcp-protocol-version")
	wantStatus(t, preflight, http.StatusNoContent)
	if preflight.Header.Get("Access-Control-Allow-Origin") != "*" || preflight.Header.Get("Access-Control-Allow-Headers") != "*" {
		t.Errorf("headers of OPTIONS %v", preflight.Header)
	}
	post := g.send("POST " + wellKnown)
	wantStatus(t, post, http.StatusMethodNotAllowed)
	if post.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("Allow %q", post.Header.Get("Allow"))
	}
	// Other spellings of the path are no documents.
	for _, path := range []string{wellKnown + "/", wellKnown + "/x", wellKnown + "x", "/.well-known%2foauth-protected-resource"} {
		wantStatus(t, g.send("GET "+path), http.StatusUnauthorized)
	}
}

// An audience that is no https URL does not say where the API is.
func TestARouteWithoutAResourceHasNoMetadata(t *testing.T) {
	g := newGateway(t, setup{})
	text := strings.Replace(g.caddyfile, "audience "+apiAudience, "audience orders http://api.test urn:x:y", 1)
	if err := reload(text); err != nil {
		t.Fatal(err)
	}
	response := g.send("GET " + wellKnown)
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenge(t, response, `Bearer realm="orders"`)
}

// Each answers for its own resource and passes the others' on.
func TestTwoResourcesOnOneSite(t *testing.T) {
	issuer, address := newTestIssuer(t), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	block := func(resource string) string {
		return fmt.Sprintf("bearer_auth /%[1]s* %[2]s {\naudience https://api.test/%[1]s\n}\n", resource, issuer.URL)
	}
	if err := load(t, config(t, "", "", fmt.Sprintf("http://%s {\n%s%srespond upstream\n}\n", address, block("orders"), block("parts")))); err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, address: address}
	for _, resource := range []string{"orders", "parts"} {
		if got := resourceDocument(t, g.send("GET "+wellKnown+"/"+resource)); got["resource"] != "https://api.test/"+resource {
			t.Errorf("%s: %v", resource, got)
		}
		want := `resource_metadata="https://api.test` + wellKnown + "/" + resource + `"`
		if got := g.send("GET /" + resource).Header.Get("WWW-Authenticate"); !strings.Contains(got, want) {
			t.Errorf("challenge %s", got)
		}
	}
	response := g.send("GET " + wellKnown + "/other")
	if body, _ := io.ReadAll(response.Body); string(body) != "upstream" {
		t.Errorf("status %d: %s", response.StatusCode, body)
	}
}

func TestAResourceCanBeAPlaceholder(t *testing.T) {
	t.Setenv("TEST_RESOURCE", "https://api.test/env")
	g := newGateway(t, setup{block: "resource {env.TEST_RESOURCE}"})
	if got := resourceDocument(t, g.send("GET "+wellKnown+"/env")); got["resource"] != "https://api.test/env" {
		t.Errorf("%v", got)
	}
	t.Setenv("TEST_RESOURCE", "http://api.test")
	if err := reload(g.caddyfile); err == nil || !strings.Contains(err.Error(), "resource http://api.test must use https") {
		t.Errorf("error %v", err)
	}
}

// A bearer_auth behind a path matcher cannot answer for the path of its document.
func TestMetadataThatNobodyCanReachWarns(t *testing.T) {
	const warning = "metadata that they cannot reach"
	for name, test := range map[string]struct {
		site string
		warn bool
	}{
		"the whole site":         {"GUARD\nrespond ok", false},
		"its own matcher":        {"bearer_auth /orders* URL {\naudience https://api.test\n}", false},
		"in a handle":            {"handle /orders* {\nGUARD\n}", true},
		"in a handle_path":       {"handle_path /orders* {\nGUARD\n}", true},
		"in a named matcher":     {"@orders path /orders/*\nroute @orders {\nGUARD\n}", true},
		"one of several paths":   {"@orders path /orders/* /.well-known/*\nroute @orders {\nGUARD\n}", false},
		"by another matcher":     {"@orders header X-Orders *\nroute @orders {\nGUARD\n}", false},
		"at its own path too":    {"handle /orders* {\nGUARD\n}\nhandle " + wellKnown + " {\nGUARD\n}", false},
		"in a handle of the end": {"handle /other* {\nrespond ok\n}\nhandle {\nGUARD\n}", false},
	} {
		t.Run(name, func(t *testing.T) {
			logged := filepath.Join(t.TempDir(), "log")
			issuer := newTestIssuer(t)
			site := strings.NewReplacer("GUARD", "bearer_auth URL {\naudience https://api.test\n}").Replace(test.site)
			text := config(t, "output file "+logged, "", fmt.Sprintf("http://127.0.0.1:%d {\n%s\n}\n", freePort(t), strings.ReplaceAll(site, "URL", issuer.URL)))
			if err := load(t, text); err != nil {
				t.Fatal(err)
			}
			said, err := os.ReadFile(logged)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(said), warning); got != test.warn {
				t.Errorf("warns %v, want %v", got, test.warn)
			}
		})
	}
}
