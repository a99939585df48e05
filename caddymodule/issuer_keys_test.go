package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// broken makes an issuer answer 500 for its keys.
func (i *testIssuer) broken() {
	fault := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	i.keys.Store(&fault)
}

// kept gives the documents about issuers in the storage of a Caddyfile, as soon
// as there are some: they are saved in the background.
func (g *gateway) kept(caddyfile string) []string {
	g.t.Helper()
	dir := regexp.MustCompile(`storage file_system (\S+)`).FindStringSubmatch(caddyfile)[1]
	for range 1000 {
		if files, _ := filepath.Glob(filepath.Join(dir, "oauth2", "issuers", "*.json")); len(files) > 0 {
			return files
		}
		g.send("GET /") // lets a moment pass
	}
	g.t.Fatal("nothing is kept")
	return nil
}

// RS28 turned round: what was read once serves after a restart, while the issuer
// is down.
func TestF11_ARestartWhileTheIssuerIsDown(t *testing.T) {
	g := newGateway(t, setup{})
	wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusOK)
	files := g.kept(g.caddyfile)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := caddymodule.RunningStorages(); n != 0 {
		t.Errorf("%d storages are still used", n)
	}
	g.issuer.broken()
	if err := load(t, g.caddyfile); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusOK)

	// The same from storage that holds another issuer's document.
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	swapped := strings.Replace(string(text), fmt.Sprintf(`"issuer":%q`, g.issuer.URL), `"issuer":"https://evil.example"`, 1)
	if swapped == string(text) {
		t.Fatalf("the document does not name its issuer: %s", text)
	}
	if err := os.WriteFile(files[0], []byte(swapped), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := load(t, g.caddyfile); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusServiceUnavailable)
}

// Issuers outlive configurations; their keys are kept where the configuration
// that runs keeps things.
func TestKeysAreKeptInTheStorageThatRuns(t *testing.T) {
	g := newGateway(t, setup{})
	g.kept(g.caddyfile)
	moved := regexp.MustCompile(`storage file_system \S+`).ReplaceAllString(g.caddyfile, "storage file_system "+t.TempDir())
	if err := reload(moved + "\nhttp://127.0.0.1:1 {\nbind 192.0.2.1\n}\n"); err == nil {
		t.Fatal("that address is of another machine")
	}
	if n := caddymodule.RunningStorages(); n != 1 {
		t.Errorf("after a reload that failed %d storages are used", n)
	}
	if err := reload(moved); err != nil {
		t.Fatal(err)
	}
	if n := caddymodule.RunningStorages(); n != 1 {
		t.Errorf("after a reload %d storages are used", n)
	}
	if err := caddymodule.RefreshIssuers(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.kept(moved)
}

// SSRF: whatever an issuer's metadata says, nobody inside is asked.
func TestG86_MetadataThatPointsInside(t *testing.T) {
	issuer := newTestIssuer(t)
	inside := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer.URL, "jwks_uri": "https://169.254.169.254/latest"})
	})
	issuer.Config.Handler = inside
	if _, err := trusting(t, "corp", issuer, fmt.Sprintf("issuer corp %s", issuer.URL)); err != nil {
		t.Fatal(err)
	}
	err := caddymodule.RefreshIssuers(t.Context())
	for _, part := range []string{"169.254.169.254 is a private address", "issuer corp", "`allow_private 169.254.169.254/32`"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %v, want one with %s", err, part)
		}
	}
}

func TestTenantsFromAClosedList(t *testing.T) {
	acme, globex, other := newTestIssuer(t), newTestIssuer(t), newTestIssuer(t)
	const host = "http://127.0.0.1:"
	port := func(i *testIssuer) string { return strings.TrimPrefix(i.URL, host) }
	g, err := trusting(t, "cloud", acme, fmt.Sprintf("issuer cloud %s{tenant} {\ntenants %s %s\n}", host, port(acme), port(globex)))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by     *testIssuer
		claims map[string]any
		want   int
	}{
		"one tenant": {acme, nil, 200}, "the other": {globex, nil, 200}, "one that is not listed": {other, nil, 401},
		"one in the other's name": {acme, map[string]any{"iss": globex.URL}, 401},
	} {
		response := g.send("GET /", "Authorization: Bearer "+c.by.token(t, c.claims))
		if response.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, c.want)
		}
	}
	if n := other.fetches.Load(); n != 0 {
		t.Errorf("a tenant that is not listed was asked %d times", n)
	}
}

func TestKeysFromAFileOrAFixedURL(t *testing.T) {
	issuer := newTestIssuer(t)
	response, err := http.Get(issuer.URL + "/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"jwks_file " + file, "jwks_uri " + issuer.URL + "/jwks"} {
		g, err := trusting(t, "corp", issuer, fmt.Sprintf("issuer corp https://nowhere.invalid {\n%s\n}", line))
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, g.send("GET /", g.bearer(map[string]any{"iss": "https://nowhere.invalid"})), http.StatusOK)
		wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusUnauthorized)
	}
	// caddy validate reads the file.
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config(t, "", "oauth2 {\nissuer corp https://nowhere.invalid {\njwks_file "+file+"\n}\n}", "")), nil)
	if err != nil {
		t.Fatal(err)
	}
	parsed := new(caddy.Config)
	if err := json.Unmarshal(adapted, parsed); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(parsed); err == nil || !strings.Contains(err.Error(), "issuer corp: jwks_file: "+file) {
		t.Errorf("validate says %v", err)
	}
}

// What is counted about an issuer is counted under its name.
func TestMetricsCallAnIssuerByItsName(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: guarded})
	if err := reload(named(g, "timeout 2s")); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusOK)
	// The keys are there for requests before the fetch is counted.
	caddymodule.Until(t, "counted under its name", 5*time.Second, func() bool {
		return g.metric(`caddy_oauth2_key_fetches_total{issuer="corp",result="ok"}`) > 0
	})
}
