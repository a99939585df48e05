package authserver_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
)

// PG1: the files that a page of a realm names are answered by the server, for
// each realm, where the page says.
func TestPG1_FilesOfPagesAreBelowTheirRealm(t *testing.T) {
	p := newPair(t)
	for _, realm := range []string{home, away} {
		answer := p.do(httptest.NewRequest(http.MethodGet, realm+"/authorize", nil))
		found := regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(answer.Body.String(), -1)
		if len(found) < 2 {
			t.Fatalf("realm %s: the page names %v", realm, found)
		}
		for _, file := range found {
			if got := p.do(httptest.NewRequest(http.MethodGet, file[1], nil)); got.Code != http.StatusOK || got.Body.Len() == 0 {
				t.Errorf("realm %s: %s is %d", realm, file[1], got.Code)
			}
		}
		for _, script := range []string{"submit.js", "passkey.js"} {
			if got := p.do(httptest.NewRequest(http.MethodGet, realm+"/pages/"+script, nil)); got.Code != http.StatusOK {
				t.Errorf("realm %s: %s is %d", realm, script, got.Code)
			}
		}
		for _, nothing := range []string{"logo", "passkey.json", "../users.yaml", ""} {
			if got := p.do(httptest.NewRequest(http.MethodGet, realm+"/pages/"+nothing, nil)); got.Code != http.StatusNotFound {
				t.Errorf("realm %s: pages/%s is %d", realm, nothing, got.Code)
			}
		}
	}
}
