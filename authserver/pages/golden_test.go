package pages_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

var update = flag.Bool("update", false, "write the pages that are compared")

// The pages as they are in English. A change shows here as people will see it.
func TestGoldenPages(t *testing.T) {
	p := newPages(t, pages.Look{Name: "Example"})
	version := regexp.MustCompile(`\?v=[0-9a-f]{16}`)
	for _, sample := range pages.Samples() {
		got := version.ReplaceAll(showIn(p, "en", sample.Status, sample.Page).Body.Bytes(), []byte("?v=VERSION"))
		file := filepath.Join("testdata", "golden", sample.Name+".html")
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not as in %s (%v); look at it, then write it anew with -update:\n%s", sample.Name, file, err, got)
		}
	}
}
