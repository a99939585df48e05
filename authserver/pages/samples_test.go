package pages_test

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

var writeTo = flag.String("write", "", "write every page in every language to this directory, for people to look at")

// TestSamples writes the sample pages and their files, when it is told where:
//
//	go test ./authserver/pages -run TestSamples -write DIR
//
// A file server in that directory shows them.
func TestSamples(t *testing.T) {
	p := newPages(t, pages.Look{Name: "Example", Links: []pages.Link{{Label: "Imprint", URL: "https://example.com/imprint"}, {Label: "Privacy", URL: "https://example.com/privacy"}}})
	for _, lang := range languages {
		for _, sample := range pages.Samples() {
			recorder := httptest.NewRecorder()
			p.Write(recorder, lang, sample.Status, sample.Page)
			if recorder.Code != sample.Status || recorder.Body.Len() == 0 {
				t.Errorf("%s in %s: status %d", sample.Name, lang, recorder.Code)
			}
			save(t, filepath.Join(string(lang), sample.Name+".html"), recorder)
		}
	}
	for _, name := range []string{"style.css", "theme.css", "submit.js", "passkey.js"} {
		recorder := httptest.NewRecorder()
		p.Asset(name).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/oauth2/pages/"+name, nil))
		save(t, filepath.Join("oauth2/pages", name), recorder)
	}
}

func save(t *testing.T, name string, recorder *httptest.ResponseRecorder) {
	t.Helper()
	if *writeTo == "" {
		return
	}
	name = filepath.Join(*writeTo, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, recorder.Body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
