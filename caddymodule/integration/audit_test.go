package integration

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// The audit log has a file of its own here, and nothing redacts it: that nothing
// needs to be is what is shown.
const auditCaddyfile = `{
	admin ADMIN
	default_bind 127.0.0.1 [::1]
	log default {
		format oauth2_redact
		exclude oauth2.audit
	}
	log audit {
		include oauth2.audit
		output file HOME/audit.log
		format json
	}
	oauth2 {
		storage sqlite HOME/oauth2.db
		encryption_key {env.CANARY_ENCRYPTION}
		audit {
			store
		}
		realm / {
			issuer http://AUTH/oauth2
			authentication people file docs/example/users.yaml
			default_authentication people
			grants authorization_code client_credentials password refresh_token implicit
			json_authenticate
			refresh_token {
				grace off
			}
			client app {
				secret {env.CANARY_CLIENT}
				redirect_uri https://app.test/callback
				grants authorization_code client_credentials password refresh_token implicit
				scopes openid read
				default_scopes read
				pkce optional
			}
		}
	}
}
http://AUTH {
	log {
		format oauth2_redact
	}
	oauth2_server
}
`

// auditWorld is a server whose audit log and store are looked at.
type auditWorld struct {
	*process
	*canaries
	home, admin, base string
	client, password  string
}

func startAudit(t *testing.T) *auditWorld {
	t.Helper()
	ports := freePorts(t, 2)
	w := &auditWorld{canaries: newCanaries(t), home: t.TempDir(), admin: fmt.Sprintf("localhost:%d", ports[0])}
	auth := fmt.Sprintf("localhost:%d", ports[1])
	w.base = "http://" + auth + "/oauth2"
	wrapping := make([]byte, 32)
	_, _ = rand.Read(wrapping)
	w.client, w.password = w.plant("a client's secret", rand.Text()), w.plant("a password", "Ch4ng31t")
	w.process = start(t, strings.NewReplacer("ADMIN", w.admin, "AUTH", auth, "HOME", w.home).Replace(auditCaddyfile), w.home,
		"CANARY_ENCRYPTION="+w.plant("the encryption key", base64.StdEncoding.EncodeToString(wrapping)), "CANARY_CLIENT="+w.client)
	return w
}

// token sends a token request of the client and plants what it sends and gets.
func (w *auditWorld) token(pairs ...string) map[string]any {
	w.test.Helper()
	args := []string{"--user", "app:" + w.client, "--header", "DPoP: " + w.plant("a proof", "eyJ0eXAiOiJkcG9wK2p3dCJ9.canary-proof."+rand.Text())}
	for _, pair := range pairs {
		args = append(args, "--data-urlencode", pair)
	}
	answer := curlJSON(w.test, append(args, w.base+"/access_token")...)
	if _, good := answer["access_token"]; good {
		w.plantAnswer("of "+pairs[0], answer)
	}
	return answer
}

// code goes through sign-in and consent to a code, and plants the cookies.
func (w *auditWorld) code(b *browser) string {
	w.test.Helper()
	answer := b.authorize(w.base+"/authorize?"+url.Values{
		"client_id": {"app"}, "response_type": {"code"}, "redirect_uri": {"https://app.test/callback"}, "scope": {"openid read"}, "state": {"canary-state"},
	}.Encode(), "demo", w.password)
	return w.plant("a code", answer.Get("code"))
}

// drive goes through every flow, with secrets where they belong and where not.
func (w *auditWorld) drive() {
	w.test.Helper()
	b := newBrowser(w.test, strings.TrimSuffix(w.base, "/oauth2"))
	code := w.code(b)
	redeem := func(code string) map[string]any {
		return w.token("grant_type=authorization_code", "code="+code, "redirect_uri=https://app.test/callback")
	}
	refresh := func(given map[string]any) map[string]any {
		token, _ := given["refresh_token"].(string)
		return w.token("grant_type=refresh_token", "refresh_token="+token)
	}
	first := redeem(code)
	second := refresh(first)
	refresh(second)
	refresh(first) // reuse
	code = w.code(b)
	redeem(code)
	redeem(code) // replay
	w.token("grant_type=client_credentials")
	given := w.token("grant_type=password", "username=demo", "password="+w.password)
	w.token("grant_type=password", "username=demo", "password="+w.plant("a wrong password", "wrong-"+rand.Text()))
	w.token("grant_type=password", "username="+w.plant("a password for a name", "typed-"+rand.Text()), "password=demo")
	for _, user := range []string{"app:" + w.plant("a wrong secret", rand.Text()), w.plant("a secret for a name", rand.Text()) + ":app"} {
		curlJSON(w.test, "--user", user, "--data", "grant_type=client_credentials", w.base+"/access_token")
	}
	curl(w.test, "--user", "app:"+w.client, "--data-urlencode", "token="+text(w.test, given, "access_token"), w.base+"/token/revoke")
	curl(w.test, "--user", "app:"+w.client, "--data-urlencode", "token="+text(w.test, given, "refresh_token"), w.base+"/token/revoke")
	session := curlJSON(w.test, "--request", "POST", "--header", "X-OpenAM-Username: demo", "--header", "X-OpenAM-Password: "+w.password,
		strings.Replace(w.base, "/oauth2", "/json/authenticate", 1))
	w.plant("a session", text(w.test, session, "tokenId"))
	b.plantCookies(w.canaries)
}

// plantCookies plants what the browser has been given to keep.
func (b *browser) plantCookies(c *canaries) {
	origin, err := url.Parse(b.origin + "/oauth2/authorize")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(origin) {
		c.plant("the cookie "+cookie.Name, cookie.Value)
	}
}

// What a first start and drive lead to, the oldest first.
var driven = []string{
	"key_created", "key_created", "key_created", "key_created", "key_created", "key_created",
	"sign_in", "consent_given", "code_issued", "token_issued", "token_refreshed", "token_refreshed", "refresh_reuse",
	"code_issued", "token_issued", "code_replay", "token_issued", "sign_in", "token_issued", "sign_in_failed", "sign_in_failed",
	"client_auth_failed", "client_auth_failed", "token_revoked", "grant_revoked", "sign_in", "denial_added", "denial_removed",
}

// F17, F29, F30: every event of every flow is one line of the log and one row of
// the store, none is lost when the process is stopped, and none holds a secret.
func TestAS65_F30_TheAuditLogHoldsEveryEventAndNoSecret(t *testing.T) {
	w := startAudit(t)
	w.drive()
	audits := func(args ...string) told {
		cmd := command(t, w.home, append(append([]string{"oauth2-audit"}, args...), "--address", w.admin)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		return told{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}
	for _, args := range [][]string{{"oauth2-deny", "--client", "stranger"}, {"oauth2-deny", "--client", "stranger", "--remove"}} {
		if out, err := command(t, w.home, append(args, "--address", w.admin)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	shown := audits("--json", "--limit", "0", "--since", "1h")
	shown.must(t, 0, `"records"`)
	w.collect("oauth2-audit", shown.stdout)
	audits("--event", "sign_in_failed", "--subject", "demo").must(t, 0, `sign_in_failed actor="user" realm="/" client_id="app" subject="demo"`, `reason="wrong_password"`)
	audits("--event", "token_issued", "--limit", "1").must(t, 0, ` grant_type="`, ` grant_id="`)
	audits("--event", "made_up").must(t, 2, "there is no such event")
	audits("--since", "yesterday").must(t, 2, "since is a duration such as")
	_, wrong := ask(t, func() (*http.Request, error) {
		return http.NewRequest(http.MethodGet, "http://"+w.admin+"/oauth2/audit?sbject=demo", nil)
	})
	if !strings.Contains(wrong, "there are the parameters") {
		t.Errorf("a parameter that is misspelt: %s", wrong)
	}
	w.token("grant_type=client_credentials")
	w.stop()

	logged, err := os.ReadFile(filepath.Join(w.home, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for line := range bytes.Lines(logged) {
		var fields struct{ Logger, Event, Source string }
		err := json.Unmarshal(line, &fields)
		known := fields.Source == "127.0.0.1" || fields.Source == "::1" || fields.Event == "key_created" // which nobody asked for
		if err != nil || fields.Logger != "oauth2.audit" || !known {
			t.Errorf("%v: %s", err, line)
		}
		lines = append(lines, fields.Event)
	}
	if want := append(slices.Clone(driven), "token_issued"); !slices.Equal(lines, want) {
		t.Errorf("the log has\n%q, want\n%q", lines, want)
	}
	if strings.Contains(w.output(), "oauth2.audit") {
		t.Error("the default log has what was routed elsewhere")
	}
	if kept := w.kept(); !slices.Equal(kept, lines) {
		t.Errorf("the store has\n%q", kept)
	}
	w.collectFiles("stopped", w.home)
	w.wantNone()
}

// kept reads the events that the store keeps, the oldest first.
func (w *auditWorld) kept() (events []string) {
	w.test.Helper()
	st, err := sqlstore.OpenSQLite(w.test.Context(), filepath.Join(w.home, "oauth2.db"))
	if err != nil {
		w.test.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	records, err := st.AuditRecords(w.test.Context(), audit.Query{Limit: 1000})
	if err != nil {
		w.test.Fatal(err)
	}
	for _, record := range slices.Backward(records) {
		events = append(events, string(record.Event))
	}
	return events
}
