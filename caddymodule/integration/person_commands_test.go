package integration

import (
	"net/http"
	"strings"
	"testing"
)

// A phone is stolen: the operator knows the username, and hears when nothing is done.
func TestCommandsNamePeopleByTheirUsernames(t *testing.T) {
	w := startExample(t)
	w.caddyfile = strings.ReplaceAll(w.caddyfile, "ldapService file docs/example/users.yaml", "ldapService store")
	w.restart()
	w.operate("Ch4ng31t", "oauth2-user", "create", "demo", "--id", "1001", "--no-password").must(t, 0)
	const hash = "$argon2id$v=19$m=64,t=3,p=2$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA" // of Ch4ng31t
	w.operate(hash, "oauth2-user", "password", "demo", "--hash").must(t, 0, "demo has another password; sign-ins and tokens of before are over\n")
	access, _ := w.userTokens("/oauth2")

	const note = `nothing is known of the subject "demo". A subject is what ` + "`caddy oauth2-user show` says"
	for _, args := range [][]string{
		{"oauth2-token", "revoke"}, {"oauth2-token", "grants"}, {"oauth2-token", "sessions"}, {"oauth2-factor", "list"},
		{"oauth2-consent", "list"}, {"oauth2-consent", "revoke"},
	} {
		said := w.operate("", append(args, "--subject", "demo")...)
		said.must(t, 0)
		if !strings.HasPrefix(said.stderr, note) {
			t.Errorf("%v says %q", args, said.stderr)
		}
	}
	w.operate("", "oauth2-factor", "remove", "--subject", "demo", "--all").must(t, 1, "removed 0", "nothing is known of the subject")
	if status := w.calls(access); status != http.StatusOK {
		t.Errorf("status %d for a token of another subject", status)
	}

	w.operate("", "oauth2-token", "grants", "--user", "demo").must(t, 0, `subject "1001"`)
	for _, args := range [][]string{
		{"oauth2-token", "sessions"}, {"oauth2-factor", "list"}, {"oauth2-factor", "remove", "--all"}, {"oauth2-consent", "list"}, {"oauth2-consent", "revoke"},
	} {
		if said := w.operate("", append(args, "--user", "demo")...); said.code != 0 || said.stderr != "" {
			t.Errorf("%v: %+v", args, said)
		}
		w.operate("", append(args, "--user", "nobody")...).must(t, 2, `"msg":"realm / has no user of that username. Who`)
		w.operate("", append(args, "--user", "demo", "--subject", "1001")...).must(t, 2, "one of --user NAME and --subject SUB")
		w.operate("", args...).must(t, 2, "one of --user NAME and --subject SUB")
	}
	w.operate("", "oauth2-token", "revoke", "--user", "demo").must(t, 0, `realm /: ended 1 grants of the subject "1001"; what`)
	if status := w.calls(access); status != http.StatusUnauthorized {
		t.Errorf("status %d for a revoked token", status)
	}
	w.operate("", "oauth2-token", "revoke", "--subject", "1001").must(t, 0, `ended 0 grants of the subject "1001"`)
	w.operate("", "oauth2-user", "delete", "demo").must(t, 0, "demo is deleted; sign-ins and tokens are over\n")
}
