package login_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// watched is a users file and the service that reads it.
type watched struct {
	t      *testing.T
	path   string
	logged bytes.Buffer
	hasher *hashing.Hasher
	login.Passwords
}

func watch(t *testing.T, file, content string) *watched {
	t.Helper()
	w := &watched{t: t, path: filepath.Join(t.TempDir(), file), hasher: hashing.New()}
	write(t, w.path, content)
	service, err := login.OpenFile("staff", w.path, w.hasher, slog.New(slog.NewTextHandler(&w.logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	w.Passwords = service
	return w
}

// changed asks once, as the server does every second.
func (w *watched) changed(want ...string) {
	w.t.Helper()
	ids, err := w.Passwords.(login.Watched).Changed(w.t.Context())
	if err != nil || !slices.Equal(ids, want) {
		w.t.Fatalf("changed: %v %v, want %v", ids, err, want)
	}
}

func (w *watched) signIn(username, password string, want error) {
	w.t.Helper()
	if _, err := w.Authenticate(w.t.Context(), username, oauth.NewSecret(password)); !errors.Is(err, want) {
		w.t.Fatalf("%s: %v, want %v", username, err, want)
	}
}

func (w *watched) wantLogged(times int, text string) {
	w.t.Helper()
	if got := strings.Count(w.logged.String(), text); got != times {
		w.t.Errorf("logged %d times %q: %s", got, text, w.logged.String())
	}
}

// person is a line of YAML for a user.
func person(name, hash string) string { return "  " + name + ": {password: '" + hash + "'}\n" }

func TestAS41_AFileTellsOfWhoMayNotSignInAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, "staff.yaml", "users:\n"+person("ann", bcryptHash)+person("bob", bcryptHash)+person("cyd", bcryptHash)+person("dan", bcryptHash))
		w.changed()
		write(t, w.path, "users:\n"+person("ann", bcryptHash)+person("bob", aliceHash)+"  cyd: {password: '"+bcryptHash+"', disabled: true}\n"+person("eve", bcryptHash))
		w.changed("bob", "cyd", "dan")
		w.changed()
		w.signIn("ann", "Ch4ng31t", nil)
		w.signIn("bob", "Ch4ng31t", login.ErrCredentials)
		w.signIn("bob", "wonderland", nil)
		w.signIn("cyd", "Ch4ng31t", login.ErrCredentials)
		w.signIn("dan", "Ch4ng31t", login.ErrCredentials)
		w.signIn("eve", "Ch4ng31t", nil)
		for _, id := range []string{"cyd", "dan"} {
			if _, err := w.Account(t.Context(), id); !errors.Is(err, login.ErrNoAccount) {
				t.Errorf("%s: %v", id, err)
			}
		}
		// Who is let in again, or called something else, has lost nothing more.
		write(t, w.path, "users:\n  anna: {id: ann, password: '"+bcryptHash+"', claims: {name: Anna}}\n"+person("bob", aliceHash)+person("cyd", bcryptHash)+person("eve", bcryptHash))
		w.changed()
		w.signIn("anna", "Ch4ng31t", nil)
		w.signIn("cyd", "Ch4ng31t", nil)
	})
}

func TestABrokenUsersFileLeavesTheUsersAsTheyWere(t *testing.T) {
	for name, breakIt := range map[string]func(path string){
		"not YAML":         func(path string) { _ = os.WriteFile(path, []byte("users:\n  ann: ["), 0o600) },
		"a user cut short": func(path string) { _ = os.WriteFile(path, []byte("users:\n  ann:\n    pass"), 0o600) },
		"gone":             func(path string) { _ = os.Remove(path) },
		"a directory":      func(path string) { _ = os.Remove(path); _ = os.Mkdir(path, 0o700) },
		"empty":            func(path string) { _ = os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, "staff.yaml", "users:\n"+person("ann", bcryptHash)+person("bob", bcryptHash))
				breakIt(w.path)
				for range 3 {
					w.changed()
				}
				w.signIn("ann", "Ch4ng31t", nil)
				_ = os.Remove(w.path)
				write(t, w.path, "users:\n"+person("bob", bcryptHash))
				w.changed("ann")
				w.signIn("ann", "Ch4ng31t", login.ErrCredentials)
				if name != "empty" {
					w.wantLogged(1, "level=ERROR")
					w.wantLogged(1, "can be read again")
				}
			})
		})
	}
}

// A file that is written in place has none or some of its users for a moment.
func TestAFileThatIsBeingWrittenSignsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := "users:\n"
		for n := range 30 {
			all += person(fmt.Sprintf("user%02d", n), bcryptHash)
		}
		w := watch(t, "staff.yaml", all)
		for _, part := range []string{"", all[:len("users:\n")], all[:len(all)/3], all[:len(all)/2]} {
			write(t, w.path, part)
			w.changed()
			w.changed()
		}
		// One that is written to its end while it is looked at.
		write(t, w.path, all[:len(all)-len(person("user00", bcryptHash))])
		done := make(chan struct{})
		go func() {
			defer close(done)
			<-time.After(10 * time.Millisecond)
			_ = os.WriteFile(w.path, []byte(all), 0o600)
		}()
		w.changed()
		<-done
		w.changed()
		w.signIn("user29", "Ch4ng31t", nil)

		// What stays so is meant so.
		write(t, w.path, "users:\n"+person("user00", bcryptHash))
		w.changed()
		<-time.After(6 * time.Second)
		ids, err := w.Passwords.(login.Watched).Changed(t.Context())
		if err != nil || len(ids) != 29 {
			t.Errorf("ended %d, %v", len(ids), err)
		}
		w.wantLogged(3, "most users are gone") // each time that it was begun
	})
}

// What was changed twice within what the file system tells apart is noticed, too.
func TestAUsersFileThatLooksTheSame(t *testing.T) {
	w := watch(t, "staff.htpasswd", "ann:"+bcryptHash+"\n")
	info, err := os.Stat(w.path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, w.path, "ann:"+aliceHash+"\n")
	if err := os.Chtimes(w.path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	w.changed("ann")
	w.changed()
}

func TestRealmsAreToldEachForItself(t *testing.T) {
	w := watch(t, "staff.htpasswd", "ann:"+bcryptHash+"\nbob:"+bcryptHash+"\n")
	one, two := w.Passwords.(login.Bound).Bind("staff", login.Binding{}), w.Passwords.(login.Bound).Bind("staff", login.Binding{})
	write(t, w.path, "bob:"+bcryptHash+"\n")
	for _, service := range []login.Service{one, two} {
		if ids, err := service.(login.Watched).Changed(t.Context()); err != nil || !slices.Equal(ids, []string{"ann"}) {
			t.Errorf("%v %v", ids, err)
		}
	}
	// A new configuration goes on from there, with another file.
	next := watch(t, "other.htpasswd", "bob:"+aliceHash+"\n")
	next.Passwords.(login.Resumed).Resume(one)
	next.changed("bob")
	next.changed()
}
