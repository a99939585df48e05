package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// usersOption is a realm whose users lie in the store, and a client that signs them
// in, for newUsers.
const usersOption = `audit {
		store
	}
	authentication guests store
	realm / {
		issuer http://localhost/oauth2
		resource ` + apiAudience + `
		grants password refresh_token client_credentials
		authentication staff store
		default_authentication staff
		json_authenticate
		client web {
			secret s3cret-of-the-configuration
			grants password refresh_token
			scopes openid read
			default_scopes read
		}
	}`

// newUsers is a gateway that takes the tokens of a realm with users of its own.
func newUsers(t *testing.T) *operated {
	t.Helper()
	return newOperated(t, usersOption, setup{site: "oauth2_server\n", block: "realm /"})
}

// madeUser is what the admin API answers.
type madeUser struct {
	Realm, Service, ID, Subject, Username string
	Disabled                              bool
	Claims                                map[string]any
	Version                               int64
	Created, Updated                      time.Time
	PasswordChanged                       time.Time `json:"password_changed"`
}

// Passwords of the tests, which no policy refuses.
const (
	firstPassword  = "vexing otters at dawn"
	secondPassword = "vexing otters at dusk"
)

// post sends a form to the token endpoint as the client web.
func (o *operated) post(pairs ...string) (document map[string]any) {
	o.t.Helper()
	form := url.Values{"client_id": {"web"}, "client_secret": {"s3cret-of-the-configuration"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	body := form.Encode()
	answer := o.raw(fmt.Sprintf("POST /oauth2/access_token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", o.address, len(body), body))
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil {
		o.t.Fatal(err)
	}
	return document
}

// signIn gives the access and refresh token of a user, or the error.
func (o *operated) signIn(username, password string, more ...string) (access, refresh, fault string) {
	o.t.Helper()
	document := o.post(append([]string{"grant_type", "password", "username", username, "password", password}, more...)...)
	access, _ = document["access_token"].(string)
	refresh, _ = document["refresh_token"].(string)
	fault, _ = document["error"].(string)
	return access, refresh, fault
}

// user is must for what answers a user.
func (o *operated) user(method, path string, body any) (user madeUser) {
	o.t.Helper()
	o.must(method, path, body, &user)
	return user
}

// wantSignIn sees whether a password signs somebody in.
func (o *operated) wantSignIn(username, password, want string) {
	o.t.Helper()
	if _, _, fault := o.signIn(username, password); fault != want {
		o.t.Errorf("%s with %q: %q, want %q", username, password, fault, want)
	}
}

func TestUsersComeAndGoWithoutAReload(t *testing.T) {
	o := newUsers(t)
	made := o.user(http.MethodPost, "/oauth2/users?service=staff", map[string]any{
		"username": "alice", "password": firstPassword, "claims": map[string]any{"name": "Alice", "roles": []string{"a"}},
	})
	if made.ID == "" || made.Subject != made.ID || made.Service != "staff" || made.Version == 0 || made.Claims["name"] != "Alice" || made.PasswordChanged.IsZero() {
		t.Fatalf("%+v", made)
	}
	o.wantSignIn("alice", firstPassword, "")
	o.wantSignIn("alice", secondPassword, "invalid_grant")
	path := "/oauth2/users/" + made.ID + "?service=staff"
	shown := o.user(http.MethodGet, path, nil)
	if shown.ID != made.ID || shown.Version != made.Version || !shown.Created.Equal(made.Created) {
		t.Errorf("%+v, then %+v", made, shown)
	}

	version := fmt.Sprintf("%s&version=%d", path, made.Version)
	shown = o.user(http.MethodPut, version, map[string]any{"username": "Alice", "claims": map[string]any{"name": "Alice Liddell"}})
	if shown.Username != "Alice" || shown.Claims["name"] != "Alice Liddell" || shown.Claims["roles"] != nil || shown.Version <= made.Version {
		t.Errorf("%+v", shown)
	}
	o.wantSignIn("alice", firstPassword, "invalid_grant")
	o.wantSignIn("Alice", firstPassword, "")
	o.mustRefuse(http.MethodPut, version, map[string]any{"username": "x"}, http.StatusConflict, "changed meanwhile")
	o.mustRefuse(http.MethodDelete, version, nil, http.StatusConflict, "changed meanwhile")

	shown = o.user(http.MethodPut, path, map[string]any{"username": "Alice", "disabled": true})
	if !shown.Disabled {
		t.Errorf("%+v", shown)
	}
	o.wantSignIn("Alice", firstPassword, "invalid_grant")
	o.must(http.MethodPut, path, map[string]any{"username": "Alice"}, nil)
	o.wantSignIn("Alice", firstPassword, "")

	o.must(http.MethodPost, "/oauth2/users/"+made.ID+"/password?service=staff", map[string]any{"password": secondPassword}, nil)
	o.wantSignIn("Alice", firstPassword, "invalid_grant")
	o.wantSignIn("Alice", secondPassword, "")

	// A service that is no default, and a user without a password.
	made = o.user(http.MethodPost, "/oauth2/users?service=guests", map[string]any{"id": "g/1", "username": "Alice"})
	if made.Subject != "guests:g/1" || !made.PasswordChanged.IsZero() {
		t.Errorf("%+v", made)
	}
	shown = o.user(http.MethodGet, "/oauth2/users/g%2F1?service=guests", nil)
	o.mustRefuse(http.MethodGet, "/oauth2/users/g%2F1?service=staff", nil, http.StatusNotFound, "no such user")

	o.must(http.MethodDelete, path, nil, nil)
	o.wantSignIn("Alice", secondPassword, "invalid_grant")
	o.mustRefuse(http.MethodDelete, path, nil, http.StatusNotFound, "no such user")
	o.mustRefuse(http.MethodPut, path, map[string]any{"username": "x"}, http.StatusNotFound, "no such user")
	for _, password := range []string{firstPassword, secondPassword} {
		o.mustNotHold(password)
	}
}

// A hash that was made elsewhere signs in, and no answer shows one.
func TestUsersBringTheHashOfTheirPassword(t *testing.T) {
	o := newUsers(t)
	const hash = "$argon2id$v=19$m=64,t=3,p=2$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA" // of Ch4ng31t
	status, answer := o.tell(http.MethodPost, "/oauth2/users?service=staff", map[string]any{"id": "1", "username": "demo", "hash": hash})
	if status != http.StatusOK {
		t.Fatal(status, answer)
	}
	_, list := o.tell(http.MethodGet, "/oauth2/users?service=staff", nil)
	o.mustNotHold("$argon2id", answer, list)
	o.wantSignIn("demo", "Ch4ng31t", "")
	o.must(http.MethodPost, "/oauth2/users/1/password?service=staff", map[string]any{"password": firstPassword}, nil)
	o.wantSignIn("demo", "Ch4ng31t", "invalid_grant")
	o.must(http.MethodPost, "/oauth2/users/1/password?service=staff", map[string]any{"hash": hash}, nil)
	o.wantSignIn("demo", "Ch4ng31t", "")
}

// TestAS41_WhatRestsOnASignInEndsWithIt signs somebody in and changes the account
// over the admin API: refresh family, session and access token are dead with the
// answer, and what another user has is not.
func TestAS41_WhatRestsOnASignInEndsWithIt(t *testing.T) {
	o := newUsers(t)
	o.must(http.MethodPost, "/oauth2/users?service=staff", map[string]any{"id": "bob", "username": "bob", "password": firstPassword}, nil)
	bob, bobRefresh, _ := o.signIn("bob", firstPassword)
	user := func(part string) string { return "/oauth2/users/alice" + part + "?service=staff" }
	sessions := func(subject string) int {
		var page struct{ Sessions []struct{ ID string } }
		o.must(http.MethodGet, "/oauth2/sessions?subject="+subject, nil, &page)
		return len(page.Sessions)
	}
	for _, c := range []struct {
		name, event string
		end         func()
		again       func()
	}{
		{"another password", "password_changed", func() {
			o.must(http.MethodPost, user("/password"), map[string]any{"password": secondPassword}, nil)
		}, func() {
			o.must(http.MethodPost, user("/password"), map[string]any{"password": firstPassword}, nil)
		}},
		{"disabled", "user_disabled", func() {
			o.must(http.MethodPut, user(""), map[string]any{"username": "alice", "disabled": true}, nil)
		}, func() {
			o.must(http.MethodPut, user(""), map[string]any{"username": "alice"}, nil)
		}},
		{"deleted", "user_deleted", func() { o.must(http.MethodDelete, user(""), nil, nil) }, nil},
	} {
		if c.name == "another password" {
			o.must(http.MethodPost, "/oauth2/users?service=staff", map[string]any{"id": "alice", "username": "alice", "password": firstPassword}, nil)
		}
		access, refresh, fault := o.signIn("alice", firstPassword)
		if fault != "" {
			t.Fatalf("%s: %s", c.name, fault)
		}
		o.raw(fmt.Sprintf("POST /json/authenticate HTTP/1.1\r\nHost: %s\r\nX-OpenAM-Username: alice\r\nX-OpenAM-Password: %s\r\nContent-Length: 0\r\n\r\n", o.address, firstPassword))
		if n := sessions("alice"); n != 1 {
			t.Fatalf("%s: %d sessions", c.name, n)
		}
		wantStatus(t, o.send("GET /", "Authorization: Bearer "+access), http.StatusOK)
		c.end()
		wantStatus(t, o.send("GET /", "Authorization: Bearer "+access), http.StatusUnauthorized)
		if fault := o.post("grant_type", "refresh_token", "refresh_token", refresh)["error"]; fault != "invalid_grant" {
			t.Errorf("%s: the refresh token gets %v", c.name, fault)
		}
		if n := sessions("alice"); n != 0 {
			t.Errorf("%s: %d sessions", c.name, n)
		}
		o.wantSignIn("alice", firstPassword, "invalid_grant")
		told := o.records("event="+c.event+"&subject=alice", 1)
		if len(told.Records) != 1 || told.Records[0].Actor != "admin" || told.Records[0].Realm != "/" {
			t.Errorf("%s is told as %+v", c.name, told)
		}
		if c.again == nil {
			continue
		}
		c.again()
		// What is begun next is good.
		if access, _, fault = o.signIn("alice", firstPassword); fault != "" {
			t.Fatalf("%s, and back: %s", c.name, fault)
		}
		wantStatus(t, o.send("GET /", "Authorization: Bearer "+access), http.StatusOK)
		o.must(http.MethodPost, "/oauth2/tokens/revoke", map[string]string{"subject": "alice"}, nil)
	}
	wantStatus(t, o.send("GET /", "Authorization: Bearer "+bob), http.StatusOK)
	if fault := o.post("grant_type", "refresh_token", "refresh_token", bobRefresh)["error"]; fault != nil {
		t.Errorf("of another user: %v", fault)
	}
}

// AS50: no user has the id of a client as subject, and no client that of a user,
// a disabled one included.
func TestAS50_UsersAndClientsShareNoSubject(t *testing.T) {
	o := newUsers(t)
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "batch"), nil)
	for _, id := range []string{"web", "batch"} {
		o.mustRefuse(http.MethodPost, "/oauth2/users?service=staff", map[string]any{"id": id, "username": id}, http.StatusConflict, "choose another id")
		// There it would be guests:batch.
		o.must(http.MethodPost, "/oauth2/users?service=guests", map[string]any{"id": id, "username": id}, nil)
	}
	o.must(http.MethodPost, "/oauth2/users?service=staff", map[string]any{"id": "alice", "username": "a", "disabled": true}, nil)
	o.must(http.MethodPost, "/oauth2/users?service=guests", map[string]any{"id": "bob", "username": "b"}, nil)
	for id, status := range map[string]int{"alice": http.StatusConflict, "guests:bob": http.StatusConflict} {
		o.mustRefuse(http.MethodPost, "/oauth2/clients", machine("id", id), status, "an account of the realm has the subject")
	}
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "bob"), nil)
}

func TestWhatTheAdminAPIRefusesOfUsers(t *testing.T) {
	o := newUsers(t)
	o.must(http.MethodPost, "/oauth2/users?service=staff", map[string]any{"id": "1", "username": "alice", "password": firstPassword}, nil)
	const users, one, password = "/oauth2/users?service=staff", "/oauth2/users/1?service=staff", "/oauth2/users/1/password?service=staff"
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		want         string
	}{
		{http.MethodPost, users, map[string]any{"username": "alice"}, 409, "already"},
		{http.MethodPost, users, map[string]any{"id": "1", "username": "bob"}, 409, "already"},
		{http.MethodPost, users, map[string]any{}, 400, "needs a username"},
		{http.MethodPost, users, map[string]any{"username": "a\nb"}, 400, "control character"},
		{http.MethodPost, users, map[string]any{"username": strings.Repeat("x", 257)}, 400, "1 to 256 bytes"},
		{http.MethodPost, users, map[string]any{"id": "a:b", "username": "b"}, 400, "without a colon"},
		{http.MethodPost, users, map[string]any{"id": "é", "username": "b"}, 400, "printable ASCII"},
		{http.MethodPost, users, map[string]any{"id": "..", "username": "b"}, 400, "not itself in a path"},
		{http.MethodPost, users, map[string]any{"username": "b", "claims": map[string]any{"sub": "x"}}, 400, "belongs to the protocol"},
		{http.MethodPost, users, map[string]any{"username": "b", "claims": []string{}}, 400, "no JSON object"},
		{http.MethodPost, users, map[string]any{"username": "b", "password": "short"}, 400, "shorter than 15 characters"},
		{http.MethodPost, users, map[string]any{"username": "b", "password": "password12345678"}, 400, "tried first"},
		{http.MethodPost, users, map[string]any{"username": "otterbridge", "password": "Otter-Bridge 2026"}, 400, "the name of the user"},
		{http.MethodPost, users, map[string]any{"username": "b", "password": firstPassword + "\n"}, 400, "control character"},
		{http.MethodPost, users, map[string]any{"username": "b", "password": firstPassword, "hash": "x"}, 400, "either"},
		{http.MethodPost, users, map[string]any{"username": "b", "hash": "$2a$04$b7IOW6HBDsG0UeYWcqQxquEiEew4eAZ5kBYTl9YYn5z1QnI/YRDB."}, 400, "no argon2id hash"},
		{http.MethodPost, users, map[string]any{"username": "b", "hash": firstPassword}, 400, "no argon2id hash"},
		{http.MethodPost, users, map[string]any{"username": "b", "name": "B"}, 400, "no other members"},
		{http.MethodPost, users + "&version=1", map[string]any{"username": "b"}, 400, "has another"},
		{http.MethodPost, "/oauth2/users", map[string]any{"username": "b"}, 409, "name one of realm /: guests, staff"},
		{http.MethodPost, "/oauth2/users?service=nobody", map[string]any{"username": "b"}, 409, "name one of realm /: guests, staff"},
		{http.MethodGet, "/oauth2/users?service=staff&realm=/none", nil, 404, "no such realm"},
		{http.MethodGet, "/oauth2/users?service=staff&limit=501", nil, 400, "1 to 500"},
		{http.MethodGet, "/oauth2/users?service=staff&prefix=%00", nil, 400, "NUL"},
		{http.MethodPut, one, map[string]any{"id": "2", "username": "alice"}, 400, "keeps the id"},
		{http.MethodPut, one, map[string]any{"username": "alice", "password": firstPassword}, 400, "/password"},
		{http.MethodPut, one, map[string]any{}, 400, "needs a username"},
		{http.MethodPut, one + "&version=x", map[string]any{"username": "a"}, 400, "version is the number"},
		{http.MethodPost, password, map[string]any{}, 400, "neither"},
		{http.MethodPost, password, map[string]any{"password": "alice alice alice"}, 400, "the name of the user"},
		{http.MethodPost, "/oauth2/users/2/password?service=staff", map[string]any{"password": secondPassword}, 404, "no such user"},
		{http.MethodPatch, one, nil, 405, "there are DELETE, GET, PUT"},
	} {
		o.mustRefuse(c.method, c.path, c.body, c.status, c.want)
	}
	o.wantSignIn("alice", firstPassword, "")
	o.mustNotHold(firstPassword)
}

func TestUsersAreListedPageByPage(t *testing.T) {
	o := newUsers(t)
	for _, name := range []string{"bob", "adam", "ada", "Zoe", "adele"} {
		o.must(http.MethodPost, "/oauth2/users?service=staff", map[string]any{"username": name}, nil)
	}
	o.must(http.MethodPost, "/oauth2/users?service=guests", map[string]any{"username": "ada"}, nil)
	for query, want := range map[string][]string{
		"": {"Zoe", "ada", "adam", "adele", "bob"}, "&prefix=ad": {"ada", "adam", "adele"}, "&prefix=x": nil,
		"&username=ada": {"ada"}, "&username=ad": nil, "&username=": nil,
	} {
		var names []string
		for after := ""; ; {
			var page struct {
				Users []madeUser
				Next  string
			}
			o.must(http.MethodGet, "/oauth2/users?service=staff&limit=2&after="+url.QueryEscape(after)+query, nil, &page)
			for _, user := range page.Users {
				names = append(names, user.Username)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("%q: %q, want %q", query, names, want)
		}
	}
}

func TestUserChangesAreAudited(t *testing.T) {
	o := newUsers(t)
	path := "/oauth2/users/1?service=staff"
	o.must(http.MethodPost, "/oauth2/users?service=staff", map[string]any{"id": "1", "username": "alice"}, nil)
	o.must(http.MethodPut, path, map[string]any{"username": "Alice"}, nil)
	o.must(http.MethodPut, path, map[string]any{"username": "alice", "disabled": true}, nil)
	o.must(http.MethodPut, path, map[string]any{"username": "alice", "disabled": true}, nil)
	o.must(http.MethodPut, path, map[string]any{"username": "Alice"}, nil)
	o.must(http.MethodPost, "/oauth2/users/1/password?service=staff", map[string]any{"password": firstPassword}, nil)
	o.must(http.MethodDelete, path, nil, nil)
	var events []string
	for _, told := range o.records("subject=1", 7).Records {
		events = append(events, told.Event)
		if told.Actor != "admin" || told.Realm != "/" {
			t.Errorf("%+v", told)
		}
	}
	slices.Reverse(events) // the newest is the first
	if want := []string{"user_created", "user_changed", "user_disabled", "user_changed", "user_enabled", "password_changed", "user_deleted"}; !slices.Equal(events, want) {
		t.Errorf("told %v, want %v", events, want)
	}
}

func TestWithoutAServiceThereAreNoUsers(t *testing.T) {
	o := newRegistry(t)
	o.mustRefuse(http.MethodGet, "/oauth2/users", nil, http.StatusConflict, "authentication NAME store")
}
