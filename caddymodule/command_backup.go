package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func init() {
	registerCommand("oauth2-backup", "<file> | - | --restored",
		"Writes a copy of the server's database while it runs",
		`
Writes a copy of the SQLite database of the running server to a file that must
not exist yet, readable by its owner only. The copy is of one moment; requests
go on meanwhile. It is checked before it gets its name. With - the copy goes to
the standard output, unchecked.

Keep the key file apart from it: neither is of use without the other.

To restore, stop the server, remove the database file with the files of the same
name that end in -wal and -shm, put the backup in its place, and start the
server. It sees that this is a backup and ends what could else be used twice. A
copy that was made otherwise, as of PostgreSQL, does not say so: run
oauth2-backup --restored right after the start.`,
		1, func(flags *flagSet) {
			flags.Bool("restored", false, "End what could be used twice after a restore from another copy")
		}, backupCommand)
}

// backupResult is what --json prints.
type backupResult struct {
	// File is where the backup is.
	File string `json:"file"`

	// Bytes is its size.
	Bytes int64 `json:"bytes"`

	// Made is when it was made.
	Made time.Time `json:"made"`

	// Schema is the version of the schema in it.
	Schema int `json:"schema"`

	// KeyFile is the file that has to be kept too; absent where the key is
	// configured.
	KeyFile string `json:"key_file,omitempty"`
}

func backupCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	name := fl.Arg(0)
	if fl.Bool("restored") {
		if name != "" {
			return exitTrouble, errors.New("--restored is for the running server and takes no file")
		}
		return c.restored()
	}
	if name == "" {
		return exitTrouble, errors.New("name the file to write the backup to, or - for the standard output")
	}
	response, err := c.ask(http.MethodGet, "/oauth2/backup", nil)
	if err != nil {
		return exitTrouble, err
	}
	defer func() { _ = response.Body.Close() }()
	if name == "-" {
		_, err = io.Copy(c.out, response.Body)
		return exitCode(err), err
	}
	result, err := writeBackup(context.Background(), name, response.Body)
	if err != nil {
		return exitTrouble, err
	}
	result.KeyFile = response.Header.Get(keyFileHeader)
	if c.raw {
		return caddy.ExitCodeSuccess, json.NewEncoder(c.out).Encode(result)
	}
	c.printf("wrote %s: %d bytes, schema %d, made %s\n", name, result.Bytes, result.Schema, result.Made.Format(time.RFC3339))
	if result.KeyFile != "" {
		c.printf("Keep %s too, and apart from it: neither is of use without the other.\n", result.KeyFile)
	} else {
		c.printf("Keep the encryption_key too, and apart from it: neither is of use without the other.\n")
	}
	return caddy.ExitCodeSuccess, nil
}

func exitCode(err error) int {
	if err != nil {
		return exitTrouble
	}
	return caddy.ExitCodeSuccess
}

// writeBackup writes a copy to a new file, and gives it its name only when it is
// whole, checked and on disk.
func writeBackup(ctx context.Context, name string, content io.Reader) (result backupResult, err error) {
	if _, err := os.Lstat(name); err == nil {
		return result, fmt.Errorf("%s is there already; name a new file", name)
	}
	part, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return result, err
	}
	defer func() {
		_ = part.Close()
		if err != nil {
			_ = os.Remove(part.Name())
		}
	}()
	if result.Bytes, err = io.Copy(part, content); err != nil {
		return result, fmt.Errorf("the backup did not come to its end: %w", err)
	}
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return result, err
	}
	info, err := sqlstore.CheckBackup(ctx, part.Name())
	if err != nil {
		return result, err
	}
	result.File, result.Made, result.Schema = name, info.Made, info.Schema
	if err := os.Rename(part.Name(), name); err != nil {
		return result, err
	}
	return result, syncDirectory(filepath.Dir(name))
}

// syncDirectory makes a new name last.
func syncDirectory(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	_ = dir.Sync() // not every system can
	return dir.Close()
}

// restored has the running server end what could be used twice.
func (c adminClient) restored() (int, error) {
	if _, err := c.call(http.MethodPost, "/oauth2/backup/restored", nil, nil); err != nil {
		return exitTrouble, err
	}
	if !c.raw {
		c.printf("Codes that were issued before are void, and so are proofs that were made before.\n")
	}
	return caddy.ExitCodeSuccess, nil
}
