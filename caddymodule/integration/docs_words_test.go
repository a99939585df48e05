package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Operators look up what they read in metrics, logs and answers.
func TestMetricsAndReasonsAreInTheDocuments(t *testing.T) {
	for _, words := range []struct {
		sources, pattern, document, prefix string
		least                              int
	}{
		{"caddymodule/metrics*.go", `describe\("(\w+)"`, "docs/logging.md", "caddy_oauth2_", 8},
		{"caddymodule/[me]*s*.go", `Name: "(\w+)"`, "docs/logging.md", "caddy_oauth2_", 7},
		{"introspect/refusal.go", `(?m)^\tReason\w+ += "(\w+)"`, "docs/gateway.md", "", 18},
		{"authserver/routes.go", `(?m)^\tendpoint\w+ += "([^"]+)"$`, "docs/server.md", "", 18},
		{"authserver/login/oidc/answer.go", `(?m)^\tReason\w+ += "(\w+)"`, "docs/openid-sign-in.md", "", 10},
		{"caddymodule/bearer_refusal.go", `(?m)^\treason\w+ += "(\w+)"`, "docs/gateway.md", "", 13},
	} {
		document, err := os.ReadFile(filepath.Join(repository, words.document))
		if err != nil {
			t.Fatal(err)
		}
		found := wordsIn(t, words.sources, words.pattern)
		if len(found) < words.least {
			t.Errorf("%s has %v: the test does not look where they are", words.sources, found)
		}
		for _, word := range found {
			if word != "none" && !strings.Contains(string(document), "`"+words.prefix+word+"`") {
				t.Errorf("%s does not speak of %s%s", words.document, words.prefix, word)
			}
		}
	}
}

// What the server and its storage can be told is a line in a table: each word that
// a Caddyfile may have.
func TestEverySettingOfTheServerIsInADocument(t *testing.T) {
	tables := ""
	for _, name := range []string{"server", "postgres", "keys", "clients", "audit", "sign-in", "users", "ldap", "openid-sign-in", "pages", "logout"} {
		tables += prose(t, filepath.Join(repository, "docs", name+".md"))
	}
	for _, sources := range []struct {
		pattern string
		least   int
	}{
		{"caddymodule/server_*caddyfile.go", 50}, {"caddymodule/server_realm_limits.go", 4}, {"caddymodule/authentication_*.go", 35}, {"caddymodule/server_keys.go", 1}, {"caddymodule/storage_*.go", 4}, {"caddymodule/audit_*.go", 3},
	} {
		found := wordsIn(t, sources.pattern, `(?m)^\t\t"(\w+)": `)
		if len(found) < sources.least {
			t.Errorf("%s has %v: the test does not look where they are", sources.pattern, found)
		}
		for _, word := range found {
			if !regexp.MustCompile("(?m)^\\|.*`[^`\n]*\\b" + word + "\\b[^`\n]*`").MatchString(tables) {
				t.Errorf("no table of the documents has the setting %s", word)
			}
		}
	}
}

// Operators look up in a table of faults what they read in the log, so it says
// there what the log says.
func TestDocumentedLinesOfTheLogAreThoseOfTheCode(t *testing.T) {
	source := strings.Join(wordsIn(t, "caddymodule/*.go", "(?s)^(.*)$"), "") +
		strings.Join(wordsIn(t, "authserver/*.go", "(?s)^(.*)$"), "") + strings.Join(wordsIn(t, "authserver/*/*.go", "(?s)^(.*)$"), "") +
		strings.Join(wordsIn(t, "authserver/*/*/*.go", "(?s)^(.*)$"), "")
	lines := 0
	for _, path := range documents(t) {
		column := -1
		for row := range strings.SplitSeq(prose(t, path), "\n") {
			cells := strings.Split(row, "|")
			switch {
			case len(cells) < 3:
				column = -1
			case column < 0:
				column = slices.IndexFunc(cells, func(cell string) bool {
					return slices.Contains([]string{"log line", "log, metric"}, strings.TrimSpace(cell))
				})
				if column < 0 {
					column = len(cells)
				}
			case column < len(cells):
				for _, quoted := range regexp.MustCompile("`([a-z][^`]* [^`]*)`").FindAllStringSubmatch(cells[column], -1) {
					lines++
					if line := strings.TrimSuffix(quoted[1], " fails; retrying"); !strings.Contains(source, strings.TrimSuffix(line, " works again")) {
						t.Errorf("%s: no code logs %q", filepath.Base(path), line)
					}
				}
			}
		}
	}
	if lines < 20 {
		t.Errorf("found %d lines: the test does not look where they are", lines)
	}
}

// Whoever doubts the threat model finds the tests that it names.
func TestProofsOfTheThreatModelAreTests(t *testing.T) {
	tests := ""
	for _, depth := range []string{"*", "*/*", "*/*/*", "*/*/*/*"} {
		paths, err := filepath.Glob(filepath.Join(repository, depth+"_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			tests += strings.Join(regexp.MustCompile(`(?m)^func (?:Test|Fuzz)\w+|t\.Run\("[^"]+"`).FindAllString(string(source), -1), "\n") + "\n"
		}
	}
	proofs := regexp.MustCompile("`((?:AS|RS|CL|PG|F|G)\\d+|Test\\w+)`").FindAllStringSubmatch(prose(t, filepath.Join(repository, "docs", "THREAT-MODEL.md")), -1)
	for _, proof := range proofs {
		if !regexp.MustCompile(`(\b|Test|_)` + proof[1] + `(\b|_)`).MatchString(tests) {
			t.Errorf("the threat model names %s, and there is no such test", proof[1])
		}
	}
	if len(proofs) < 40 {
		t.Errorf("found %d proofs: the test does not look where they are", len(proofs))
	}
}

// wordsIn gives what a pattern finds in source files.
func wordsIn(t *testing.T, sources, pattern string) (words []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository, sources))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1) {
			words = append(words, match[1])
		}
	}
	return words
}

// Whoever writes a script for the admin API finds each path and member of it.
func TestEveryPathAndMemberOfTheAdminAPIIsInADocument(t *testing.T) {
	text := ""
	for _, name := range []string{"admin-api", "gateway-operations"} {
		text += prose(t, filepath.Join(repository, "docs", name+".md"))
	}
	for _, words := range []struct {
		sources, pattern string
		least            int
	}{
		{"caddymodule/admin.go", `at\("([^"]+)"`, 20},
		{"caddymodule/admin.go", `[{ ]"(\w+)"[,}]`, 30}, // parameters
		{"caddymodule/admin_*.go", `json:"(\w+)`, 60},
	} {
		found := wordsIn(t, words.sources, words.pattern)
		if len(found) < words.least {
			t.Errorf("%s has %v: the test does not look where they are", words.sources, found)
		}
		for _, word := range found {
			if !regexp.MustCompile("`[^`\\n]*" + regexp.QuoteMeta(word) + `(\W)`).MatchString(text) {
				t.Errorf("no document of the admin API has %s", word)
			}
		}
	}
}
