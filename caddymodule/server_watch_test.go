package caddymodule

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// Digests of "Ch4ng31t" and of "wonderland".
const (
	demoDigest  = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"
	otherDigest = "$2a$04$b7IOW6HBDsG0UeYWcqQxquEiEew4eAZ5kBYTl9YYn5z1QnI/YRDB."
)

// staff is a world whose users are in a file.
type staff struct {
	world
	path string
}

func newStaff(t *testing.T) *staff {
	w := newWorld(t)
	s := &staff{w, filepath.Join(w.dir, "staff.htpasswd")}
	s.write("ann", "bob", "cyd")
	return s
}

// write lets the file have these users; one with a ! before it has another
// password.
func (s *staff) write(names ...string) {
	s.t.Helper()
	var text strings.Builder
	for _, name := range names {
		digest := demoDigest
		if strings.HasPrefix(name, "!") {
			name, digest = name[1:], otherDigest
		}
		text.WriteString(name + ":" + digest + "\n")
	}
	if err := os.WriteFile(s.path, []byte(text.String()), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *staff) config(scope string, apps ...string) []byte {
	s.t.Helper()
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(`{
		admin off
		persist_config off
		log {
			output file `+filepath.Join(s.dir, "log")+`
		}
		oauth2 {
			storage sqlite `+s.database()+`
			audit {
				store
			}
			realm / {
				issuer https://auth.example.com/oauth2
				grants password refresh_token
				sign_in_limits {
					lock_after 3
				}
				authentication staff file `+s.path+`
				client app {
					secret s
					grants password refresh_token
					scopes `+scope+`
				}
			}
		}
	}`), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(adapted, &config); err != nil {
		s.t.Fatal(err)
	}
	for _, app := range apps {
		config["apps"].(map[string]any)[app] = map[string]any{}
	}
	out, err := json.Marshal(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// signIn asks for tokens by the password grant.
func (s *staff) signIn(app *App, name, password string) (status int, access string) {
	s.t.Helper()
	answer, _ := ask(s.t, app, post("/oauth2/access_token", url.Values{
		"grant_type": {"password"}, "client_id": {"app"}, "client_secret": {"s"}, "username": {name}, "password": {password}, "scope": {"write"},
	}))
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var document struct {
		AccessToken string `json:"access_token"`
	}
	_ = json.Unmarshal(body, &document)
	return answer.StatusCode, document.AccessToken
}

func (s *staff) mustSignIn(app *App, name string) string {
	s.t.Helper()
	status, access := s.signIn(app, name, "Ch4ng31t")
	if status != http.StatusOK {
		s.t.Fatalf("%s: status %d", name, status)
	}
	return access
}

// refused says whether the gateway in process refuses a token.
func refused(app *App, access string) bool {
	_, err := (&realmSource{app: app, name: "/"}).Introspect(app.ctx, oauth.NewSecret(access))
	var refusal *introspect.Refusal
	return errors.As(err, &refusal) && refusal.Reason == introspect.ReasonRevoked
}

// The gateway in process hears of a changed file without any request, of the
// configuration that runs, be it the newest or the one that a broken one left.
func TestAS41_TheGatewayHearsOfAChangedUsersFile(t *testing.T) {
	s := newStaff(t)
	app := s.load(s.config("write"))
	ann, bob, cyd := s.mustSignIn(app, "ann"), s.mustSignIn(app, "bob"), s.mustSignIn(app, "cyd")
	if refused(app, ann) || refused(app, bob) || refused(app, cyd) {
		t.Fatal("refused from the beginning")
	}
	s.write("bob", "cyd")
	until(t, "refused whoever is gone", 30*time.Second, func() bool { return refused(app, ann) })
	if refused(app, bob) {
		t.Error("others are refused")
	}

	s.mustFail(s.config("write read", "broken"), "broken")
	s.write("!bob", "cyd")
	until(t, "watching after a configuration that failed", 30*time.Second, func() bool { return refused(app, bob) })

	// What changed between two configurations.
	app.watching.end()
	s.write("!bob", "!cyd")
	app = s.load(s.config("write read"))
	until(t, "refused what changed between configurations", 30*time.Second, func() bool { return refused(app, cyd) })
}

func TestOperatorsForgetFailures(t *testing.T) {
	s := newStaff(t)
	app := s.load(s.config("write"))
	limited := func() bool {
		status, _ := s.signIn(app, "ann", "wrong")
		return status == http.StatusTooManyRequests
	}
	failUntilLimited := func() {
		t.Helper()
		until(t, "limited", 30*time.Second, limited)
	}
	failUntilLimited()
	app = s.load(s.config("write read"))
	if !limited() {
		t.Error("a reload has forgotten the failures")
	}
	if said := mustTell[attemptsAnswer](t, resetAttempts, app, "", attemptsReset{Username: "ANN"}); said.Realm != "/" || said.Counters == 0 {
		t.Errorf("%+v", said)
	}
	s.mustSignIn(app, "ann")
	if said := mustTell[attemptsAnswer](t, resetAttempts, app, "", attemptsReset{Source: "192.0.2.7"}); said.Counters != 0 {
		t.Errorf("%+v", said)
	}
	for name, asked := range map[string]any{
		"nobody":    attemptsReset{},
		"two":       attemptsReset{Username: "ann", Source: "192.0.2.7"},
		"no source": attemptsReset{Source: "home"},
		"a member":  `{"user":"ann"}`,
	} {
		if answer, err := tell(resetAttempts, app, "", asked); status(err) != http.StatusBadRequest {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
	if answer, err := tell(resetAttempts, app, "", attemptsReset{Realm: "/c", Username: "ann"}); status(err) != http.StatusNotFound {
		t.Errorf("another realm: %v, %v", answer, err)
	}
	until(t, "told", 30*time.Second, func() bool {
		records, err := app.backend.backend.Load().AuditRecords(t.Context(), audit.Query{Event: audit.AccountUnlocked, Limit: 10})
		return err == nil && len(records) == 2 && records[1].Details.Get(audit.Reason) == "reset"
	})
}
