package authserver_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// keeping is a node whose default service keeps its users in the store, with its
// background work and a connection of its own to the database.
type keeping struct {
	*node
	t *testing.T
}

func newKeeping(t *testing.T, w realmtest.World, dsn string) *keeping {
	t.Helper()
	db, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresConfig{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	w.Store = &realmtest.Store{Store: db}
	n := &keeping{newNode(t, &w, 0, func(s *realm.Settings) {
		s.Services = map[string]login.Service{"staff": login.NewKeeper(login.PasswordPolicy{})}
		s.PasswordServices = nil
	}), t}
	running, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); n.Run(running) }()
	t.Cleanup(func() {
		stop()
		<-done
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *keeping) accounts() realm.Accounts {
	n.t.Helper()
	accounts, err := n.realm.Accounts("")
	if err != nil {
		n.t.Fatal(err)
	}
	return accounts
}

func (n *keeping) post(endpoint string, pairs ...string) realmtest.Answer {
	r := realmtest.Form("web", realmtest.Values(pairs...))
	r.URL.Path = home + "/" + endpoint
	return realmtest.Do(n.t, n.server, r)
}

func (n *keeping) signIn(password string) realmtest.Answer {
	return n.post("access_token", "grant_type", "password", "username", "alice", "password", password, "scope", "openid read")
}

// TestAS41_AS42_AChangedUserIsOutOnEveryNode changes a user at one node. Sign-in
// and session end everywhere with the answer, tokens here with the answer and
// there within a second.
func TestAS41_AS42_AChangedUserIsOutOnEveryNode(t *testing.T) {
	const first, second = "vexing otters at dawn", "vexing otters at dusk"
	alice := store.Account{Service: "staff", ID: "alice-1"}
	for name, change := range map[string]func(t *testing.T, n *keeping) error{
		"password by an operator": func(t *testing.T, n *keeping) error {
			_, err := n.accounts().SetPassword(t.Context(), alice.ID, realm.Password{Plain: oauth.NewSecret(second)})
			return err
		},
		"password by the user": func(t *testing.T, n *keeping) error {
			_, err := n.realm.ChangePassword(t.Context(), alice, oauth.NewSecret(second))
			return err
		},
		"disabled": func(t *testing.T, n *keeping) error {
			_, _, err := n.accounts().Replace(t.Context(), store.StoredAccount{Account: alice, Username: "alice", Claims: "{}", Disabled: true})
			return err
		},
		"deleted": func(t *testing.T, n *keeping) error {
			_, err := n.accounts().Delete(t.Context(), alice.ID, 0)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, dsn := *realmtest.New(t), pgtest.Database(t)
			here, there := newKeeping(t, w, dsn), newKeeping(t, w, dsn)
			_, err := here.accounts().Create(t.Context(), store.StoredAccount{Account: alice, Username: "alice", Claims: "{}"}, &realm.Password{Plain: oauth.NewSecret(first)})
			if err != nil {
				t.Fatal(err)
			}
			given := there.signIn(first).Want(http.StatusOK, "")
			access, refresh := given.Text("access_token"), given.Text("refresh_token")
			cookie, _, err := there.realm.Sessions.Start(t.Context(), store.SessionBrowser, login.SignedIn{Account: alice, Subject: alice.ID}, oauth.Secret{}, there.realm.Now())
			if err != nil {
				t.Fatal(err)
			}
			active := func(n *keeping) bool { return n.post("introspect", "token", access).Document()["active"] == true }
			userinfo := func(n *keeping) int {
				r := httptest.NewRequest(http.MethodGet, home+"/userinfo", http.NoBody)
				r.Header.Set("Authorization", "Bearer "+access)
				recorder := httptest.NewRecorder()
				n.server.ServeHTTP(recorder, r)
				return recorder.Code
			}
			for _, n := range []*keeping{here, there} {
				if !active(n) || userinfo(n) != http.StatusOK {
					t.Fatal("the token is dead before anything has changed")
				}
			}

			if err := change(t, here); err != nil {
				t.Fatal(err)
			}
			if active(here) {
				t.Error("the token is active where the user was changed")
			}
			for _, n := range []*keeping{here, there} {
				n.signIn(first).Want(http.StatusBadRequest, "invalid_grant")
				n.post("access_token", "grant_type", "refresh_token", "refresh_token", refresh).Want(http.StatusBadRequest, "invalid_grant")
				if status := userinfo(n); status != http.StatusUnauthorized {
					t.Errorf("userinfo answers %d", status)
				}
				if _, err := n.realm.Sessions.Find(t.Context(), store.SessionBrowser, cookie, n.realm.Now()); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the session: %v", err)
				}
			}
			within(t, 10*time.Second, "the token is dead there", func() bool { return !active(there) })
		})
	}
}

// What a user may not choose, and whose passwords are changed elsewhere.
func TestPasswordsThatCannotBeChanged(t *testing.T) {
	w := realmtest.New(t, func(s *realm.Settings) {
		s.Services["own"] = login.NewKeeper(login.PasswordPolicy{})
	})
	change := func(account store.Account, password string) error {
		_, err := w.Realm.ChangePassword(t.Context(), account, oauth.NewSecret(password))
		return err
	}
	if err := change(store.Account{Service: "staff", ID: "demo"}, "vexing otters at dawn"); !errors.Is(err, realm.ErrNoPasswordChange) {
		t.Errorf("of a service that cannot: %v", err)
	}
	if err := change(store.Account{Service: "own", ID: "nobody"}, "vexing otters at dawn"); !errors.Is(err, login.ErrNoAccount) {
		t.Errorf("of nobody: %v", err)
	}
	accounts, err := w.Realm.Accounts("")
	if err != nil || accounts.Service != "own" {
		t.Fatalf("%+v, %v", accounts, err)
	}
	made, err := accounts.Create(t.Context(), store.StoredAccount{Username: "alice", Claims: "{}"}, nil)
	if err != nil || len(made.ID) < 20 {
		t.Fatalf("%+v, %v", made, err)
	}
	var weak *login.WeakPassword
	if err := change(made.Account, "otters"); !errors.As(err, &weak) {
		t.Errorf("a short one: %v", err)
	}
	w.Observer.WantTold(t, " user_created subject=own:"+made.ID)
	if err := change(made.Account, "vexing otters at dawn"); err != nil {
		t.Fatal(err)
	}
	w.Observer.WantTold(t, "user password_changed subject=own:"+made.ID)
	if _, err := w.Realm.Accounts("staff"); !errors.Is(err, realm.ErrNoKeeper) {
		t.Errorf("of a service that keeps none: %v", err)
	}
}
