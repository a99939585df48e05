package integration

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// maxSpread is how soon one node hears of what another has changed.
const maxSpread = time.Second

// Two nodes on one database are one server: what one has issued the other takes,
// and what one has revoked the other refuses within a second.
func TestNodesAreOneServer(t *testing.T) {
	c := newCluster(t, pgtest.Database(t))
	a, b := c.node(), c.node()

	first := b.redeem(a.code())
	if first.status != http.StatusOK {
		t.Fatalf("a code of the other node: %v", first)
	}
	access, refresh := first.text("access_token"), first.text("refresh_token")
	passes := func(n *node, token string) bool {
		got := visit(t.Context(), n.api, "Authorization", "Bearer "+token)
		if got.status != http.StatusOK && got.status != http.StatusUnauthorized {
			t.Errorf("the API: %v", got)
		}
		return got.status == http.StatusOK
	}
	if !passes(a, access) || !passes(b, access) {
		t.Error("a node does not take the other's token")
	}
	next := a.refresh(t.Context(), refresh)
	if next.status != http.StatusOK {
		t.Fatalf("a refresh token of the other node: %v", next)
	}

	revoke := func(token string) {
		if got := a.form(t.Context(), "/token/revoke", "token", token); got.status != http.StatusOK {
			t.Errorf("revocation: %v", got)
		}
	}
	revoke(access)
	within(t, maxSpread, "refused by the other node", func() bool { return !passes(b, access) })
	// With its refresh token all tokens of a sign-in end.
	if !passes(b, next.text("access_token")) {
		t.Error("another token of the family is refused")
	}
	revoke(next.text("refresh_token"))
	within(t, maxSpread, "refused by the other node", func() bool { return !passes(b, next.text("access_token")) })
	if got := b.refresh(t.Context(), next.text("refresh_token")); got.status != http.StatusBadRequest || got.oauthError() != "invalid_grant" {
		t.Errorf("a revoked refresh token: %v", got)
	}

	// What operators deny at one node is denied at all, foreign tokens included.
	foreign := c.foreign.token(map[string]any{"jti": "denied"})
	admitted := func() bool {
		return visit(t.Context(), b.foreign, "Authorization", "Bearer "+foreign).status == http.StatusOK
	}
	within(t, maxRecovery, "admitted", admitted)
	if status, body := tellAdmin(t, a.admin, "/oauth2/deny", map[string]string{"jti": "denied"}); status/100 != 2 {
		t.Fatalf("status %d: %s", status, body)
	}
	within(t, maxSpread, "denied at the other node", func() bool { return !admitted() })

	// A proof works once, at whichever node.
	key := newSigner(t)
	bound := a.bound(key)
	proof := key.proof(http.MethodGet, "https://api.test/", bound)
	if got := a.proven(bound, proof); got.status != http.StatusOK {
		t.Fatalf("a proof: %v", got)
	}
	if got := b.proven(bound, proof); got.status != http.StatusUnauthorized {
		t.Errorf("the same proof at the other node: %v", got)
	}

	// An honest client that asks both nodes at once gets one successor.
	_, refresh = a.family()
	answers := make([]answer, 8)
	var asking sync.WaitGroup
	for i := range answers {
		asking.Go(func() { answers[i] = []*node{a, b}[i%2].refresh(t.Context(), refresh) })
	}
	asking.Wait()
	for _, got := range answers {
		if got.status != http.StatusOK || got.text("refresh_token") != answers[0].text("refresh_token") {
			t.Errorf("of calls at once one got %v", got)
		}
	}
}

// Five nodes that start together on an empty database make it once, and agree on
// its keys.
func TestFiveNodesOnAnEmptyDatabase(t *testing.T) {
	c := newCluster(t, pgtest.Database(t))
	nodes := make([]*node, 5)
	var starting sync.WaitGroup
	for i := range nodes {
		starting.Go(func() { nodes[i] = c.node() })
	}
	starting.Wait()
	tokens := make([]string, len(nodes))
	for i, n := range nodes {
		n.ready(maxRecovery)
		tokens[i] = n.token()
	}
	for _, n := range nodes {
		for _, token := range tokens {
			if got := visit(t.Context(), n.api, "Authorization", "Bearer "+token); got.status != http.StatusOK {
				t.Errorf("a token of another node: %v", got)
			}
		}
	}
	conn, err := pgx.Connect(t.Context(), c.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var kinds, keys int
	err = conn.QueryRow(t.Context(), "SELECT count(DISTINCT (realm, purpose, algorithm)), count(*) FROM keys WHERE state = 1").Scan(&kinds, &keys)
	if err != nil || keys != kinds || kinds < 4 {
		t.Errorf("%d active keys for %d purposes and algorithms: %v", keys, kinds, err)
	}
}
