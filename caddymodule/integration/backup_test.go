package integration

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// redeem sends a form of the demo client to the token endpoint of the root realm.
func (w *world) redeem(pairs ...string) (status int, refresh string) {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	status, body := ask(w.t, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.auth+"/oauth2/access_token", strings.NewReader(form.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("myClient", "forgerock")
		}
		return r, err
	})
	var answer struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		w.t.Fatalf("%v: %s", err, body)
	}
	return status, answer.Refresh
}

// refresh uses a refresh token and wants a status.
func (w *world) refresh(token string, want int) (next string) {
	w.t.Helper()
	status, next := w.redeem("grant_type", "refresh_token", "refresh_token", token)
	if status != want {
		w.t.Errorf("a refresh has status %d, want %d", status, want)
	}
	return next
}

func (w *world) code(code string, want int) {
	w.t.Helper()
	if status, _ := w.redeem("grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI); status != want {
		w.t.Errorf("a code has status %d, want %d", status, want)
	}
}

// restore puts a backup in the place of the database, as the documents say.
func (w *world) restore(backup string) {
	w.t.Helper()
	w.stop()
	database := filepath.Join(w.home, "caddy", "oauth2", "oauth2.db")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(database + suffix)
	}
	content, err := os.ReadFile(backup)
	if err == nil {
		err = os.WriteFile(database, content, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.restart()
}

// A backup of the running binary under load; then what it knows is used up, and it
// is restored. Nothing of it works twice, and honest clients go on.
func TestBackupAndRestore(t *testing.T) {
	w := startExample(t)
	w.caddyfile = strings.Replace(w.caddyfile, "\taccess_token {", "\trefresh_token {\n\t\tgrace 1s\n\t}\n\taccess_token {", 1)
	w.restart()
	root := w.documentRealms()["root"]
	session := signIn(t, root)
	codes := make([]string, 0, 10)
	for range cap(codes) {
		codes = append(codes, authorizationCode(t, root, session))
	}
	_, quiet := passwordTokens(t, root)  // not used between backup and restore
	_, stolen := passwordTokens(t, root) // rotated once, and a thief has the old one
	_, ahead := passwordTokens(t, root)  // rotated often

	n, stop := &tally{beat: make(chan struct{})}, make(chan struct{})
	var load sync.WaitGroup
	for range callers {
		load.Go(func() {
			attack(stop, n, func() (*http.Request, int) {
				return request(t, http.MethodPost, root.oauth2+"/access_token", ""), http.StatusOK
			})
		})
	}
	<-n.beat
	file := filepath.Join(t.TempDir(), "oauth2.backup")
	key := filepath.Join(w.home, "caddy", "oauth2", "oauth2.key")
	w.operate("", "oauth2-backup", file).must(t, 0, "wrote "+file, "Keep "+key)
	close(stop)
	load.Wait()
	if n.wrong.Load() > 0 || n.transport.Load() > 0 {
		t.Errorf("under a backup: %v", n)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}

	for _, code := range codes[1:] {
		w.code(code, http.StatusOK)
	}
	honest := w.refresh(stolen, http.StatusOK)
	for range 5 {
		ahead = w.refresh(ahead, http.StatusOK)
	}
	w.restore(file)
	if !strings.Contains(w.output(), "the store was restored from a copy") {
		t.Error("nobody is told of the restore")
	}
	for _, code := range codes {
		w.code(code, http.StatusBadRequest)
	}
	w.refresh(quiet, http.StatusOK)
	for range 2 {
		ahead = w.refresh(ahead, http.StatusOK)
	}
	// The thief's token works once more. Then the client's own has gone on, and
	// what the thief was given ends the family.
	thief := w.refresh(stolen, http.StatusOK)
	honest = w.refresh(honest, http.StatusOK)
	for deadline := time.Now().Add(patience); ; { // until the grace is over
		if status, _ := w.redeem("grant_type", "refresh_token", "refresh_token", thief); status == http.StatusBadRequest {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the fork goes on")
		}
	}
	w.refresh(honest, http.StatusBadRequest)

	// Codes of afterwards work, and so they do after another restart.
	w.code(authorizationCode(t, root, signIn(t, root)), http.StatusOK)
	code := authorizationCode(t, root, signIn(t, root))
	w.restart()
	w.code(code, http.StatusOK)
	if strings.Contains(w.output(), "the store was restored from a copy") {
		t.Error("a restart is taken for a restore")
	}
}

func TestTheBackupCommand(t *testing.T) {
	w := startExample(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	raw := w.operate("", "oauth2-backup", "--json", file)
	raw.must(t, 0)
	var answer struct {
		File, KeyFile string
		Bytes         int64
		Made          time.Time
	}
	if err := json.Unmarshal([]byte(raw.stdout), &answer); err != nil || answer.File != file || answer.Bytes == 0 || time.Since(answer.Made) > time.Hour {
		t.Errorf("%v: %s", err, raw.stdout)
	}
	w.operate("", "oauth2-backup", file).must(t, 2, "is there already")
	w.operate("", "oauth2-backup").must(t, 2, "name the file")
	w.operate("", "oauth2-backup", "--restored", file).must(t, 2, "takes no file")
	w.operate("", "oauth2-backup", filepath.Join(dir, "nowhere", "a")).must(t, 2, "no such file")
	piped := filepath.Join(dir, "piped")
	if err := os.WriteFile(piped, []byte(w.operate("", "oauth2-backup", "-").stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.CheckBackup(t.Context(), piped); err != nil {
		t.Error(err)
	}
	// A copy that was made otherwise: the operator says that it is one.
	code := authorizationCode(t, w.documentRealms()["root"], signIn(t, w.documentRealms()["root"]))
	for begun := time.Now().Unix(); time.Now().Unix() == begun; { // the code is of an earlier second
		w.operate("", "oauth2-backup", "--restored").must(t, 0, "void")
	}
	w.operate("", "oauth2-backup", "--restored").must(t, 0, "void")
	w.code(code, http.StatusBadRequest)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if left, _ := filepath.Glob(filepath.Join(w.home, "caddy", "oauth2", "*backup*")); len(left) > 0 {
		t.Errorf("the server left %v", left)
	}
}
