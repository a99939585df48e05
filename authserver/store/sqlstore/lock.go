package sqlstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Lock takes the lock file beside the database file at path for this process,
// until the result is closed or the process ends, however it ends. A server
// takes it before it opens the database: SQLite itself would let a second
// process in, which would then sign with the same keys but know nothing of
// what the first keeps in memory.
func Lock(path string) (io.Closer, error) {
	name := path + ".lock"
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("lock the database %s: %w", path, err)
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the database %s: %w", path, err)
	}
	if err := lockFile(file); err != nil {
		if errors.Is(err, errLocked) {
			err = fmt.Errorf("the database %s is in use, probably by another process: it holds the lock on %s; "+
				"stop it, or give this one a database of its own by `storage sqlite PATH` in the oauth2 option", path, name)
		} else {
			err = fmt.Errorf("lock %s: %w", name, err)
		}
		return nil, errors.Join(err, file.Close())
	}
	// The file stays when the lock is given up: removing it would let two
	// processes lock two files of one name.
	return file, nil
}
