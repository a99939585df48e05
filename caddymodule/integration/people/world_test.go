package people

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// The person of these tests.
const (
	username = "demo"
	password = "Ch4ng31t"
)

// verifier and challenge are those of RFC 7636 Appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// world is a Caddy with a realm, an API behind bearer_auth, and the application
// that people come from.
type world struct {
	t *testing.T
	// issuer and api are addresses; app is the application's, whose page says what
	// it was sent.
	issuer, api, app string
	admin            string
	config           []byte
}

// newWorld starts Caddy with more lines in the realm.
func newWorld(t *testing.T, lines string) *world {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_ = r.ParseForm()
		fmt.Fprintf(w, "application\n%s\n", r.Form.Encode())
	}))
	t.Cleanup(app.Close)
	ports, dir := freePorts(t, 3), t.TempDir()
	w := &world{
		t: t, app: strings.Replace(app.URL, "127.0.0.1", "localhost", 1),
		issuer: fmt.Sprintf("http://localhost:%d/oauth2", ports[0]),
		api:    fmt.Sprintf("http://localhost:%d", ports[1]),
		admin:  fmt.Sprintf("localhost:%d", ports[2]),
	}
	users := filepath.Join(dir, "users.yaml")
	shipped, err := os.ReadFile("../../../docs/example/users.yaml")
	if err == nil {
		err = os.WriteFile(users, shipped, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	caddyfile := fmt.Sprintf(`{
	admin %s
	persist_config off
	default_bind 127.0.0.1 [::1]
	log {
		output file %s
		format oauth2_redact
	}
	oauth2 {
		storage sqlite %s
		realm / {
			issuer %s
			grants authorization_code refresh_token
			resource https://api.test
			authentication users file %s
			client shop {
				name "The Shop"
				secret shop-secret
				grants authorization_code refresh_token
				redirect_uri %s/callback
				post_logout_redirect_uri %s/bye
				scopes openid profile email offline_access orders:read
				default_scopes openid
			}
			client trusted {
				secret trusted-secret
				skip_consent
				grants authorization_code
				redirect_uri %s/callback
				scopes openid profile
				default_scopes openid
			}
			%s
		}
	}
}
http://localhost:%d {
	oauth2_server
}
http://localhost:%d {
	bearer_auth {
		realm /
		audience https://api.test
	}
	respond {http.auth.user.id}
}
`, w.admin, filepath.Join(dir, "log"), filepath.Join(dir, "oauth2.db"), w.issuer, users, w.app, w.app, w.app, strings.ReplaceAll(lines, "ISSUER", w.issuer), ports[0], ports[1])
	w.config, _, err = caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	w.reload()
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("the log:\n%s", text)
		}
	})
	return w
}

// reload begins with the configuration anew, and with all that is in the store.
func (w *world) reload() {
	w.t.Helper()
	if err := caddy.Load(w.config, true); err != nil {
		w.t.Fatal(err)
	}
}

func freePorts(t *testing.T, count int) []int {
	t.Helper()
	ports := make([]int, count)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// request is the address of an authorization request of the shop, changed pair by
// pair.
func (w *world) request(changes ...string) string {
	values := url.Values{
		"client_id": {"shop"}, "redirect_uri": {w.app + "/callback"}, "response_type": {"code"}, "scope": {"openid email"},
		"state": {"af0ifjsldkj"}, "nonce": {"n-0S6"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		values.Set(changes[i], changes[i+1])
	}
	return w.issuer + "/authorize?" + values.Encode()
}

// answered fails the test unless the tab has come back to the application, and
// gives what it brought.
func (w *world) answered(b *tab) url.Values {
	b.t.Helper()
	at, err := url.Parse(b.at())
	if err != nil || !strings.HasPrefix(b.at(), w.app+"/callback") {
		b.t.Fatalf("not back at the application: %s", b.saw())
	}
	return at.Query()
}

// signIn fills in the sign-in page.
func (b *tab) signIn(name, secret string) {
	b.t.Helper()
	b.fill("username", name)
	b.fill("password", secret)
	b.press(submit)
}
