package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tellAdmin posts JSON to the admin endpoint of the binary.
func tellAdmin(t *testing.T, admin, path string, body any) (status int, answer string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return ask(t, func() (*http.Request, error) {
		return http.NewRequest(http.MethodPost, "http://"+admin+path, strings.NewReader(string(text)))
	})
}

// An operator's word ends what is open already, and nothing else.
func TestRS35_TheDenyListCutsStreams(t *testing.T) {
	w := startStreams(t)
	token, other := w.token(t, "long"), w.token(t, "short")
	cut := map[string]*http.Response{
		"HTTP/1.1": open(t, http.DefaultClient, w.api, "/events?denied", token),
		"HTTP/2":   open(t, overHTTP2(), w.api, "/events?denied2", token),
	}
	conn, err := w.dial(t, w.api, "", "bearer", token)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, conn)
	unwatched := open(t, http.DefaultClient, w.off, "/events?off", token)
	spared := open(t, http.DefaultClient, w.api, "/events?other", other)
	if status, answer := tellAdmin(t, w.admin, "/oauth2/deny", map[string]string{"client": "long", "expires_in": "1h"}); status/100 != 2 {
		t.Fatalf("status %d: %s", status, answer)
	}
	for name, response := range cut {
		if took := untilCut(t, response); took > 4*time.Second {
			t.Errorf("%s: cut after %v", name, took)
		}
	}
	wantPolicyClose(t, conn)
	if _, err := w.dial(t, w.api, token); err == nil {
		t.Error("a denied token opens a WebSocket")
	}
	goesOn(t, unwatched)
	onTime(t, untilCut(t, spared)+time.Second)
	wantMetric(t, w, `caddy_oauth2_streams_cut_total{reason="denied"}`, 3)
	w.upstream.wantEnd(t, "/events?denied")
	w.upstream.wantEnd(t, "/socket")
}

// operatedGateway runs the binary for a foreign issuer whose keys it reads once a
// day, and gives its address. again starts it anew on the same data.
func operatedGateway(t *testing.T, f *foreignIssuer, admin, home string) (api string, again func() *process) {
	t.Helper()
	port := freePorts(t, 1)[0]
	caddyfile := fmt.Sprintf(`{
	admin %s
	default_bind 127.0.0.1 [::1]
	oauth2 {
		issuer foreign %s {
			timeout 1s
			jwks {
				refresh 24h
			}
			introspection {
				client gateway gateway-secret
			}
		}
	}
}
http://localhost:%d {
	bearer_auth foreign {
		audience https://api.test
	}
	respond ok
}
`, admin, f.URL, port)
	return fmt.Sprintf("http://localhost:%d/", port), func() *process { return start(t, caddyfile, home) }
}

// RS27, and what the operator of a compromised key needs: at his word keys are
// read, and a key that was withdrawn counts no longer, nor what was cached by it.
func TestRS27_RefreshNowDropsAWithdrawnKey(t *testing.T) {
	f, admin := newForeignIssuer(t), fmt.Sprintf("localhost:%d", freePorts(t, 1)[0])
	api, run := operatedGateway(t, f, admin, t.TempDir())
	run()
	token := f.token(nil)
	for range 20 { // in the cache by then
		eventually(t, api, token, "200")
	}
	f.rotate("second")
	wantStatus(t, api, token, "200")
	for name, body := range map[string]any{"one": map[string]string{"issuer": f.URL}, "all": map[string]string{}} {
		status, answer := tellAdmin(t, admin, "/oauth2/issuers/refresh", body)
		if status != http.StatusOK || !strings.Contains(answer, f.URL) {
			t.Errorf("%s: status %d: %s", name, status, answer)
		}
		wantStatus(t, api, token, "401")
		wantStatus(t, api, f.token(nil), "200")
		token = f.token(nil)
		f.rotate("after " + name)
	}
	// One that cannot be read is told, and the last good keys stay.
	good := f.key
	if status, answer := tellAdmin(t, admin, "/oauth2/issuers/refresh", nil); status != http.StatusOK {
		t.Errorf("status %d: %s", status, answer)
	}
	f.answerKeys(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if status, answer := tellAdmin(t, admin, "/oauth2/issuers/refresh", nil); status != http.StatusBadGateway || !strings.Contains(answer, f.URL) {
		t.Errorf("status %d: %s", status, answer)
	}
	f.key = good
	wantStatus(t, api, f.token(nil), "200")
}

// The real binary starts while its issuer is down, and serves with what it kept.
func TestF11_TheBinaryStartsWhileTheIssuerIsDown(t *testing.T) {
	f, home := newForeignIssuer(t), t.TempDir()
	api, run := operatedGateway(t, f, "off", home)
	first := run()
	eventually(t, api, f.token(nil), "200")
	for deadline := time.Now().Add(patience); ; {
		kept, err := filepath.Glob(filepath.Join(home, "caddy", "oauth2", "issuers", "*"))
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("nothing is kept: %v", err)
		}
		if slices.ContainsFunc(kept, func(name string) bool { info, err := os.Stat(name); return err == nil && info.Size() > 0 }) {
			break
		}
	}
	first.stop()
	f.Close()
	second := run()
	wantStatus(t, api, f.token(nil), "200")
	wantStatus(t, api, f.token(map[string]any{"exp": 1}), "401")
	wantStatus(t, api, "opaque-and-good", "503")
	second.stop()
	// With nothing kept it cannot say, and does not blame the token.
	if err := os.RemoveAll(filepath.Join(home, "caddy", "oauth2")); err != nil {
		t.Fatal(err)
	}
	run()
	wantStatus(t, api, f.token(nil), "503")
}

// The admin API and the commands over a Unix socket, where only the file's owner
// gets in.
func TestTheAdminAPIOverAUnixSocket(t *testing.T) {
	f, home := newForeignIssuer(t), t.TempDir()
	socket := filepath.Join(t.TempDir(), "s")
	api, run := operatedGateway(t, f, "unix/"+socket, home)
	run()
	token := f.token(nil)
	eventually(t, api, token, "200")
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		path, body, want string
		status           int
	}{
		{"/oauth2/issuers", "", f.URL, 200},
		{"/oauth2/issuers/refresh", "{}", f.URL, 200},
		{"/oauth2/explain", `{"token":"` + token + `"}`, `"allowed":true`, 200},
		{"/oauth2/explain", `{"token":""}`, "token", 400},
		{"/oauth2/deny", `{"sub":"frida"}`, "deny_list", 409}, // there is no store for it
	} {
		method := http.MethodPost
		if c.body == "" {
			method = http.MethodGet
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != c.status || !strings.Contains(string(answer), c.want) {
			t.Errorf("%s %s: status %d: %s", c.path, c.body, response.StatusCode, answer)
		}
	}
	for _, args := range [][]string{{"oauth2-explain", token}, {"oauth2-issuers"}, {"oauth2-issuers", "--refresh"}} {
		out, err := command(t, home, append(args, "--address", "unix/"+socket)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), f.URL) {
			t.Errorf("%s: %v: %s", args[0], err, out)
		}
	}
}
