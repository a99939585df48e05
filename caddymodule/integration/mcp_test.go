package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// mcpWorld is an API under a path, guarded beside the server that gives its
// tokens. It gives the address of the API.
func mcpWorld(t *testing.T) (api string) {
	t.Helper()
	ports, home := freePorts(t, 3), t.TempDir()
	api = fmt.Sprintf("http://localhost:%d/mcp", ports[1])
	start(t, strings.NewReplacer(
		"ADMIN", fmt.Sprintf("localhost:%d", ports[2]), "AUTH", fmt.Sprintf("http://localhost:%d", ports[0]),
		"SITE", fmt.Sprintf("http://localhost:%d", ports[1]), "API", api, "DATABASE", home+"/oauth2.db",
	).Replace(`{
	admin ADMIN
	default_bind 127.0.0.1 [::1]
	oauth2 {
		storage sqlite DATABASE
		realm / {
			issuer AUTH/oauth2
			resource API
			authentication people file docs/example/users.yaml
			default_authentication people
			client assistant {
				public
				redirect_uri http://127.0.0.1/callback
				grants authorization_code refresh_token
				scopes tools:read tools:call
				resource API
				cors_origin https://inspector.test
			}
		}
	}
}
AUTH {
	oauth2_server
}
SITE {
	bearer_auth {
		realm /
		audience API
		resource API {
			name "Tools"
		}
		allow GET,HEAD * scope tools:read
		allow * * scope tools:call
	}
	respond "hello {http.auth.user.id}"
}
`), home)
	return api
}

// document reads JSON the way a client does that knows an address only. In a
// browser it would ask first, for it sends a header of its own.
func document(t *testing.T, address string, into any) {
	t.Helper()
	preflight, err := http.NewRequest(http.MethodOptions, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	preflight.Header.Set("Origin", "https://inspector.test")
	preflight.Header.Set("Access-Control-Request-Method", http.MethodGet)
	preflight.Header.Set("Access-Control-Request-Headers", "mcp-protocol-version")
	response, err := http.DefaultClient.Do(preflight)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	origin, headers := response.Header.Get("Access-Control-Allow-Origin"), strings.ToLower(response.Header.Get("Access-Control-Allow-Headers"))
	if response.StatusCode != http.StatusNoContent || origin != "*" && origin != "https://inspector.test" ||
		headers != "*" && !strings.Contains(headers, "mcp-protocol-version") {
		t.Errorf("%s: a script may not read it: %d %v", address, response.StatusCode, response.Header)
	}
	if response, err = http.Get(address); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: status %d, %s", address, response.StatusCode, response.Header.Get("Content-Type"))
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// wellKnown puts a well-known name between host and path (RFC 8414 §3.1).
func wellKnown(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/.well-known/" + name + u.Path
	return u.String()
}

var resourceMetadata = regexp.MustCompile(`resource_metadata="([^"]+)"`)

// A client that knows only the address of the API and its own id finds its way to
// a token, as MCP has it: 401, RFC 9728, RFC 8414, PKCE, RFC 8707.
func TestRFC9728_AClientThatKnowsOnlyTheAPIFindsItsWay(t *testing.T) {
	api := mcpWorld(t)
	const clientID, redirect = "assistant", "http://127.0.0.1:49152/callback"

	refused, err := http.Get(api)
	if err != nil {
		t.Fatal(err)
	}
	_ = refused.Body.Close()
	named := resourceMetadata.FindStringSubmatch(refused.Header.Get("WWW-Authenticate"))
	if refused.StatusCode != http.StatusUnauthorized || named == nil {
		t.Fatalf("status %d, challenge %q", refused.StatusCode, refused.Header.Get("WWW-Authenticate"))
	}
	// A client that does not read challenges finds it all the same.
	if want := wellKnown(t, api, "oauth-protected-resource"); named[1] != want {
		t.Errorf("the metadata is at %s, want %s", named[1], want)
	}
	var resource struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
		Scopes   []string `json:"scopes_supported"`
		Methods  []string `json:"bearer_methods_supported"`
	}
	document(t, named[1], &resource)
	// RFC 9728 §3.3: or somebody else's metadata could lead the client astray.
	if resource.Resource != api || len(resource.Servers) != 1 || !slices.Contains(resource.Methods, "header") {
		t.Fatalf("metadata of the resource: %+v", resource)
	}

	var server struct {
		Issuer        string   `json:"issuer"`
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		Challenges    []string `json:"code_challenge_methods_supported"`
		Responses     []string `json:"response_types_supported"`
		Grants        []string `json:"grant_types_supported"`
		Methods       []string `json:"token_endpoint_auth_methods_supported"`
	}
	document(t, wellKnown(t, resource.Servers[0], "oauth-authorization-server"), &server)
	if server.Issuer != resource.Servers[0] || !slices.Contains(server.Challenges, "S256") || !slices.Contains(server.Responses, "code") ||
		!slices.Contains(server.Grants, "authorization_code") || !slices.Contains(server.Methods, "none") {
		t.Fatalf("metadata of the server: %+v", server)
	}

	config := oauth2.Config{
		ClientID: clientID, RedirectURL: redirect, Scopes: resource.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: server.Authorization, TokenURL: server.Token, AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier, forResource := oauth2.GenerateVerifier(), oauth2.SetAuthURLParam("resource", resource.Resource)
	origin, _, _ := strings.Cut(resource.Servers[0], "/oauth2")
	answer := newBrowser(t, origin).authorize(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), forResource), "demo", "Ch4ng31t")
	if answer.Get("state") != "state" || answer.Get("iss") != server.Issuer {
		t.Fatalf("answered with %v", answer)
	}
	token, err := config.Exchange(t.Context(), answer.Get("code"), oauth2.VerifierOption(verifier), forResource)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r, err := http.NewRequest(method, api, nil)
		if err != nil {
			t.Fatal(err)
		}
		token.SetAuthHeader(r)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s with the token: status %d, %s", method, response.StatusCode, response.Header.Get("WWW-Authenticate"))
		}
	}
}
