package authserver

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	spec = regexp.MustCompile(`RFC \d+|OpenID Connect (?:Core|Discovery|RP-Initiated Logout|Back-Channel Logout)|OAuth 2\.0 (?:Form Post Response Mode|Multiple Response Types)`)
	// between is what may stand between the names of specifications in a line
	// that says which ones a file follows.
	between = regexp.MustCompile(`§[\d.]+|Appendix [A-Z]|\band\b|[ ,.]`)
)

// index reads the table of doc.go: specification → files.
func index(t *testing.T) map[string][]string {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	files, current := map[string][]string{}, ""
	for line := range strings.SplitSeq(string(doc), "\n") {
		switch {
		case strings.HasPrefix(line, "//\t\t") && current != "":
			files[current] = append(files[current], strings.Fields(line[2:])...)
		case strings.HasPrefix(line, "//\t"):
			current = spec.FindString(line)
		default:
			current = ""
		}
	}
	return files
}

func TestTheIndexNamesFilesThatExist(t *testing.T) {
	files := index(t)
	if len(files) < 15 {
		t.Fatalf("the index has only %d entries", len(files))
	}
	for spec, list := range files {
		for _, name := range list {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s: %v", spec, err)
			}
		}
	}
}

func TestEveryFileThatFollowsAnRFCIsInTheIndex(t *testing.T) {
	files := index(t)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "storetest") || path == "doc.go" {
			return err
		}
		for _, line := range headers(t, path) {
			for _, name := range spec.FindAllString(line, -1) {
				if !slices.Contains(files[name], filepath.ToSlash(path)) {
					t.Errorf("%s follows %s, which doc.go does not say", path, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// headers are the comment lines of a file that name specifications and sections
// and nothing else.
func headers(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var out []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		text, comment := strings.CutPrefix(scanner.Text(), "// ")
		if rest := spec.ReplaceAllString(text, ""); comment && rest != text && between.ReplaceAllString(rest, "") == "" {
			out = append(out, text)
		}
	}
	return out
}
