package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A realm is carried to another installation, and clients come from other servers,
// by the commands of the real binary.
func TestRealmCommandsExportAndImport(t *testing.T) {
	first := startExample(t)
	made := first.operate("", "oauth2-client", "create", "batch", "--grants", "client_credentials", "--scopes", "read", "--default-scopes", "read")
	made.must(t, 0)
	secret := secretIn(t, made)
	first.operate("chosen by an operator\n", "oauth2-client", "secret", "batch", "--add", "--chosen").must(t, 0)
	first.operate("", "oauth2-realm", "switch", "--grants", "password=off").must(t, 0)
	exported := first.operate("", "oauth2-realm", "export")
	exported.must(t, 0, `"format": "caddy-oauth2-realm"`, `"configured_clients": [`, `"digest": "$sha256$`, `"digest": "$argon2id$`, `"password": false`)
	if strings.Contains(exported.stdout, secret) || strings.Contains(exported.stdout, "chosen by an operator") {
		t.Errorf("a secret is exported:\n%s", exported.stdout)
	}
	first.operate("", "oauth2-realm", "export", "--json", "--no-consents").must(t, 0, `{"format":"caddy-oauth2-realm"`)
	first.operate("", "oauth2-realm", "export", "--realm", "/nope").must(t, 2, "there is no realm")

	second := startExample(t)
	take := func(stdin string, args ...string) told {
		return second.operate(stdin, append([]string{"oauth2-realm", "import"}, args...)...)
	}
	take(exported.stdout, "--dry-run").must(t, 0, "batch: created\n", "the switches of the realm: replaced\n", "nothing is stored, as asked")
	second.wantOfClient("batch", secret, http.StatusUnauthorized)
	take(exported.stdout).must(t, 0, "batch: created\n", "Realm /: stored; 0 refused", "issuer: was")
	second.wantOfClient("batch", secret, http.StatusOK)
	second.wantOfClient("batch", "chosen by an operator", http.StatusOK)
	second.operate("", "oauth2-realm", "list").must(t, 0, "password           off, switched by an operator")
	take(exported.stdout, "--json").must(t, 0, `"stored":true`, `"action":"unchanged"`)
	second.operate("", "oauth2-client", "update", "batch", "--name", "x").must(t, 0)
	take(exported.stdout).must(t, 1, "batch: refused: is here already", "nothing is stored, for 1 are refused")
	take(exported.stdout, "--replace").must(t, 0, "batch: replaced\n")

	for _, other := range []struct{ format, file, want string }{
		{"keycloak", "keycloak-realm.json", "shown this once: "},
		{"am", "am-query.json", "spa: refused: is here already"},
	} {
		text, err := os.ReadFile(filepath.Join(repository, "authserver", "registration", "importer", "testdata", other.file))
		if err != nil {
			t.Fatal(err)
		}
		into := func(args ...string) told {
			return take(string(text), append(args, "--realm", "/customers", "--format", other.format)...)
		}
		into().must(t, 1, "nothing is stored, for")
		into("--skip-bad").must(t, 0, "What is not as it was:\n", "Realm /customers: stored", other.want)
	}
	take("").must(t, 2, "there is no document")
	take("{").must(t, 2, "ends before")
	take("{}", "--format", "xml").must(t, 2, "format is caddy-oauth2")
	second.operate("", "oauth2-realm", "turn").must(t, 2, "say what to do: list, switch")
}
