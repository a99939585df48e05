package endpoint_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// signIn is a request as AM documents it, with its headers changed: name,
// value, name, value; an empty value takes the header away.
func signIn(changes ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/json/realms/root/authenticate", nil)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-API-Version", "resource=2.0, protocol=1.0")
	r.Header.Set("X-OpenAM-Username", "demo")
	r.Header.Set("X-OpenAM-Password", "Ch4ng31t")
	for i := 0; i+1 < len(changes); i += 2 {
		r.Header.Del(changes[i])
		if changes[i+1] != "" {
			r.Header.Set(changes[i], changes[i+1])
		}
	}
	return r
}

// wantAM fails unless the answer is AM's error document for a status.
func wantAM(t *testing.T, answer realmtest.Answer, status int, reason string) {
	t.Helper()
	document := answer.Document()
	if answer.Code != status || document["code"] != float64(status) || document["reason"] != reason || answer.Text("message") == "" {
		t.Errorf("answered %d %s, want %d %s", answer.Code, answer.Body, status, reason)
	}
	if answer.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", answer.Header().Get("Cache-Control"))
	}
}

func TestJSONAuthenticate(t *testing.T) {
	w := realmtest.New(t)
	answer := realmtest.Do(t, endpoint.JSONAuthenticate(w.Realm), signIn()).Want(http.StatusOK, "")
	document := answer.Document()
	if len(document) != 3 || document["successUrl"] != w.Realm.Issuer || document["realm"] != "/" {
		t.Errorf("answered %s", answer.Body)
	}
	if answer.Header().Get("Content-API-Version") != "resource=2.0, protocol=1.0" {
		t.Errorf("Content-API-Version %q", answer.Header().Get("Content-API-Version"))
	}
	for _, name := range []string{"Set-Cookie", "Access-Control-Allow-Origin"} {
		if value := answer.Header().Get(name); value != "" {
			t.Errorf("%s: %s", name, value)
		}
	}
	id := oauth.NewSecret(answer.Text("tokenId"))
	session, err := w.Realm.Sessions.Find(t.Context(), store.SessionJSON, id, w.Clock.Now())
	if err != nil || session.Subject != "demo" || session.ACR != login.ACRPassword || !session.AuthTime.Equal(w.Clock.Now()) {
		t.Errorf("session %+v, %v", session, err)
	}
	if _, err := w.Realm.Sessions.Find(t.Context(), store.SessionBrowser, id, w.Clock.Now()); err == nil {
		t.Error("it passes for a browser session")
	}
}

func TestJSONAuthenticateCredentials(t *testing.T) {
	w := realmtest.New(t)
	handler := endpoint.JSONAuthenticate(w.Realm)
	for name, request := range map[string]*http.Request{
		"as encoded words": signIn("X-OpenAM-Username", "=?UTF-8?B?ZGVtbw==?=", "X-OpenAM-Password", "=?utf-8?q?Ch4ng=331t?="),
		"no content type":  signIn("Content-Type", ""),
		"with a charset":   signIn("Content-Type", "application/json; charset=utf-8"),
		"no version":       signIn("Accept-API-Version", ""),
		"an empty object": func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/json/authenticate?realm=/", strings.NewReader("{}"))
			r.Header = signIn().Header
			return r
		}(),
	} {
		t.Run(name, func(t *testing.T) { realmtest.Do(t, handler, request).Want(http.StatusOK, "") })
	}
	// One text for whatever is wrong, in the shape of the version asked for.
	const failed = `{"code":401,"reason":"Unauthorized","message":"Authentication Failed","detail":{"failureUrl":""}}` + "\n"
	for name, changes := range map[string][]string{
		"wrong password":                 {"X-OpenAM-Password", "wrong"},
		"unknown user":                   {"X-OpenAM-Username", "nobody"},
		"a user of another service":      {"X-OpenAM-Username", "guest", "X-OpenAM-Password", "guest"},
		"a user with the id of a client": {"X-OpenAM-Username", "mallory"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := realmtest.Do(t, handler, signIn(changes...))
			if answer.Code != http.StatusUnauthorized || answer.Body.String() != failed {
				t.Errorf("answered %d %s", answer.Code, answer.Body)
			}
			answer = realmtest.Do(t, handler, signIn(append(changes, "Accept-API-Version", "resource=1.0")...))
			if answer.Code != http.StatusUnauthorized || answer.Body.String() != `{"errorMessage":"Authentication Failed","failureUrl":""}`+"\n" {
				t.Errorf("version 1 answered %d %s", answer.Code, answer.Body)
			}
		})
	}
	for name, changes := range map[string][]string{
		"no user name":        {"X-OpenAM-Username", ""},
		"no password":         {"X-OpenAM-Password", ""},
		"neither":             {"X-OpenAM-Username", "", "X-OpenAM-Password", ""},
		"a broken word":       {"X-OpenAM-Username", "=?UTF-8?B?!?="},
		"an unknown charset":  {"X-OpenAM-Username", "=?magic?B?ZGVtbw==?="},
		"NUL in a word":       {"X-OpenAM-Username", "=?UTF-8?B?ZGUAbW8=?="},
		"an empty word":       {"X-OpenAM-Username", "=?UTF-8?B??="},
		"bytes of Latin-1":    {"X-OpenAM-Username", "d\xe9mo"},
		"an endless password": {"X-OpenAM-Password", strings.Repeat("x", oauth.MaxCredentialBytes+1)},
	} {
		t.Run(name, func(t *testing.T) {
			wantAM(t, realmtest.Do(t, handler, signIn(changes...)), http.StatusBadRequest, "Bad Request")
		})
	}
	t.Run("two user names", func(t *testing.T) {
		r := signIn()
		r.Header.Add("X-OpenAM-Username", "demo")
		wantAM(t, realmtest.Do(t, handler, r), http.StatusBadRequest, "Bad Request")
	})
}

func TestJSONAuthenticateRequest(t *testing.T) {
	w := realmtest.New(t)
	handler := endpoint.JSONAuthenticate(w.Realm)
	request := func(method, target, body string, changes ...string) *http.Request {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header = signIn(changes...).Header
		return r
	}
	for _, test := range []struct {
		name    string
		request *http.Request
		status  int
	}{
		{"GET", request(http.MethodGet, "/", ""), http.StatusMethodNotAllowed},
		{"a preflight", request(http.MethodOptions, "/", "", "Origin", "https://evil.example.com"), http.StatusMethodNotAllowed},
		{"a form", request(http.MethodPost, "/", "", "Content-Type", "application/x-www-form-urlencoded"), http.StatusUnsupportedMediaType},
		{"text", request(http.MethodPost, "/", "{}", "Content-Type", "text/plain"), http.StatusUnsupportedMediaType},
		{"a body without a type", request(http.MethodPost, "/", "{}", "Content-Type", ""), http.StatusUnsupportedMediaType},
		{"another service", request(http.MethodPost, "/?authIndexType=service&authIndexValue=ldap", ""), http.StatusBadRequest},
		{"no session wanted", request(http.MethodPost, "/?noSession=true", ""), http.StatusBadRequest},
		{"a bad query", request(http.MethodPost, "/?realm=%FF", ""), http.StatusBadRequest},
		{"an unknown version", request(http.MethodPost, "/", "", "Accept-API-Version", "resource=999.0"), http.StatusNotFound},
		{"a bad version", request(http.MethodPost, "/", "", "Accept-API-Version", "<b>"), http.StatusBadRequest},
		{"a page of a browser", request(http.MethodPost, "/", "", "Origin", "https://evil.example.com"), http.StatusForbidden},
		{"a page of our own", request(http.MethodPost, "/", "", "Origin", "https://auth.example.com"), http.StatusForbidden},
		{"a referring page", request(http.MethodPost, "/", "", "Referer", "https://auth.example.com/"), http.StatusForbidden},
		{"fetch metadata", request(http.MethodPost, "/", "", "Sec-Fetch-Site", "none"), http.StatusForbidden},
		{"other fetch metadata", request(http.MethodPost, "/", "", "Sec-Fetch-Dest", "empty"), http.StatusForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := realmtest.Do(t, handler, test.request)
			wantAM(t, answer, test.status, http.StatusText(test.status))
			if (test.status == http.StatusMethodNotAllowed) != (answer.Header().Get("Allow") == http.MethodPost) {
				t.Errorf("Allow %q", answer.Header().Get("Allow"))
			}
			if strings.Contains(answer.Body.String(), "<b>") {
				t.Errorf("it repeats what was sent: %s", answer.Body)
			}
		})
	}
	if w.Staff.Calls() != 0 {
		t.Error("a refused request led to a password check")
	}
	answer := realmtest.Do(t, handler, signIn("Accept-API-Version", "resource=999.0"))
	if got := answer.Text("message"); got != `Accept-API-Version: Requested version "999.0" does not match any routes.` {
		t.Errorf("%q", got)
	}
}

func TestAS61_JSONAuthenticateUnavailable(t *testing.T) {
	w := realmtest.New(t)
	handler := endpoint.JSONAuthenticate(w.Realm)
	unavailable := func(t *testing.T) {
		t.Helper()
		answer := realmtest.Do(t, handler, signIn())
		wantAM(t, answer, http.StatusServiceUnavailable, "Service Unavailable")
		if answer.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	for _, fault := range []error{hashing.ErrBusy, realmtest.ErrFault} {
		w.Staff.Fail(fault)
		unavailable(t)
		if !strings.Contains(w.Logged(), fault.Error()) {
			t.Errorf("the operator is not told of %q", fault)
		}
	}
	w.Staff.Fail(nil)
	w.Store.Fail("CreateSession")
	unavailable(t)
	w.Store.Fail("")
}

// Who has a second factor does not lose it to whoever has the password.
func TestJSONAuthenticateOfAnAccountWithASecondFactor(t *testing.T) {
	w := realmtest.New(t)
	err := w.Store.AddCredential(t.Context(), store.Credential{
		Realm: w.Realm.Name, Account: store.Account{Service: "staff", ID: "demo"},
		Kind: store.CredentialTOTP, ID: "totp", Data: "sealed", Created: w.Clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	wantAM(t, realmtest.Do(t, endpoint.JSONAuthenticate(w.Realm), signIn()), http.StatusUnauthorized, "Unauthorized")
}

// slow is a service whose answer takes a second.
type slow struct {
	login.Passwords
	clock *realmtest.Clock
}

func (s slow) Authenticate(ctx context.Context, username string, password oauth.Secret) (login.Account, error) {
	defer s.clock.Advance(time.Second)
	return s.Passwords.Authenticate(ctx, username, password)
}

// A session is as old as the password that was sent, so that it does not outlive
// what ended while that was looked at.
func TestAS41_JSONAuthenticateIsAsOldAsItsPassword(t *testing.T) {
	w := realmtest.New(t)
	sent := w.Clock.Now()
	w.Realm.Services["staff"] = slow{w.Realm.Services["staff"].(login.Passwords), w.Clock}
	answer := realmtest.Do(t, endpoint.JSONAuthenticate(w.Realm), signIn()).Want(http.StatusOK, "")
	session, err := w.Realm.Sessions.Known(t.Context(), oauth.NewSecret(answer.Text("tokenId")), w.Clock.Now())
	if err != nil || !session.AuthTime.Equal(sent) || !session.Created.Equal(sent) {
		t.Errorf("session %+v, %v; it was sent at %v", session, err, sent)
	}
}
