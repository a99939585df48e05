package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// npmFolder holds authorization servers that others wrote.
const npmFolder = "testdata/npm"

// startNode runs one of them on a free port and gives its issuer identifier.
// input is JSON for its standard input.
func startNode(t *testing.T, script string, input any) (issuer string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node.js and npm: apt install nodejs npm")
	}
	if _, err := os.Stat(filepath.Join(npmFolder, "node_modules")); err != nil {
		t.Skip("needs its packages: npm ci --ignore-scripts --prefix caddymodule/integration/" + npmFolder)
	}
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	port := freePorts(t, 1)[0]
	cmd := exec.Command(node, script, strconv.Itoa(port))
	cmd.Dir = npmFolder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	cmd.Stdin = bytes.NewReader(text)
	log := &lines{waitFor: "ready", seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		if t.Failed() {
			t.Logf("output of %s:\n%s", script, log.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	select {
	case <-log.seen:
	case <-done:
		t.Fatalf("%s ended by itself:\n%s", script, log.String())
	case <-ctx.Done():
		t.Fatalf("%s does not serve:\n%s", script, log.String())
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

// tokenFrom asks a token endpoint for an access token.
func tokenFrom(t *testing.T, endpoint, client string, form url.Values, header http.Header) string {
	t.Helper()
	form.Set("grant_type", "client_credentials")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(client, client+"-secret")
	response, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("no token for %s: %d %s", client, response.StatusCode, body)
	}
	return answer.AccessToken
}

// site is one guarded site: options of its issuer and of bearer_auth.
type site struct {
	issuer, guard string
}

// guardSites runs the binary with a site of each kind, all in front of one
// upstream that tells the identity it was given.
func guardSites(t *testing.T, issuer string, sites map[string]site) (address map[string]string) {
	t.Helper()
	ports := freePorts(t, len(sites)+1)
	var issuers, blocks strings.Builder
	address = map[string]string{}
	n := 0
	for name, s := range sites {
		address[name] = fmt.Sprintf("http://localhost:%d", ports[n])
		fmt.Fprintf(&issuers, "\t\tissuer %s %s {\n%s\n\t\t}\n", name, issuer, s.issuer)
		fmt.Fprintf(&blocks, "%s {\n\tbearer_auth %s {\n%s\n\t}\n\treverse_proxy localhost:%d\n}\n",
			address[name], name, strings.ReplaceAll(s.guard, "SITE", address[name]), ports[len(sites)])
		n++
	}
	start(t, fmt.Sprintf(`{
	admin off
	default_bind 127.0.0.1 [::1]
	oauth2 {
%s	}
}
%shttp://localhost:%d {
	respond `+"`"+`{"subject": "{header.X-Auth-Subject}", "client_id": "{header.X-Auth-Client-Id}", "scope": "{header.X-Auth-Scope}"}`+"`"+`
}
`, issuers.String(), blocks.String(), ports[len(sites)]), t.TempDir())
	return address
}

func TestTokensOfOIDCProviderAreTaken(t *testing.T) {
	gateway := newSigner(t)
	issuer := startNode(t, "oidc-provider.mjs", map[string]any{"gateway": gateway.public})
	keyFile := filepath.Join(t.TempDir(), "gateway.jwk")
	if err := os.WriteFile(keyFile, gateway.private, 0o600); err != nil {
		t.Fatal(err)
	}
	at := guardSites(t, issuer, map[string]site{
		"jwt":    {"validate jwt\ntoken_type strict", "audience https://jwt.test"},
		"basic":  {"introspection {\nclient gateway gateway-secret\n}", "audience https://opaque.test"},
		"signed": {"introspection {\nclient gateway gateway-secret\nsigned_response\n}", "audience https://opaque.test"},
		"key":    {"introspection {\nclient gateway-key\nauth private_key_jwt\nkey " + keyFile + "\n}", "audience https://opaque.test"},
		"wrong":  {"introspection {\nclient gateway mistaken\n}", "audience https://opaque.test"},
	})
	resource := func(uri string) url.Values { return url.Values{"scope": {"read"}, "resource": {uri}} }
	jwt := tokenFrom(t, issuer+"/token", "shop", resource("https://jwt.test"), nil)
	opaque := tokenFrom(t, issuer+"/token", "shop", resource("https://opaque.test"), nil)
	elsewhere := tokenFrom(t, issuer+"/token", "shop", resource("https://elsewhere.test"), nil)

	wantBody := `{"subject": "shop", "client_id": "shop", "scope": "read"}`
	for name, token := range map[string]string{"jwt": jwt, "basic": opaque, "signed": opaque, "key": opaque} {
		eventually(t, at[name], token, "200")
		if _, body := call(t, at[name], token); body != wantBody {
			t.Errorf("%s: the upstream saw %s, want %s", name, body, wantBody)
		}
	}
	for name, token := range map[string]string{"jwt": opaque, "basic": elsewhere, "signed": elsewhere, "key": "no-such-token"} {
		wantStatus(t, at[name], token, "401")
	}
	// Our own credentials are wrong: that is not the caller's fault.
	wantStatus(t, at["wrong"], opaque, "503")
	// An access token for another resource, signed by the same key.
	wantStatus(t, at["basic"], jwt, "401")
}

func TestRS8_RS11_AnIssuerThatLiesInEachClaimIsNotBelieved(t *testing.T) {
	issuer := startNode(t, "oauth2-mock-server.mjs", nil)
	api := guardSites(t, issuer, map[string]site{"mock": {"validate jwt", "audience https://api.test"}})["mock"]
	lie := func(claims string) string {
		return tokenFrom(t, issuer+"/token", "shop", url.Values{"scope": {"read"}, "aud": {"https://api.test"}, "lie": {claims}}, nil)
	}
	eventually(t, api, lie("{}"), "200")
	if _, body := call(t, api, lie("{}")); body != `{"subject": "alice", "client_id": "shop", "scope": "read"}` {
		t.Errorf("the upstream saw %s", body)
	}
	for _, claims := range []string{
		`{"iss": "https://evil.test"}`, `{"iss": null}`, `{"iss": ["` + issuer + `"]}`, `{"iss": "` + issuer + `/"}`,
		`{"sub": null}`, `{"sub": ""}`, `{"sub": 7}`, `{"sub": "a\nb"}`, `{"sub": {"a": 1}}`,
		`{"aud": null}`, `{"aud": ""}`, `{"aud": []}`, `{"aud": "https://api.test/"}`, `{"aud": [1, "https://api.test"]}`, `{"aud": {"a": "https://api.test"}}`,
		`{"exp": null}`, `{"exp": 1}`, `{"exp": "9999999999"}`, `{"exp": true}`,
		`{"nbf": 9999999999}`, `{"nbf": "0"}`, `{"iat": 9999999999}`, `{"iat": "x"}`,
		`{"scope": 5}`, `{"scope": "a\u0000b"}`, `{"client_id": {}}`, `{"jti": 5}`,
		`{"nonce": "n"}`, `{"at_hash": "x"}`, `{"events": {}}`, `{"token_use": "id"}`, `{"typ": "Refresh"}`, `{"htm": "GET"}`,
		`{"cnf": {}}`, `{"cnf": {"jkt": "x"}}`, `{"cnf": {"x5t#S256": "x"}}`, `{"cnf": "x"}`, `{"cnf": {"kid": "x"}}`,
	} {
		if status, body := call(t, api, lie(claims)); status != "401" {
			t.Errorf("%s: status %s, want 401: %s", claims, status, body)
		}
	}
}
