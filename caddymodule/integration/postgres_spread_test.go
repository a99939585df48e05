package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// spreadLimit is how long a test waits for what takes a second at most on a
// machine that has nothing else to do; the times themselves are logged.
const spreadLimit = 2 * time.Second

// told asks the admin endpoint of the node, which must do as it is told.
func (n *node) told(method, path string, body any) (answer map[string]any) {
	n.c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		n.c.t.Fatal(err)
	}
	r, err := http.NewRequest(method, "http://"+n.admin+path, strings.NewReader(string(text)))
	if err != nil {
		n.c.t.Fatal(err)
	}
	a := do(n.c.t.Context(), r)
	if a.err != nil || a.status/100 != 2 {
		n.c.t.Fatalf("%s %s: %v %v", method, path, a, a.body)
	}
	return a.body
}

// admits says whether the gateway of the node takes a token. A realm that is out
// of service has none that are good.
func (n *node) admits(token string) bool {
	n.c.t.Helper()
	a := visit(n.c.t.Context(), n.api, "Authorization", "Bearer "+token)
	if a.status != http.StatusOK && a.status != http.StatusUnauthorized && a.status != http.StatusServiceUnavailable {
		n.c.t.Errorf("the API: %v", a)
	}
	return a.status == http.StatusOK
}

// says whether the node calls a token active to a client.
func (n *node) says(token string) bool {
	n.c.t.Helper()
	a := n.form(n.c.t.Context(), "/introspect", "token", token)
	if a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
		n.c.t.Errorf("introspection: %v", a)
	}
	return a.body["active"] == true
}

// session is the sid of the session that a token came of.
func (n *node) session(token string) string {
	n.c.t.Helper()
	sid, _ := n.told(http.MethodPost, "/oauth2/tokens/inspect", map[string]string{"token": token})["session"].(string)
	if sid == "" {
		n.c.t.Fatal("the token is of no session")
	}
	return sid
}

// signingKey is the kid of the key that signs access tokens.
func (n *node) signingKey() string {
	n.c.t.Helper()
	listed, _ := n.told(http.MethodGet, "/oauth2/keys?realm=/", nil)["keys"].([]any)
	for _, each := range listed {
		key, _ := each.(map[string]any)
		if key["realm"] == "/" && key["purpose"] == "sign" && key["algorithm"] == "ES256" && key["state"] == "active" {
			return fmt.Sprint(key["kid"])
		}
	}
	n.c.t.Fatalf("no key signs: %v", listed)
	return ""
}

// register makes a client of the store, which may ask about the tokens of the API,
// and gives a token of its own.
func (n *node) register(id string) (token string) {
	n.c.t.Helper()
	made := n.told(http.MethodPost, "/oauth2/clients?realm=/", map[string]any{
		"id": id, "grants": []string{"client_credentials"}, "scopes": []string{"write"},
	})
	issued := n.told(http.MethodPost, "/oauth2/tokens", map[string]string{"client": id, "scope": "write"})
	if made["secret"] == nil || issued["access_token"] == nil {
		n.c.t.Fatalf("client %s has no secret or no token", id)
	}
	return fmt.Sprint(issued["access_token"])
}

// Whatever ends tokens at one node has ended them at the other within a second, at
// its gateway and for those who ask it, and ends nothing else.
func TestWhatEndsTokensAtOneNodeEndsThemAtTheOther(t *testing.T) {
	c := newCluster(t, pgtest.Database(t))
	a, b := c.node(), c.node()
	revoke := func(member, value string) {
		a.told(http.MethodPost, "/oauth2/tokens/revoke", map[string]string{member: value})
	}
	ofUser := func() string { token, _ := a.family(); return token }
	ofClient := func() string { return a.token() }
	for _, end := range []struct {
		what string
		make func() string
		now  func(token string)
		// other makes a token that survives, if any does.
		other func() string
		asks  bool // whether myClient may ask about the token
		mend  func()
	}{
		{"a token", ofUser, func(token string) { revoke("token", token) }, ofUser, true, nil},
		{"a session", ofUser, func(token string) { revoke("session", a.session(token)); c.demo = nil }, ofClient, true, nil},
		{"a subject", ofUser, func(string) { revoke("subject", "demo"); c.demo = nil }, ofClient, true, nil},
		{"a client", ofClient, func(string) { revoke("client", "myClient"); c.demo = nil }, func() string { return a.register("bystander") }, true, nil},
		{"a key", ofClient, func(string) {
			a.told(http.MethodPost, "/oauth2/keys/remove?realm=/", map[string]string{"kid": a.signingKey()})
		}, nil, true, nil},
		{"a client that is deleted", func() string { return a.register("batch") }, func(string) {
			a.told(http.MethodDelete, "/oauth2/clients/batch?realm="+url.QueryEscape("/"), nil)
		}, ofClient, false, nil},
		{"a realm that is switched off", ofClient, func(string) {
			a.told(http.MethodPut, "/oauth2/realms/switches?realm=/", map[string]bool{"disabled": true})
		}, nil, true, func() {
			a.told(http.MethodPut, "/oauth2/realms/switches?realm=/", map[string]bool{"disabled": false})
		}},
	} {
		token, bystander := end.make(), ""
		if end.other != nil {
			bystander = end.other()
		}
		for _, good := range []string{token, bystander} {
			if good != "" {
				within(t, spreadLimit, "admitted by the other node before the end of "+end.what, func() bool { return b.admits(good) })
			}
		}
		if end.asks && !b.says(token) {
			t.Errorf("%s: the token is not active before", end.what)
		}
		began := time.Now()
		end.now(token)
		answered := time.Since(began)
		gateway := within(t, spreadLimit, "refused by the other node after the end of "+end.what, func() bool { return !b.admits(token) })
		told := within(t, spreadLimit, "inactive at the other node after the end of "+end.what, func() bool { return !b.says(token) })
		t.Logf("%-29s answered after %4d ms, then refused at the other node's gateway within %3d ms, inactive to its clients %3d ms later",
			end.what, answered.Milliseconds(), gateway.Milliseconds(), told.Milliseconds())
		if a.admits(token) {
			t.Errorf("%s: the node that was told takes the token", end.what)
		}
		if bystander != "" && !b.admits(bystander) {
			t.Errorf("%s: another token has ended, too", end.what)
		}
		if end.mend != nil {
			end.mend()
			within(t, spreadLimit, "admitted again", func() bool { return b.admits(token) && b.says(token) })
		}
		b.ready(maxRecovery)
	}
}
