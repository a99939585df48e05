package integration

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// The operator's recipe with PostgreSQL's own tools: dump under a running node,
// go on, restore with all nodes down, say so before callers come.
func TestARestoredDumpRevivesNothing(t *testing.T) {
	database := pgtest.New(t, pgtest.Options{})
	c := newCluster(t, database.Database(t))
	n := c.node()
	n.ready(patience)
	used, unused := n.code(), n.code()
	tokens := func(code string) answer {
		a := n.redeem(code)
		if a.status != http.StatusOK {
			t.Fatalf("a code: %v", a)
		}
		return a
	}
	quiet, spent := tokens(n.code()).text("refresh_token"), tokens(n.code()).text("refresh_token")

	dump := filepath.Join(filepath.Dir(database.Data()), "dump")
	if err := database.Run(t.Context(), "pg_dump", "--format=custom", "--file="+dump, c.dsn); err != nil {
		t.Fatal(err)
	}
	tokens(used)
	refresh := func(token string) answer {
		return n.form(t.Context(), "/access_token", "grant_type", "refresh_token", "refresh_token", token)
	}
	next := refresh(refresh(spent).text("refresh_token"))
	if next.status != http.StatusOK {
		t.Fatalf("a refresh: %v", next)
	}

	n.stop()
	restore := []string{"--clean", "--if-exists", "--exit-on-error", "--dbname=" + c.dsn, dump}
	if err := database.Run(t.Context(), "pg_restore", restore...); err != nil {
		t.Fatal(err)
	}
	n = c.node()
	n.ready(patience)
	if said := n.command("oauth2-backup", "--restored"); !strings.Contains(said, "void") {
		t.Errorf("the operator is told %q", said)
	}
	for name, code := range map[string]string{"redeemed since": used, "not redeemed": unused} {
		if a := n.redeem(code); a.status != http.StatusBadRequest || a.oauthError() != "invalid_grant" {
			t.Errorf("a code that was %s: %v", name, a)
		}
	}
	if a := refresh(quiet); a.status != http.StatusOK {
		t.Errorf("a family that stood still: %v", a)
	}
	// Two generations ahead of the copy, and good for its owner.
	if a := refresh(next.text("refresh_token")); a.status != http.StatusOK {
		t.Errorf("a family that had gone on: %v", a)
	}
	// What was issued in the very second of the restore is void, too.
	within(t, patience, "a code of afterwards good", func() bool { return n.redeem(n.code()).status == http.StatusOK })
}

// command runs a command on the node and gives what it prints.
func (n *node) command(args ...string) string {
	n.c.t.Helper()
	cmd := command(n.c.t, n.c.t.TempDir(), append(args, "--address", n.admin)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		n.c.t.Fatalf("%v: %v\n%s", args, err, said.String())
	}
	return said.String()
}
