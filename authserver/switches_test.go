package authserver_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// toggle puts the switches of a realm on this node.
func (n *clientNode) toggle(switches store.Switches) store.Switches {
	n.t.Helper()
	if switches.Realm == "" {
		switches.Realm = "/"
	}
	put, err := n.backend.Clients().Switch(n.t.Context(), switches)
	if err != nil {
		n.t.Fatal(err)
	}
	return put
}

// get reads a path of the realm.
func (n *clientNode) get(path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	n.server.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder
}

// A realm that is disabled answers 503 at every endpoint of every node, and its
// tokens are refused until it is back; other realms go on.
func TestADisabledRealmIsOutOfServiceOnEveryNode(t *testing.T) {
	here, there := twoNodes(t)
	_, secret := here.register(batch())
	token := here.want(http.StatusOK, "batch", secret)
	put := here.toggle(store.Switches{Disabled: true})
	there.backend.ReadLogs(t.Context())
	for _, n := range []*clientNode{here, there} {
		for _, path := range []string{"authorize", "access_token", "introspect", "userinfo", "connect/jwk_uri", ".well-known/openid-configuration"} {
			answer := n.get("/oauth2/" + path)
			if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" || !strings.Contains(answer.Body.String(), "disabled") {
				t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
			}
		}
		if answer := n.get("/oauth2/customers/connect/jwk_uri"); answer.Code != http.StatusOK {
			t.Errorf("another realm: %d", answer.Code)
		}
		if _, err := n.realm().OpenAccess(token); err == nil {
			t.Error("a token of a disabled realm is good")
		}
	}
	here.toggle(store.Switches{Version: put.Version})
	there.backend.ReadLogs(t.Context())
	for _, n := range []*clientNode{here, there} {
		if _, err := n.realm().OpenAccess(token); err != nil {
			t.Errorf("the realm is back: %v", err)
		}
		n.want(http.StatusOK, "batch", secret)
	}
}

func TestASwitchedGrantCountsEverywhere(t *testing.T) {
	here, there := twoNodes(t)
	_, secret := here.register(registration.Client{
		ID: "batch", Grants: []string{oauth.GrantClientCredentials, oauth.GrantPassword, oauth.GrantRefreshToken},
		Scopes: []string{"read"}, DefaultScopes: []string{"read"},
	})
	here.toggle(store.Switches{Grants: map[string]bool{
		oauth.GrantClientCredentials: false, oauth.GrantRefreshToken: false, oauth.GrantImplicit: false, oauth.GrantPassword: true,
	}})
	there.backend.ReadLogs(t.Context())
	for _, n := range []*clientNode{here, there} {
		if status, answer := n.token("batch", secret, "grant_type", "client_credentials"); answer["error"] != "unsupported_grant_type" {
			t.Errorf("%d %v", status, answer)
		}
		status, answer := n.token("batch", secret, "grant_type", "password", "username", "demo", "password", "Ch4ng31t")
		if status != http.StatusOK || answer["refresh_token"] != nil {
			t.Errorf("%d %v", status, answer)
		}
		document := n.get("/oauth2/.well-known/openid-configuration").Body.String()
		if !strings.Contains(document, `"grant_types_supported":["authorization_code","password"]`) || !strings.Contains(document, `"response_types_supported":["code"]`) {
			t.Errorf("metadata: %s", document)
		}
		if location := n.get("/oauth2/authorize?client_id=web&response_type=token&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback").Header().Get("Location"); !strings.Contains(location, "error=unsupported_response_type") {
			t.Errorf("implicit: %s", location)
		}
	}
	here.toggle(store.Switches{})
	here.want(http.StatusOK, "batch", secret)
	if document := here.get("/oauth2/.well-known/openid-configuration").Body.String(); !strings.Contains(document, "implicit") {
		t.Errorf("metadata: %s", document)
	}
}

func TestJSONAuthenticateIsSwitchedOnAndOff(t *testing.T) {
	here, there := twoNodes(t)
	on, off := true, false
	const root, customers = "/json/realms/root/authenticate", "/json/realms/root/realms/customers/authenticate"
	want := func(n *clientNode, path string, answers bool) {
		t.Helper()
		request := httptest.NewRequest(http.MethodPost, path, nil)
		recorder := httptest.NewRecorder()
		n.server.ServeHTTP(recorder, request)
		if (recorder.Code != http.StatusNotFound) != answers || n.server.Handles(request) != answers {
			t.Errorf("%s: status %d, handled %v; want an answer: %v", path, recorder.Code, n.server.Handles(request), answers)
		}
	}
	want(here, root, true)
	want(here, customers, false)
	here.toggle(store.Switches{JSONAuthenticate: &off})
	here.toggle(store.Switches{Realm: "/customers", JSONAuthenticate: &on})
	there.backend.ReadLogs(t.Context())
	for _, n := range []*clientNode{here, there} {
		want(n, root, false)
		want(n, customers, true)
	}
}

func TestSwitchesThatCannotWorkAreRefused(t *testing.T) {
	h := newHouse(t)
	on := true
	h.config.Realms[1].DefaultService, h.config.Realms[1].PasswordServices = "", nil
	r, _ := h.serve(t, h.config).Realm("/customers")
	for want, switches := range map[string]store.Switches{
		"unknown grant":             {Grants: map[string]bool{"magic": true}},
		"who the users are":         {Grants: map[string]bool{oauth.GrantPassword: true}},
		"no authentication service": {JSONAuthenticate: &on},
	} {
		if err := r.CheckSwitches(switches); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want something with %q", err, want)
		}
	}
	off := false
	if err := r.CheckSwitches(store.Switches{Grants: map[string]bool{oauth.GrantPassword: false}, JSONAuthenticate: &off}); err != nil {
		t.Errorf("what cannot work cannot be switched off: %v", err)
	}
}

// CL14: too many requests, or tokens, are 429 with a time to come back, before
// any work for the grant is done; each client has limits of its own.
func TestCL14_ClientsHaveARateLimitAndATokenQuota(t *testing.T) {
	here, _ := twoNodes(t)
	slow := batch()
	slow.ID, slow.RateLimit = "slow", &registration.RateLimit{Requests: 3, Per: registration.Duration(time.Minute)}
	thrifty := batch()
	thrifty.ID, thrifty.TokenQuota = "thrifty", &registration.TokenQuota{Tokens: 2, Per: registration.Duration(24 * time.Hour)}
	_, secret := here.register(slow)
	_, other := here.register(thrifty)

	here.want(http.StatusOK, "slow", secret)
	here.want(http.StatusUnauthorized, "slow", other) // strangers use up nothing
	here.token("slow", secret, "grant_type", "client_credentials", "scope", "unknown")
	here.want(http.StatusOK, "slow", secret)
	here.Clock.Advance(20 * time.Second)
	here.want(http.StatusTooManyRequests, "slow", secret)
	if got := here.retryAfter("slow", secret); got != "40" {
		t.Errorf("Retry-After %s", got)
	}
	// A reload changes nothing.
	here.reload()
	here.want(http.StatusTooManyRequests, "slow", secret)

	here.want(http.StatusOK, "thrifty", other)
	for range 3 { // what gives no token uses up none
		if status, _ := here.token("thrifty", other, "grant_type", "client_credentials", "scope", "unknown"); status != http.StatusBadRequest {
			t.Errorf("status %d", status)
		}
	}
	here.want(http.StatusOK, "thrifty", other)
	here.want(http.StatusTooManyRequests, "thrifty", other)
	here.Clock.Advance(40 * time.Second)
	here.want(http.StatusOK, "slow", secret)
	here.want(http.StatusTooManyRequests, "thrifty", other)
	here.Clock.Advance(24 * time.Hour)
	here.want(http.StatusOK, "thrifty", other)
}

// retryAfter is what a client is told that asks too often.
func (n *clientNode) retryAfter(id string, secret oauth.Secret) string {
	request := httptest.NewRequest(http.MethodPost, "/oauth2/access_token", strings.NewReader("grant_type=client_credentials"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(id, secret.Reveal())
	recorder := httptest.NewRecorder()
	n.server.ServeHTTP(recorder, request)
	return recorder.Header().Get("Retry-After")
}

// reload makes a new server over the same backend.
func (n *clientNode) reload() {
	n.t.Helper()
	server, err := authserver.New(n.t.Context(), n.config, n.backend, authserver.Options{
		Observer: n.Observer, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.server = server
}
