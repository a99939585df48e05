package caddymodule_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// F26: an import that hashes many secrets leaves room for those who sign in
// meanwhile.
func TestF26_AnImportDoesNotCrowdOutSignIns(t *testing.T) {
	o := newRegistry(t)
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "chosen", "secrets", []string{"chosen-by-an-operator"}), nil)
	const many = 12
	clients := make([]string, many)
	for i := range clients {
		clients[i] = fmt.Sprintf(`{"clientId":"c%d","secret":"canary-%d","serviceAccountsEnabled":true,"standardFlowEnabled":false,"defaultClientScopes":["read"]}`, i, i)
	}
	done := make(chan string)
	go func() {
		_, text := o.tell(http.MethodPost, importPath+"?format=keycloak", `{"clients":[`+strings.Join(clients, ",")+`]}`)
		done <- text
	}()
	for n := 0; ; n++ {
		select {
		case text := <-done:
			if strings.Count(text, `"created"`) != many || !strings.Contains(text, `"stored":true`) {
				t.Errorf("after %d sign-ins: %s", n, text)
			}
			o.wantToken("c7", "canary-7")
			o.mustNotHold("canary-7", text)
			return
		default:
			// Each wrong secret costs a slow hash.
			o.wantFault("chosen", fmt.Sprintf("guess %d", n), "invalid_client")
		}
	}
}
