package authserver_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// possession is one thing that the realm at home has given out, and how to try it
// without using it up.
type possession struct {
	name string
	good func(server *authserver.Server) bool
}

// possessions are those of a pair.
func (p *pair) possessions() []possession {
	active := func(name, client, text string) possession {
		return possession{name, func(server *authserver.Server) bool {
			return !inactive(p.on(server, home, "introspect", client, "token", text))
		}}
	}
	return []possession{
		active("access", "web", p.access), active("opaque", "opaque", p.opaque),
		active("machine", "web", p.machine), active("refresh", "web", p.refresh),
		{"session", func(server *authserver.Server) bool {
			recorder := httptest.NewRecorder()
			server.ServeHTTP(recorder, p.pageRequest(http.MethodGet, home, "authorize", p.session, "", nil))
			return !notSigned(recorder)
		}},
	}
}

func (p *pair) on(server *authserver.Server, realm, endpoint, client string, pairs ...string) *httptest.ResponseRecorder {
	r := realmtest.Form(client, realmtest.Values(pairs...))
	r.URL.Path = realm + "/" + endpoint
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, r)
	return recorder
}

// node is another process over the same store, with its background work.
func (p *pair) node(t *testing.T) *authserver.Server {
	t.Helper()
	backend := p.open(t, 0)
	server, err := authserver.New(t.Context(), p.config, backend, authserver.Options{
		Observer: p.Observer, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); backend.Run(running) }()
	t.Cleanup(func() { stop(); <-done })
	return server
}

// within waits until a condition holds.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not after %v: %s", limit, what)
		}
	}
}

// TestCL12_WhatIsRevokedIsDeadHereAtOnceAndElsewhereInASecond revokes all of a
// subject, a client, a session and a consent. What is not meant goes on, and so
// does what is issued in the next second.
func TestCL12_WhatIsRevokedIsDeadHereAtOnceAndElsewhereInASecond(t *testing.T) {
	for name, c := range map[string]struct {
		reach func(p *pair) store.Reach
		dies  map[string]bool
	}{
		"subject": {func(*pair) store.Reach { return store.Reach{Subject: "demo"} },
			map[string]bool{"access": true, "opaque": true, "refresh": true, "code": true, "session": true}},
		"client": {func(*pair) store.Reach { return store.Reach{ClientID: "web"} },
			map[string]bool{"access": true, "machine": true, "refresh": true, "code": true}},
		"session": {func(p *pair) store.Reach { return store.Reach{SessionID: p.sid} },
			map[string]bool{"session": true}},
		"session of a code": {func(*pair) store.Reach { return store.Reach{SessionID: "session-1"} },
			map[string]bool{"code": true}},
		"consent": {func(*pair) store.Reach { return store.Reach{Subject: "demo", ClientID: "web"} },
			map[string]bool{"access": true, "refresh": true, "code": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			there := p.node(t)
			reach := c.reach(p)
			everything := p.possessions()
			here, _ := p.server.Realm("/")

			// AS57: the same of another realm is not meant.
			other, _ := p.server.Realm("/customers")
			reach.Realm = "/customers"
			if _, err := other.Revocations.RevokeAll(t.Context(), reach, p.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			for _, each := range everything {
				if !each.good(p.server) || !each.good(there) {
					t.Fatalf("%s is dead before it is revoked in its realm", each.name)
				}
			}

			reach.Realm = "/"
			if _, err := here.Revocations.RevokeAll(t.Context(), reach, p.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			for _, each := range everything {
				if each.good(p.server) == c.dies[each.name] {
					t.Errorf("here: %s is good: %v", each.name, !c.dies[each.name])
				}
				if c.dies[each.name] {
					within(t, 1500*time.Millisecond, each.name+" is dead there", func() bool { return !each.good(there) })
				} else if !each.good(there) {
					t.Errorf("there: %s is dead", each.name)
				}
			}
			p.redeems(t, there, c.dies)

			// What is issued next is good, everywhere.
			p.Clock.Advance(time.Second)
			fresh := p.document(p.on(p.server, home, "access_token", "web", "grant_type", "password",
				"username", "demo", "password", "Ch4ng31t", "scope", "openid email"), http.StatusOK)
			for _, server := range []*authserver.Server{p.server, there} {
				if inactive(p.on(server, home, "introspect", "web", "token", fresh["access_token"].(string))) {
					t.Error("a token that was issued afterwards is dead")
				}
				fresh = p.document(p.on(server, home, "access_token", "web", "grant_type", "refresh_token",
					"refresh_token", fresh["refresh_token"].(string)), http.StatusOK)
			}
		})
	}
}

// redeems uses the code and the refresh token, which are good once.
func (p *pair) redeems(t *testing.T, server *authserver.Server, dies map[string]bool) {
	t.Helper()
	answers := map[string]*httptest.ResponseRecorder{
		"code": p.on(server, home, "access_token", "web", "grant_type", "authorization_code", "code", p.code,
			"redirect_uri", realmtest.Callback, "code_verifier", realmtest.Verifier),
		"refresh": p.on(server, home, "access_token", "web", "grant_type", "refresh_token", "refresh_token", p.refresh),
	}
	for name, answer := range answers {
		if dies[name] != refusedWith(http.StatusBadRequest, "invalid_grant")(answer) {
			t.Errorf("%s gives %d %s", name, answer.Code, answer.Body)
		}
	}
}

// A grant that is to end with many others is dead before its row says so: the
// entry of the log speaks of it.
func TestCL12_GrantsThatAreNotEndedYetGiveNothing(t *testing.T) {
	for _, reach := range []store.Reach{
		{Realm: "/", Subject: "demo"}, {Realm: "/", ClientID: "web"}, {Realm: "/", Subject: "demo", ClientID: "web"}, {Realm: "/", SessionID: "session-1"},
	} {
		p := newPair(t)
		here, _ := p.server.Realm("/")
		_, hash, err := here.Tokens.OpenCode(oauth.NewSecret(p.code))
		if err != nil {
			t.Fatal(err)
		}
		grants, err := p.Store.Grants(t.Context(), store.Reach{Realm: "/", SessionID: "session-1"}, "", 10)
		if err != nil || len(grants) != 1 || grants[0].CodeHash != hash {
			t.Fatalf("%d grants, %v", len(grants), err)
		}
		if _, err := here.Revocations.RevokeAll(t.Context(), reach, p.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		// As one that was being made at that moment.
		late := grants[0]
		late.ID = late.ID[:31] + map[bool]string{true: "1", false: "0"}[late.ID[31] == '0']
		if err := p.Store.CreateGrant(t.Context(), late, nil); err != nil {
			t.Fatal(err)
		}
		code := strings.Replace(p.code, grants[0].ID, late.ID, 1)
		answer := p.on(p.server, home, "access_token", "web", "grant_type", "authorization_code", "code", code,
			"redirect_uri", realmtest.Callback, "code_verifier", realmtest.Verifier)
		if !refusedWith(http.StatusBadRequest, "invalid_grant")(answer) {
			t.Errorf("%+v: %d %s", reach, answer.Code, answer.Body)
		}
	}
}
