//go:build !failpoint

package failpoint_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/failpoint"
)

// What is shipped cannot be told to end itself.
func TestPlacesDoNothingWithoutTheTag(t *testing.T) {
	for _, place := range []string{
		failpoint.BeforeCommit, failpoint.AfterCommit, failpoint.InAnswer, failpoint.InMigration,
	} {
		file := filepath.Join(t.TempDir(), "failpoint")
		if err := os.WriteFile(file, []byte(place+":1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(failpoint.Variable, file)
		failpoint.Pass(place)
		w := httptest.NewRecorder()
		failpoint.PassWriting(place, w, []byte("answer"))
		if w.Body.Len() > 0 {
			t.Errorf("%s wrote %q", place, w.Body)
		}
	}
}
