package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// What an account had besides its password goes with it: the next of its id must
// not be let in by it.
func TestAnAccountThatIsDeletedTakesItsCredentialsAlong(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "oauth2.db"))
	gone := store.Account{Service: "staff", ID: "u-1"}
	_, err := s.CreateAccount(t.Context(), store.StoredAccount{Realm: "/", Account: gone, Username: "alice", Claims: "{}"})
	if err != nil {
		t.Fatal(err)
	}
	numbers := func(text string) (n int64) {
		t.Helper()
		err := s.Write(t.Context(), func(exec func(string) (int64, error)) (err error) {
			n, err = exec(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	numbers(`INSERT INTO credentials (realm, service, account, kind, id, label, data, counter, created, last_used)
		VALUES ('/', 'staff', 'u-1', 1, 'a', '', '', 0, 0, 0), ('/', 'staff', 'u-2', 1, 'a', '', '', 0, 0, 0), ('/other', 'staff', 'u-1', 1, 'a', '', '', 0, 0, 0)
		RETURNING counter`)
	if err := s.DeleteAccount(t.Context(), "/", gone, 0, "", time.Unix(1_800_000_000, 0)); err != nil {
		t.Fatal(err)
	}
	if left := numbers(`SELECT COUNT(*) FROM credentials`); left != 2 {
		t.Errorf("%d credentials are left, want those of two others", left)
	}
}
