package caddymodule

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldaptest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// directoryLines is the service corp over a test's directory.
func directoryLines(url string, more ...string) string {
	return `authentication corp ldap {
		url ` + url + `
		bind_dn ` + ldaptest.Reader + `
		password ` + ldaptest.ReaderPassword + `
		search {
			base ` + ldaptest.People + `
			filter (uid={username})
		}
		` + strings.Join(more, "\n") + `
	}`
}

// signsIn has demo sign in at the service corp of an app.
func signsIn(t *testing.T, app *App, password string) error {
	t.Helper()
	service := app.config.Realms[0].Services["corp"].(login.Passwords)
	_, err := service.Authenticate(t.Context(), "demo", oauth.NewSecret(password))
	return err
}

func directoriesInUse() (n int) {
	directories.Range(func(any, any) bool { n++; return true })
	return n
}

// within waits for a condition, as long as a slow machine may take.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestReloadsKeepTheDirectoryAndLeaveNothingBehind(t *testing.T) {
	relay := ldaptest.NewRelay(t, ldaptest.New(t))
	w := newWorld(t)
	for i := range 50 {
		app := w.load(w.config(fmt.Sprintf("client%d", i%2), directoryLines(relay.URL(), "pool 2", "timeout 30s")))
		if err := signsIn(t, app, ldaptest.Password); err != nil {
			t.Fatal(err)
		}
	}
	if n := directoriesInUse(); n != 1 {
		t.Errorf("%d directories after 50 reloads", n)
	}
	if most := relay.Most(); most > 2 {
		t.Errorf("%d connections at once over 50 reloads with a pool of 2", most)
	}
	// A changed setting takes effect at once.
	app := w.load(w.config("client", strings.Replace(directoryLines(relay.URL()), "(uid=", "(cn=", 1)))
	if err := signsIn(t, app, ldaptest.Password); err == nil {
		t.Error("the filter is still the old one")
	}
	w.stop()
	if n := directoriesInUse(); n != 0 {
		t.Errorf("%d directories after the end", n)
	}
	within(t, "the connections are closed", func() bool { return relay.Open() == 0 })
	within(t, "nothing runs any more", func() bool {
		stacks := make([]byte, 4<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "go-ldap")
	})
}

func TestLDAPSettingsThatCannotWork(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct{ lines, want string }{
		{"authentication corp ldap", "needs a url"},
		{directoryLines("ldap://ldap.example.com"), "url ldap://ldap.example.com would send passwords in the clear"},
		{directoryLines("ldaps://ldap.example.com", "ca /no/such/file"), "ca: open /no/such/file"},
		{directoryLines("ldaps://ldap.example.com", "ca /etc/hostname"), "has no PEM certificate"},
		{directoryLines("ldaps://ldap.example.com", "claim sub uid"), "claim sub belongs to the protocol"},
		{directoryLines("ldaps://ldap.example.com", "anonymous"), "has anonymous and bind_dn"},
		{strings.Replace(directoryLines("ldaps://ldap.example.com"), "password "+ldaptest.ReaderPassword, "password {env.NO_SUCH_PASSWORD}", 1), "password is not there"},
		{strings.Replace(directoryLines("ldaps://ldap.example.com"), "filter", "scope tree\nfilter", 1), `search scope is "tree"`},
		// These have a directory already when they fail.
		{directoryLines("ldaps://ldap.example.com") + "\ndefault_authentication nobody", "default_authentication nobody"},
		{directoryLines("ldaps://ldap.example.com") + "\nauthentication staff file /no/such/file", "/no/such/file"},
	} {
		w.mustFail(w.config("a", test.lines), test.want)
	}
	if n := directoriesInUse(); n != 0 {
		t.Errorf("%d directories in use after configurations that failed", n)
	}
}

// Settings that work need no directory to be loaded.
func TestADirectoryThatIsAwayDoesNotKeepCaddyFromStarting(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", directoryLines("ldap://127.0.0.1:1")))
	if err := signsIn(t, app, ldaptest.Password); err == nil || oauth.AsError(err).Status != 503 {
		t.Errorf("got %v", err)
	}
}

func TestChainsThatCannotWork(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct{ lines, want string }{
		{"authentication c chain", "authentication c: a chain needs a service"},
		{"authentication c chain {\nrequired nobody\n}", "realm /: authentication chain c: required nobody: there is no authentication service of that name"},
		{"authentication c chain {\nrequired c\n}", "authentication chain c: required c: the chain leads back to itself"},
		{"authentication c chain {\nsufficient d\n}\nauthentication d chain {\nrequired c\n}\ndefault_authentication c", "leads back to itself"},
		{"authentication c chain {\nsufficient d\nrequired d\n}", "required d: the chain has the service twice"},
	} {
		w.mustFail(w.config("a", test.lines), test.want)
	}
}
