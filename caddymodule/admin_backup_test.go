package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What was made before a restore is refused, and nothing that is made after it.
func TestAServerRefusesProofsFromBeforeARestoreForAsLongAsTheyCount(t *testing.T) {
	if want := introspect.MaxProofAge + 2*introspect.MaxLeeway; authserver.ProofMemory != want {
		t.Errorf("the server takes proofs to be remembered for %s, the gateway remembers them for %s", authserver.ProofMemory, want)
	}
}

func TestBackupsOverTheAdminAPI(t *testing.T) {
	o := newOperated(t, "deny_list", setup{})
	if status, body := o.tell(http.MethodGet, "/oauth2/backup", ""); status != http.StatusOK || !strings.HasPrefix(body, "SQLite format 3") {
		t.Errorf("%d %.100s", status, body)
	}
	for _, body := range []string{"", "{}"} {
		if status, text := o.tell(http.MethodPost, "/oauth2/backup/restored", body); status != http.StatusNoContent {
			t.Errorf("%d %s", status, text)
		}
	}
	o.mustRefuse(http.MethodPost, "/oauth2/backup", "", http.StatusMethodNotAllowed, "GET")
	o.mustRefuse(http.MethodGet, "/oauth2/backup/restored", "", http.StatusMethodNotAllowed, "POST")
	o.mustRefuse(http.MethodPost, "/oauth2/backup/restored", `{"when":1}`, http.StatusBadRequest, "no other members")
}

func TestThereIsNoBackupOfNothing(t *testing.T) {
	o := newOperated(t, "", setup{})
	o.mustRefuse(http.MethodGet, "/oauth2/backup", "", http.StatusConflict, "no store")
	o.mustRefuse(http.MethodPost, "/oauth2/backup/restored", "", http.StatusConflict, "no store")
}
