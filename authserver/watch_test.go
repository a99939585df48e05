package authserver_test

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// Digests of "Ch4ng31t" and of "wonderland".
const (
	demoHash  = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"
	aliceHash = "$2a$04$b7IOW6HBDsG0UeYWcqQxquEiEew4eAZ5kBYTl9YYn5z1QnI/YRDB."
)

const staffOfFile = "users:\n  demo: {password: '" + demoHash + "'}\n  ann: {password: '" + demoHash + "'}\n"

// fileHouse is a house whose root realm has its staff in a file.
type fileHouse struct {
	*pair
	path string
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newFileHouse(t *testing.T) *fileHouse {
	t.Helper()
	f := &fileHouse{pair: &pair{house: newHouse(t), t: t}, path: filepath.Join(t.TempDir(), "staff.yaml")}
	writeFile(t, f.path, staffOfFile)
	f.reload(f.path)
	return f
}

// reload serves a new configuration, whose staff is in the file of a path. It ends
// the one before.
func (f *fileHouse) reload(path string) (stop func()) {
	f.t.Helper()
	staff, err := login.OpenFile("staff", path, f.Hasher, slog.New(slog.DiscardHandler))
	if err != nil {
		f.t.Fatal(err)
	}
	root := &f.config.Realms[0]
	root.Services = maps.Clone(root.Services)
	root.Services["staff"] = staff
	server, err := authserver.New(f.t.Context(), f.config, f.backend, authserver.Options{
		Observer: f.Observer, Audit: f.Observer, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.server = server
	return f.backend.Watch(server)
}

// held is all that somebody holds who has signed in, and says of each whether it
// is good.
type held struct {
	*fileHouse
	name                            string
	access, opaque, refresh, static string
	session, scripted               string
}

func (f *fileHouse) signedIn(name string) *held {
	f.t.Helper()
	user := func(client string) map[string]any {
		return f.document(f.form(home, "access_token", client, "grant_type", "password", "username", name, "password", "Ch4ng31t", "scope", "openid email"), 200)
	}
	web, opaque, static := user("web"), user("opaque"), user("static")
	s := &held{
		fileHouse: f, name: name, access: web["access_token"].(string), refresh: web["refresh_token"].(string),
		opaque: opaque["access_token"].(string), static: static["refresh_token"].(string),
	}
	r, _ := f.server.Realm("/")
	for kind, cookie := range map[store.SessionKind]*string{store.SessionBrowser: &s.session, store.SessionJSON: &s.scripted} {
		value, _, err := r.Sessions.Start(f.t.Context(), kind, login.SignedIn{Account: store.Account{Service: "staff", ID: name}, Subject: name}, oauth.Secret{}, f.Clock.Now())
		if err != nil {
			f.t.Fatal(err)
		}
		*cookie = value.Reveal()
	}
	return s
}

// uses are all ways to use what somebody holds. Each says whether it was let in.
var uses = map[string]func(s *held) bool{
	"introspection of a JWT":           func(s *held) bool { return s.active("web", s.access) },
	"introspection of an opaque token": func(s *held) bool { return s.active("opaque", s.opaque) },
	"introspection of a refresh token": func(s *held) bool { return s.active("static", s.static) },
	"userinfo with a JWT":              func(s *held) bool { return s.userInfo(s.access) },
	"userinfo with an opaque token":    func(s *held) bool { return s.userInfo(s.opaque) },
	"the gateway in process, a JWT":    func(s *held) bool { return s.gateway(s.access) },
	"the gateway in process, opaque":   func(s *held) bool { return s.gateway(s.opaque) },
	"the session at authorize":         func(s *held) bool { return s.authorizes(s.session, "") },
	"the session of a program":         func(s *held) bool { return s.authorizes("", s.scripted) },
	"a refresh":                        func(s *held) bool { return s.token("web", "refresh_token", "refresh_token", s.refresh) },
	"a refresh without rotation":       func(s *held) bool { return s.token("static", "refresh_token", "refresh_token", s.static) },
	"a code":                           func(s *held) bool { return s.code() },
	"the password grant":               func(s *held) bool { return s.token("web", "password", "username", s.name, "password", "Ch4ng31t") },
	"json/authenticate":                func(s *held) bool { return s.jsonAuthenticate() },
}

func (s *held) active(client, text string) bool {
	return s.document(s.form(home, "introspect", client, "token", text), 200)["active"] == true
}

func (s *held) userInfo(access string) bool {
	r := httptest.NewRequest(http.MethodGet, home+"/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+access)
	return s.do(r).Code == http.StatusOK
}

// gateway is what bearer_auth asks of a token of this process, on the first sight
// of it and on every other.
func (s *held) gateway(access string) bool {
	r, _ := s.server.Realm("/")
	opened, err := r.OpenAccess(oauth.NewSecret(access))
	if err != nil && !errors.Is(err, token.ErrInvalid) {
		s.t.Fatal(err)
	}
	return err == nil && r.Alive(opened.Lineage())
}

func (s *held) authorizes(session, scripted string) bool {
	r := s.pageRequest(http.MethodGet, home, "authorize", session, "", nil, "prompt", "none")
	if scripted != "" {
		r.AddCookie(&http.Cookie{Name: "iPlanetDirectoryPro", Value: scripted})
	}
	answer := s.do(r)
	location := answer.Header().Get("Location")
	switch {
	case strings.Contains(location, "error=login_required"):
		return false
	case strings.Contains(location, "code="), strings.Contains(location, "error=consent_required"):
		return true
	}
	s.t.Fatalf("authorize answered %d %s %s", answer.Code, location, answer.Body)
	return false
}

func (s *held) token(client, grantType string, pairs ...string) bool {
	answer := s.form(home, "access_token", client, append([]string{"grant_type", grantType}, pairs...)...)
	if answer.Code != http.StatusOK && !strings.Contains(answer.Body.String(), "invalid_grant") {
		s.t.Fatalf("%s answered %d %s", grantType, answer.Code, answer.Body)
	}
	return answer.Code == http.StatusOK
}

func (s *held) code() bool {
	r, _ := s.server.Realm("/")
	code := s.Code(s.t, r, "web", func(grant *store.Grant) {
		grant.Account.ID, grant.Subject, grant.AuthTime = s.name, s.name, s.Clock.Now().Add(-time.Minute)
	})
	return s.token("web", "authorization_code", "code", code.Reveal(), "redirect_uri", realmtest.Callback, "code_verifier", realmtest.Verifier)
}

func (s *held) jsonAuthenticate() bool {
	r := httptest.NewRequest(http.MethodPost, "/json/authenticate", nil)
	r.Header.Set("X-OpenAM-Username", s.name)
	r.Header.Set("X-OpenAM-Password", "Ch4ng31t")
	return s.do(r).Code == http.StatusOK
}

// wantUses tries all of them, but for those in which it is good again.
func (s *held) wantUses(want bool) {
	s.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		if got := uses[name](s); got != want {
			s.t.Errorf("%s of %s: let in %v, want %v", name, s.name, got, want)
		}
	}
}

// A changed account is refused everywhere within the second in which the file is
// looked at, and nobody else is.
func TestAS41_AS42_AChangedAccountOfAFileIsRefusedEverywhere(t *testing.T) {
	const ann = "  ann: {password: '" + demoHash + "'}\n"
	for change, content := range map[string]string{
		"deleted":               "users:\n" + ann,
		"disabled":              "users:\n  demo: {password: '" + demoHash + "', disabled: true}\n" + ann,
		"another password":      "users:\n  demo: {password: '" + aliceHash + "'}\n" + ann,
		"deleted and made anew": "users:\n  demo: {password: '" + aliceHash + "', claims: {name: Another}}\n" + ann,
	} {
		t.Run(change, func(t *testing.T) {
			f := newFileHouse(t)
			f.Clock.Advance(time.Second)
			demo, other := f.signedIn("demo"), f.signedIn("ann")
			demo.wantUses(true)
			other.wantUses(true)
			demo = f.signedIn("demo") // what was used up above
			otherNode := f.open(t, 0)

			f.Clock.Advance(time.Second)
			writeFile(t, f.path, content)
			f.Observer.Told()
			f.backend.WatchAccounts(t.Context())
			if told := f.Observer.Told(); !slices.Equal(told, []string{"system subject_revoked subject=demo reason=account_changed"}) {
				t.Errorf("told %q", told)
			}
			demo.wantUses(false)
			for _, use := range []string{"userinfo with a JWT", "the gateway in process, a JWT", "the session at authorize", "a refresh without rotation", "the password grant"} {
				if !uses[use](other) {
					t.Errorf("%s of ann, who has not changed, is refused", use)
				}
			}

			// Another node knows by the log of revocations, whatever its file says.
			otherNode.Read(t.Context())
			server, err := authserver.New(t.Context(), authserver.Config{Realms: []realm.Settings{f.Settings("/", rootIssuer)}}, otherNode,
				authserver.Options{Observer: f.Observer, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			there, _ := server.Realm("/")
			if _, err := there.OpenAccess(oauth.NewSecret(demo.access)); !errors.Is(err, realm.ErrRevoked) {
				t.Errorf("the other node says %v", err)
			}
			if _, err := there.OpenAccess(oauth.NewSecret(other.access)); err != nil {
				t.Errorf("the other node says of ann: %v", err)
			}
		})
	}
}

// Who guesses makes others wait, and ends nothing of theirs.
func TestAS42_LimitsEndNoSession(t *testing.T) {
	f := newFileHouse(t)
	demo := f.signedIn("demo")
	for range 7 {
		demo.token("web", "password", "username", "demo", "password", "wrong")
	}
	answer := f.form(home, "access_token", "web", "grant_type", "password", "username", "demo", "password", "Ch4ng31t")
	if answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") != "1" || !strings.Contains(answer.Body.String(), `"invalid_grant"`) {
		t.Errorf("limited: %d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "/json/authenticate", nil)
	r.Header.Set("X-OpenAM-Username", "demo")
	r.Header.Set("X-OpenAM-Password", "Ch4ng31t")
	if answer := f.do(r); answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") != "1" {
		t.Errorf("json/authenticate: %d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	f.backend.WatchAccounts(t.Context())
	for name, use := range uses {
		if name != "the password grant" && name != "json/authenticate" && !use(demo) {
			t.Errorf("%s is refused", name)
		}
	}
}

// What changes between two configurations ends, and the newest is asked.
func TestAS41_WhatChangedBetweenConfigurationsEnds(t *testing.T) {
	f := newFileHouse(t)
	f.backend.WatchAccounts(t.Context())
	demo := f.signedIn("demo")
	other := filepath.Join(t.TempDir(), "other.yaml")
	writeFile(t, other, strings.Replace(staffOfFile, demoHash, aliceHash, 1))
	f.Clock.Advance(time.Second)
	stop := f.reload(other)
	f.backend.WatchAccounts(t.Context())
	if demo.gateway(demo.access) {
		t.Error("the other file's password has changed nothing")
	}
	// The one before is asked again when this one has failed.
	stop()
	f.Clock.Advance(time.Second)
	ann := f.signedIn("ann")
	f.Clock.Advance(time.Second)
	writeFile(t, f.path, "users:\n  demo: {password: '"+demoHash+"'}\n")
	f.backend.WatchAccounts(t.Context())
	if ann.gateway(ann.access) {
		t.Error("nobody watches the configuration that runs")
	}
}

// What cannot be ended now is ended as soon as the store is back.
func TestAS41_AStoreThatIsAwayIsTriedAgain(t *testing.T) {
	f := newFileHouse(t)
	demo := f.signedIn("demo")
	f.Store.Fail("RevokeAll")
	writeFile(t, f.path, strings.Replace(staffOfFile, demoHash, aliceHash, 1))
	f.backend.WatchAccounts(t.Context())
	if !demo.gateway(demo.access) {
		t.Fatal("the store did not fail")
	}
	f.Store.Fail("")
	f.backend.WatchAccounts(t.Context())
	if demo.gateway(demo.access) {
		t.Error("it was forgotten")
	}
}
