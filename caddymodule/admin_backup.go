package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// serveBackup answers GET /oauth2/backup with a copy of the store as it stands.
// Only where a file is the store is there one to send.
func serveBackup(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		return apiError(http.StatusMethodNotAllowed, fmt.Errorf("%s is not for this path; there is GET", r.Method))
	}
	app, err := runningApp()
	if err != nil {
		return err
	}
	if app.backend == nil {
		return apiError(http.StatusConflict, errNoStore)
	}
	// The admin endpoint's time-outs are for short requests: after one it would
	// take the caller to be gone.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	backend, release, err := app.liveBackend(r.Context())
	if err != nil {
		return apiError(http.StatusServiceUnavailable, err)
	}
	defer release()
	backup, err := backend.Backup(r.Context())
	switch {
	case errors.Is(err, store.ErrNoBackup):
		return apiError(http.StatusConflict, errors.New("the store is a PostgreSQL database: back it up with pg_dump or pg_basebackup, "+
			"and after a restore run: caddy oauth2-backup --restored"))
	case errors.Is(err, store.ErrBackupRuns):
		return apiError(http.StatusConflict, err)
	case err != nil:
		return apiError(http.StatusServiceUnavailable, err)
	}
	defer func() { _ = backup.Close() }()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/vnd.sqlite3")
	w.Header().Set("Content-Length", strconv.FormatInt(backup.Size, 10))
	if keeper, ok := app.storage.(keyKeeper); ok && app.key == nil {
		w.Header().Set(keyFileHeader, keeper.keyFile())
	}
	sent, err := io.Copy(w, backup)
	if err != nil || sent != backup.Size {
		app.log.Error("a backup was not taken to its end", "bytes", sent, "of", backup.Size, "error", err)
		panic(http.ErrAbortHandler) // what came must not look like all
	}
	app.log.Info("made a backup", "bytes", sent, "remote_ip", r.RemoteAddr)
	app.audit(byAdmin(r).Context(), audit.Record{Event: audit.BackupMade})
	return nil
}

// keyFileHeader names the file without which a backup is of no use.
const keyFileHeader = "Oauth2-Key-File"

// keyKeeper is a storage that has made the key itself.
type keyKeeper interface{ keyFile() string }

var errNoStore = errors.New("the running configuration has no store: it has neither a realm nor anything else that needs one")

// noteRestored answers POST /oauth2/backup/restored.
func noteRestored(app *App, r *http.Request) (any, error) {
	if err := readBody(r, &struct{}{}, "none"); err != nil {
		return nil, err
	}
	if app.backend == nil {
		return nil, apiError(http.StatusConflict, errNoStore)
	}
	backend, release, err := app.liveBackend(r.Context())
	if err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	defer release()
	if _, err := backend.Restored(r.Context()); err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	app.audit(r.Context(), audit.Record{Event: audit.BackupRestored})
	return nil, nil
}

// Interface guards
var (
	_ caddy.AdminHandler = caddy.AdminHandlerFunc(serveBackup)
	_ keyKeeper          = (*SQLiteStorage)(nil)
)
