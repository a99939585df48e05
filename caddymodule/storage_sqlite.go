package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func init() {
	caddy.RegisterModule(new(SQLiteStorage))
}

// SQLiteStorage keeps everything in one SQLite file, for one process: a second
// one on the same file is refused. There is nothing to install or to maintain.
//
// Unless `encryption_key` is configured, the key that wraps the private keys is
// made on the first start in a file of its own beside the database: `oauth2.key`
// for `oauth2.db`. Back up both, apart from each other: neither is of use
// without the other. To have `encryption_key` take its place, configure that, run
// `caddy oauth2-keys rewrap` and delete the file.
type SQLiteStorage struct {
	// Path is the database file, on a local disk. A relative path is relative to
	// the directory that Caddy was started in. Placeholders (`{env.NAME}`) are
	// filled in. Default: `oauth2/oauth2.db` in Caddy's data directory.
	Path string `json:"path,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*SQLiteStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.storage.sqlite", New: func() caddy.Module { return new(SQLiteStorage) }}
}

// Provision makes the path absolute.
func (s *SQLiteStorage) Provision(caddy.Context) error {
	if s.Path == "" {
		s.Path = filepath.Join(caddy.AppDataDir(), "oauth2", "oauth2.db")
	}
	path, err := caddy.NewReplacer().ReplaceOrErr(s.Path, true, true)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	s.Path, err = filepath.Abs(path)
	return err
}

// Resource implements Storage.
func (s *SQLiteStorage) Resource() string { return "sqlite:" + s.Path }

// Shared implements Storage: one process has the file.
func (*SQLiteStorage) Shared() bool { return false }

// Open implements Storage. The lock comes first, so that of two processes that
// start together one does everything else; then the key, so that there is never
// a database whose key is not on disk.
func (s *SQLiteStorage) Open(ctx context.Context, key *keys.Wrapper) (store.Store, *keys.Wrapper, error) {
	lock, err := sqlstore.Lock(s.Path)
	if err != nil {
		return nil, nil, err
	}
	if key == nil {
		key, err = keys.LoadOrCreateFile(s.keyFile(), !hasContent(s.Path))
	} else if previous, fault := keys.LoadOrCreateFile(s.keyFile(), false); fault == nil {
		// A configured key takes the place of the file's with `oauth2-keys rewrap`.
		key = key.WithPrevious(previous)
	}
	if err == nil {
		err = sqlstore.CheckLog(s.Path)
	}
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	db, err := sqlstore.OpenSQLite(ctx, s.Path)
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	db.OnFault(storeFaulted)
	return &lockedStore{db, lock}, key, nil
}

func (s *SQLiteStorage) keyFile() string { return strings.TrimSuffix(s.Path, ".db") + ".key" }

// hasContent says whether a database was ever written to a file.
func hasContent(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}

// lockedStore gives the lock up when it is closed.
type lockedStore struct {
	store.Store
	lock io.Closer
}

// Close implements store.Store.
func (s *lockedStore) Close() error { return errors.Join(s.Store.Close(), s.lock.Close()) }

// UnmarshalCaddyfile reads the module's line. Syntax:
//
//	sqlite [<path>]
func (s *SQLiteStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume module name
	if d.NextArg() {
		s.Path = d.Val()
	}
	if err := noArgs(d); err != nil {
		return err
	}
	return noBlock(d)
}

// Interface guards
var (
	_ caddy.Module          = (*SQLiteStorage)(nil)
	_ caddy.Provisioner     = (*SQLiteStorage)(nil)
	_ caddyfile.Unmarshaler = (*SQLiteStorage)(nil)
	_ Storage               = (*SQLiteStorage)(nil)
	_ store.Store           = (*lockedStore)(nil)
)
