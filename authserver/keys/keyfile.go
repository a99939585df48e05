package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// maxKeyFileBytes bounds what is read of the operator's key file.
const maxKeyFileBytes = 4 << 10

// LoadOrCreateFile reads the operator's key from a file (base64 text, mode
// 0600), or makes one there when mayCreate and there is none. Of starts that
// race for a missing file all get the same key.
func LoadOrCreateFile(path string, mayCreate bool) (*Wrapper, error) {
	wrapper, err := loadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return wrapper, err
	}
	if !mayCreate {
		return nil, fmt.Errorf("there is no encryption key at %s, and the private keys in the database cannot be opened without it: restore the file from your backup: %w", path, fs.ErrNotExist)
	}
	if err := createFile(path); err != nil {
		return nil, fmt.Errorf("cannot make the encryption key at %s: %w", path, err)
	}
	// Read it back whoever made it: what counts is what the next start will see.
	return loadFile(path)
}

func loadFile(path string) (*Wrapper, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the encryption key: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFileBytes))
	if err != nil {
		return nil, fmt.Errorf("cannot read the encryption key: %w", err)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, fmt.Errorf("the encryption key at %s is not base64 text; restore the file from your backup", path)
	}
	wrapper, err := NewWrapper(key)
	if err != nil {
		return nil, fmt.Errorf("the encryption key at %s is damaged, and a new one cannot open the private keys in the database: restore the file from your backup; it has %d bytes and needs 32", path, len(key))
	}
	return wrapper, nil
}

// createFile makes a key file that is there whole or not at all, also after a
// power cut: it is written and synced under another name, then linked to its
// own, which fails when another start was faster. That is no error.
func createFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// CreateTemp opens with O_EXCL and mode 0600.
	file, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if err := errors.Join(writeKey(file), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func writeKey(file *os.File) error {
	key := make([]byte, wrappingKeyBytes)
	_, _ = rand.Read(key) // never fails
	if _, err := file.WriteString(base64.StdEncoding.EncodeToString(key) + "\n"); err != nil {
		return err
	}
	return file.Sync()
}

// syncDir makes a new name in a directory durable.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
