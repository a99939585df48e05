package integration

import (
	"os"
	"path/filepath"
	"regexp"
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
		{"caddymodule/[me]*s.go", `Name: "(\w+)"`, "docs/logging.md", "caddy_oauth2_", 7},
		{"introspect/refusal.go", `(?m)^\tReason\w+ += "(\w+)"`, "docs/gateway.md", "", 18},
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
