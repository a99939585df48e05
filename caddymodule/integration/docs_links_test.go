package integration

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	documentLink = regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)
	headingLine  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fence        = regexp.MustCompile("(?s)```.*?```")
)

// Links within the documents lead to files and headings that there are.
func TestLinksOfTheDocuments(t *testing.T) {
	paths := append(documents(t), filepath.Join(repository, "SECURITY.md"), filepath.Join(repository, "CHANGELOG.md"))
	links := 0
	for _, path := range paths {
		for _, link := range documentLink.FindAllStringSubmatch(prose(t, path), -1) {
			links++
			target := path
			if link[1] != "" {
				target = filepath.Join(filepath.Dir(path), link[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", filepath.Base(path), link[0])
			} else if link[2] != "" && !anchors(t, target)[link[2]] {
				t.Errorf("%s: %s leads to no heading", filepath.Base(path), link[0])
			}
		}
	}
	if links < 30 {
		t.Errorf("found %d links: the test does not look where they are", links)
	}
}

// The pictures of the documents are there, and small.
func TestPicturesOfTheDocuments(t *testing.T) {
	pictures := 0
	for _, path := range documents(t) {
		for _, picture := range regexp.MustCompile(`src(?:set)?="([^"]+)"`).FindAllStringSubmatch(prose(t, path), -1) {
			pictures++
			content, err := os.ReadFile(filepath.Join(filepath.Dir(path), picture[1]))
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
			} else if _, err := png.DecodeConfig(bytes.NewReader(content)); err != nil || len(content) > 100<<10 {
				t.Errorf("%s has %d bytes, error %v", picture[1], len(content), err)
			}
		}
	}
	if pictures < 2 {
		t.Errorf("found %d pictures: the test does not look where they are", pictures)
	}
}

// prose is a document without its fenced blocks.
func prose(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fence.ReplaceAllString(string(content), "")
}

// anchors are the names of a document's headings, as forges make them.
func anchors(t *testing.T, path string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, heading := range headingLine.FindAllStringSubmatch(prose(t, path), -1) {
		name := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		found["#"+strings.ReplaceAll(name, " ", "-")] = true
	}
	return found
}
