package grants_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestPasswordGrant(t *testing.T) {
	w := newWorld(t)
	answer := w.signIn(t, "web", "scope", "openid read").Want(http.StatusOK, "")
	access := w.access(t, answer)
	if access.Subject != "demo" || access.ClientID != "web" || access.GrantID == "" || access.ACR != login.ACRPassword ||
		!slices.Equal(access.AMR, []string{login.AMRPassword}) || !access.AuthTime.Equal(w.Clock.Now()) {
		t.Errorf("access token says %+v", access)
	}
	id := payload(t, answer.Text("id_token"))
	if id["sub"] != "demo" || id["aud"] != "web" || id["acr"] != login.ACRPassword || id["nonce"] != nil || id["sid"] != nil {
		t.Errorf("ID token says %v", id)
	}
	again := w.refresh(t, "web", answer.Text("refresh_token")).Want(http.StatusOK, "")
	if got := w.access(t, again); got.GrantID != access.GrantID || !got.AuthTime.Equal(access.AuthTime) {
		t.Errorf("after a refresh it says %+v", got)
	}
}

func TestPasswordGrantScope(t *testing.T) {
	w := newWorld(t)
	answer := w.signIn(t, "web").Want(http.StatusOK, "")
	if answer.Text("scope") != "read" || answer.Text("id_token") != "" {
		t.Errorf("without a scope: %s", answer.Body)
	}
	w.signIn(t, "web", "scope", "admin").Want(http.StatusBadRequest, "invalid_scope")
	w.signIn(t, "web", "resource", "https://evil.example.com").Want(http.StatusBadRequest, "invalid_target")
	if calls := w.Staff.Calls(); calls != 1 {
		t.Errorf("%d password checks, want one: the cheap checks come first", calls)
	}
	answer = w.signIn(t, "once").Want(http.StatusOK, "")
	if answer.Text("refresh_token") != "" {
		t.Errorf("a client that gets no refresh tokens: %s", answer.Body)
	}
}

func TestPasswordGrantMissingParameters(t *testing.T) {
	w := newWorld(t)
	for missing, form := range map[string][]string{
		"username": {"grant_type", "password", "password", "Ch4ng31t"},
		"password": {"grant_type", "password", "username", "demo", "password", ""},
	} {
		answer := w.post(t, "web", form...).Want(http.StatusBadRequest, "invalid_request")
		if got := answer.Text("error_description"); got != "Missing parameter, '"+missing+"'" {
			t.Errorf("%q", got)
		}
	}
}

func TestA32_UnknownUserLooksLikeAWrongPassword(t *testing.T) {
	w := newWorld(t)
	answers := map[string]string{}
	for name, credentials := range map[string][2]string{
		"unknown user":                        {"nobody", "Ch4ng31t"},
		"wrong password":                      {"demo", "wrong"},
		"a client's name":                     {"mallory", "Ch4ng31t"},
		"user of a service that is not asked": {"guest", "guest"},
	} {
		answer := w.post(t, "web", "grant_type", "password", "username", credentials[0], "password", credentials[1]).
			Want(http.StatusBadRequest, "invalid_grant")
		answers[answer.Body.String()] = name
	}
	if len(answers) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
	if logged := w.Logged(); !strings.Contains(logged, "bears the id of a client") || strings.Contains(logged, "Ch4ng31t") {
		t.Errorf("logged %q", logged)
	}
}

func TestAuthChain(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct{ name, chain, password, subject, code string }{
		{"none: the first that the realm lists", "", "Ch4ng31t", "demo", ""},
		{"the default by name", "staff", "Ch4ng31t", "demo", ""},
		{"another service is another person", "ldap", "ldap-Ch4ng31t", "ldap:demo", ""},
		{"the other's password", "ldap", "Ch4ng31t", "", "invalid_grant"},
		{"one that is not for the password grant", "guests", "Ch4ng31t", "", "invalid_request"},
		{"one that does not exist", "magic", "Ch4ng31t", "", "invalid_request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status := http.StatusOK
			if test.code != "" {
				status = http.StatusBadRequest
			}
			answer := w.post(t, "web", "grant_type", "password", "username", "demo", "password", test.password,
				"auth_chain", test.chain).Want(status, test.code)
			if test.code == "" && w.access(t, answer).Subject != test.subject {
				t.Errorf("sub %q", w.access(t, answer).Subject)
			}
			if description := answer.Text("error_description"); strings.Contains(description, "magic") ||
				test.code == "invalid_request" && !strings.Contains(description, "auth_chain") {
				t.Errorf("%q", description)
			}
		})
	}
}

func TestPasswordServicePrecedence(t *testing.T) {
	w := newWorld(t, func(s *realm.Settings) { s.PasswordServices = []string{"ldap"} })
	w.signIn(t, "web").Want(http.StatusBadRequest, "invalid_grant")
	w.signIn(t, "web", "auth_chain", "staff").Want(http.StatusBadRequest, "invalid_request")
	w = newWorld(t, func(s *realm.Settings) { s.PasswordServices = nil })
	w.signIn(t, "web").Want(http.StatusOK, "")
	w.signIn(t, "web", "auth_chain", "ldap").Want(http.StatusBadRequest, "invalid_request")
}

func TestAS61_ServiceThatCannotAnswerIsNoInvalidGrant(t *testing.T) {
	w := newWorld(t)
	for _, fault := range []error{hashing.ErrBusy, realmtest.ErrFault, fmt.Errorf("ldap: %w", realmtest.ErrFault)} {
		w.Staff.Fail(fault)
		answer := w.signIn(t, "web").Want(http.StatusServiceUnavailable, "temporarily_unavailable")
		if strings.Contains(answer.Body.String(), realmtest.ErrFault.Error()) {
			t.Errorf("the caller is told %s", answer.Body)
		}
		if !strings.Contains(w.Logged(), fault.Error()) {
			t.Errorf("the operator is not told of %q", fault)
		}
	}
}

// The family of a password grant ends as any other does.
func TestAS35_PasswordFamilyExpires(t *testing.T) {
	w := newWorld(t)
	refresh := w.signIn(t, "web").Text("refresh_token")
	w.Clock.Advance(7*24*time.Hour + time.Second)
	w.refresh(t, "web", refresh).Want(http.StatusBadRequest, "invalid_grant")
}

func TestSharedAccounts(t *testing.T) {
	w := newWorld(t, func(s *realm.Settings) { s.SharedAccounts = true })
	answer := w.post(t, "web", "grant_type", "password", "username", "demo", "password", "ldap-Ch4ng31t", "auth_chain", "ldap").
		Want(http.StatusOK, "")
	if got := w.access(t, answer).Subject; got != "demo" {
		t.Errorf("sub %q", got)
	}
	if _, err := oauth.ParseJWS(answer.Text("access_token")); err != nil {
		t.Error(err)
	}
}

// Who has a second factor does not lose it to whoever has the password, nor to
// another service that shares the account.
func TestPasswordGrantOfAnAccountWithASecondFactor(t *testing.T) {
	w := newWorld(t, func(s *realm.Settings) { s.SharedAccounts = true })
	err := w.Store.AddCredential(t.Context(), store.Credential{
		Realm: w.Realm.Name, Account: store.Account{Service: "staff", ID: "demo"},
		Kind: store.CredentialTOTP, ID: "totp", Data: "sealed", Created: w.Clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong := w.post(t, "web", "grant_type", "password", "username", "demo", "password", "wrong").Want(http.StatusBadRequest, "invalid_grant")
	for _, right := range []realmtest.Answer{
		w.signIn(t, "web"),
		w.post(t, "web", "grant_type", "password", "username", "demo", "password", "ldap-Ch4ng31t", "auth_chain", "ldap"),
	} {
		right.Want(http.StatusBadRequest, "invalid_grant")
		if right.Body.String() != wrong.Body.String() {
			t.Errorf("a right password is answered with %s, a wrong one with %s", right.Body, wrong.Body)
		}
	}
}
