package integration

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// elsewhere are documented commands that other checks run: a fresh clone in CI,
// and the tests that are named here.
var elsewhere = map[string]string{
	"go run ./cmd/caddy run --config Caddyfile.example": "TestEveryCommandOfTheReadmeAndDocsWorks, and .ci/fresh",
	"go test ./...": ".ci/run and .ci/fresh",
	"./xcaddy.sh":   "TestXcaddySh",
	"./xcaddy.sh --with github.com/caddy-dns/cloudflare":    "TestXcaddySh",
	"./caddy list-modules":                                  "TestXcaddySh",
	"go run ./cmd/caddy hash-password --algorithm argon2id": "Caddy's own command",
	"go run ./cmd/bench":                                    "TestEveryExperimentMeasuresAndChecksItsAnswers of cmd/bench",
	"go run ./cmd/bench -only growth":                       "TestEveryExperimentMeasuresAndChecksItsAnswers of cmd/bench",
	"go run ./cmd/bench -only keys":                         "TestEveryExperimentMeasuresAndChecksItsAnswers of cmd/bench",
	"go run ./cmd/bench -only grants":                       "TestEveryExperimentMeasuresAndChecksItsAnswers of cmd/bench",
	"go run ./cmd/bench -only sign-in":                      "TestEveryExperimentMeasuresAndChecksItsAnswers of cmd/bench",
	// PostgreSQL's own, as a superuser of it; the nodes of TestFiveNodesOnAnEmptyDatabase
	// begin with such a database.
	"createuser --pwprompt oauth2":   "PostgreSQL's own command",
	"createdb --owner oauth2 oauth2": "PostgreSQL's own command",
	"ldapsearch -x -LLL -H ldaps://ldap1.example.com -D cn=oauth2,ou=services,dc=example,dc=org -W -b ou=people,dc=example,dc=org '(uid=demo)' entryUUID mail": "OpenLDAP's own command",
	"caddy reload --force": "TestF16_ReloadsUnderLoadLoseNothing",
	"go run ./cmd/caddy file-server --listen 127.0.0.1:8090 --root /tmp/pages --browse":                                                                                                                   "Caddy's own command",
	"chromium --headless --no-sandbox --disable-gpu --disable-background-networking --hide-scrollbars --window-size=560,790 --screenshot=docs/sign-in-light.png http://127.0.0.1:8090/en/login_full.html": "TestPicturesOfTheDocuments looks at the picture",
	"caddy validate --config Caddyfile":                                                   "TestEveryCaddyfileOfTheDocumentsIsValidAndFormatted",
	"openssl rand -base64 32 > oauth2.key":                                                "documentedFiles makes such a file",
	"systemctl stop caddy":                                                                "TestBackupAndRestore stops the binary",
	"systemctl start caddy":                                                               "TestBackupAndRestore starts it",
	"cd /var/lib/caddy/oauth2":                                                            "TestBackupAndRestore",
	"rm -f oauth2.db oauth2.db-wal oauth2.db-shm":                                         "TestBackupAndRestore",
	"install -o caddy -g caddy -m 0600 /backup/oauth2-2026-11-20.db oauth2.db":            "TestBackupAndRestore",
	"export DATABASE_URL='postgres://oauth2:PASSWORD@db1,db2/oauth2?sslmode=verify-full'": "the shell's own command",
}

var (
	// documentedCommand begins the lines that runDocumented runs.
	documentedCommand = regexp.MustCompile(`^((session|id|TOKEN)=\$\()?(curl|caddy oauth2-\w+|printf)( |$)`)

	// documentedTest is a line that runs tests: which, and of which package. They
	// take hours, so what is checked is that there are such tests.
	documentedTest = regexp.MustCompile(`^(?:[A-Z_]+=\d+ )?go test -count=1 -v (?:-timeout \w+ )?-run '?([\w|]+)'? (\./\S+)(?: -write /tmp/\w+)?$`)
)

// ownWorld are the documents whose commands are for their own first Caddyfile.
// Those of the others are for the example.
var ownWorld = map[string]bool{"gateway-operations.md": true, "audit.md": true, "operations.md": true, "sign-in.md": true, "users.md": true}

func TestEveryCommandOfTheReadmeAndDocsWorks(t *testing.T) {
	w := startExample(t)
	for _, path := range documents(t) {
		name := filepath.Base(path)
		commands := blocks(t, path, "sh")
		if len(commands) == 0 {
			continue
		}
		g := &operated{home: t.TempDir(), admin: w.adminAddress, auth: w.auth}
		if ownWorld[name] {
			g = startOperated(t, w, name)
		}
		token, _ := passwordTokens(t, w.documentRealms()["root"])
		move := strings.NewReplacer(
			"http://localhost:8080", w.auth, "http://localhost:8081", w.api, "eyJ…", token, "\\\n", " ",
			"https://idp.example.com", w.auth+"/oauth2", "https://auth.example.com", g.auth, "localhost:2019", g.admin)
		for exported, file := range map[string]string{"am.json": "am-query.json", "realm-export.json": "keycloak-realm.json"} {
			copyFile(t, filepath.Join(repository, "authserver", "registration", "importer", "testdata", file), filepath.Join(g.home, exported))
		}
		writeFile(t, filepath.Join(g.home, "alice.json"), `{"name":"Alice","email":"alice@example.com"}`)
		for _, block := range commands {
			fresh, _ := passwordTokens(t, w.documentRealms()["root"])
			writeFile(t, filepath.Join(g.home, "token.txt"), fresh+"\n")
			g.runDocumented(t, name, w.named(t, strings.TrimSpace(move.Replace(block))))
		}
	}
}

// named puts what there is in place of the names that documents have for what an
// operator has read before: a grant, a session, a key, a client's secret.
func (w *world) named(t *testing.T, block string) string {
	t.Helper()
	if strings.Contains(block, "GID") || strings.Contains(block, "SID") {
		realm := w.documentRealms()["root"]
		answer := curlJSON(t, "--user", "myClient:forgerock", "--data", "grant_type=authorization_code",
			"--data", "code="+authorizationCode(t, realm, signIn(t, realm)), "--data", "redirect_uri="+redirectURI, realm.oauth2+"/access_token")
		claims := claimsOf(t, text(t, answer, "access_token"))
		block = strings.NewReplacer("GID", text(t, claims, "gid"), "SID", text(t, claims, "sid")).Replace(block)
	}
	if strings.Contains(block, "KID") {
		var answer struct {
			Keys []struct{ Realm, KID, Purpose, State string }
		}
		w.told(t, "/oauth2/keys", &answer)
		for _, key := range answer.Keys {
			if key.Realm == "/" && key.Purpose == "sign" && key.State == "retiring" {
				block = strings.ReplaceAll(block, "KID", key.KID)
			}
		}
	}
	if strings.Contains(block, "SECRET_ID") {
		var answer struct{ Secrets []struct{ ID string } }
		w.told(t, "/oauth2/clients/batch", &answer)
		for _, secret := range answer.Secrets {
			block = strings.ReplaceAll(block, "SECRET_ID", secret.ID)
		}
	}
	return block
}

// told reads what the admin endpoint tells.
func (w *world) told(t *testing.T, path string, answer any) {
	t.Helper()
	_, body := ask(t, func() (*http.Request, error) {
		return http.NewRequest(http.MethodGet, "http://"+w.adminAddress+path, nil)
	})
	if err := json.Unmarshal([]byte(body), answer); err != nil {
		t.Fatalf("%s: %v: %s", path, err, body)
	}
}

// claimsOf are the claims of a JWT, which is taken as it is.
func claimsOf(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	content, err := base64.RawURLEncoding.DecodeString(payload)
	if err == nil {
		err = json.Unmarshal(content, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// runDocumented runs a block of commands in one shell, beside the file token.txt.
// A curl that is answered with an error fails; one that is sent on with a
// redirect does not. caddy is the binary, which talks to the Caddy of g.
func (g *operated) runDocumented(t *testing.T, document, block string) {
	t.Helper()
	var script []string
	for line := range strings.SplitSeq(block, "\n") {
		test := documentedTest.FindStringSubmatch(line)
		switch {
		case elsewhere[line] != "":
		case test != nil:
			wantTests(t, document, test[1], test[2])
		case documentedCommand.MatchString(line):
			script = append(script, strings.ReplaceAll(line, "/backup/", g.home+"/"))
		default:
			t.Errorf("%s: nothing runs this command: %s", document, line)
		}
	}
	caddy := command(t, g.home).Path
	cmd := exec.Command("sh", "-ec", "curl() { command curl --fail-with-body --silent --show-error --max-time 20 \"$@\"; }\n"+
		"caddy() { '"+caddy+"' \"$@\" --address "+g.admin+"; }\n"+strings.Join(script, "\n"))
	cmd.Dir = g.home
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %s: %v\n%s", document, block, err, out)
	}
	if strings.Contains(block, "--dump-header") && !regexp.MustCompile(`(?mi)^location: \S+[?&]code=`).Match(out) {
		t.Errorf("%s: %s: no code in\n%s", document, block, out)
	}
	// A site answers 200 at paths that nothing is at.
	if strings.Contains(block, "/readyz") && !strings.Contains(string(out), `"status":"ok"`) {
		t.Errorf("%s: %s: not healthy:\n%s", document, block, out)
	}
}

// wantTests wants a test in a package for each beginning of a name.
func wantTests(t *testing.T, document, beginnings, pack string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository, pack, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(source)
	}
	for beginning := range strings.SplitSeq(beginnings, "|") {
		if !strings.Contains(all.String(), "\nfunc "+beginning) {
			t.Errorf("%s: %s has no test %s", document, pack, beginning)
		}
	}
}
