package keys_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestNewWrapperWants32Bytes(t *testing.T) {
	for _, length := range []int{0, 16, 31, 33, 64} {
		if _, err := keys.NewWrapper(make([]byte, length)); err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") {
			t.Errorf("%d bytes: got %v, want an error that says how to make a key", length, err)
		}
	}
}

func TestCheckValueTellsKeysApartAndNothingElse(t *testing.T) {
	one, same, other := wrapperOf(t, 1), wrapperOf(t, 1), wrapperOf(t, 2)
	if one.CheckValue() != same.CheckValue() {
		t.Error("the same key has two check values")
	}
	if one.CheckValue() == other.CheckValue() {
		t.Error("two keys have the same check value")
	}
	key := bytes.Repeat([]byte{1}, 32)
	for _, text := range spellings(key) {
		if strings.Contains(text, one.CheckValue()) || strings.Contains(one.CheckValue(), text[:16]) {
			t.Error("the check value shows the key")
		}
	}
}

func TestWrongWrappingKeySaysSo(t *testing.T) {
	st := &memory{}
	open(t, st, wrapperOf(t, 1), "/", oauth.ES256)
	_, err := keys.Open(context.Background(), st, wrapperOf(t, 2), "/", fastAlgorithms, start)
	if err == nil || !strings.Contains(err.Error(), "encryption key is not the one it was stored under") {
		t.Fatalf("got %v, want an error that names the encryption key", err)
	}
}

// A key that was wrapped for one place does not open in another, so that
// whoever writes to the database cannot swap keys.
func TestWrappedKeyIsBoundToItsRow(t *testing.T) {
	tests := map[string]func(row *store.Key){
		"realm":     func(row *store.Key) { row.Realm = "/b" },
		"purpose":   func(row *store.Key) { row.Purpose = store.KeyForm },
		"algorithm": func(row *store.Key) { row.Algorithm = "HS512" },
		"kid":       func(row *store.Key) { row.ID = "0123456789abcdef" },
		"nonce":     func(row *store.Key) { row.Wrapped[0] ^= 1 },
		"tag":       func(row *store.Key) { row.Wrapped[len(row.Wrapped)-1] ^= 1 },
		"cut off":   func(row *store.Key) { row.Wrapped = row.Wrapped[:10] },
		"empty":     func(row *store.Key) { row.Wrapped = nil },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			st := &memory{}
			open(t, st, wrapperOf(t, 1), "/a", oauth.ES256)
			row := st.find(t, store.KeyRefresh, "")
			change(row)
			_, err := keys.Open(context.Background(), st, wrapperOf(t, 1), row.Realm, []string{oauth.ES256}, start)
			if err == nil || !strings.Contains(err.Error(), "cannot be opened") {
				t.Fatalf("got %v, want the key refused", err)
			}
		})
	}
}

func TestLoadOrCreateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "oauth2.key")
	made, err := keys.LoadOrCreateFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := keys.LoadOrCreateFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if made.CheckValue() != loaded.CheckValue() {
		t.Error("the key changed between two starts")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text))); err != nil || len(key) != 32 {
		t.Errorf("the file holds %d bytes (%v), want 32 in base64", len(key), err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("files beside the key: %v (%v), want none", left, err)
	}
}

func TestKeyFileRacingStartsGetOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.key")
	const starts = 32
	checks := make([]string, starts)
	var wg sync.WaitGroup
	for i := range starts {
		wg.Go(func() {
			wrapper, err := keys.LoadOrCreateFile(path, true)
			if err != nil {
				t.Error(err)
				return
			}
			checks[i] = wrapper.CheckValue()
		})
	}
	wg.Wait()
	for _, check := range checks {
		if check != checks[0] {
			t.Fatal("two starts got two keys")
		}
	}
}

func TestKeyFileErrorsSayHowToMend(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	short := base64.StdEncoding.EncodeToString([]byte("canary-sixteen-b"))
	tests := []struct {
		name, path string
		mayCreate  bool
		want       string
	}{
		{"missing", filepath.Join(dir, "none"), false, "private keys in the database cannot be opened without it: restore the file from your backup"},
		{"no base64", write("text", "canary!"), true, "not base64 text"},
		{"empty", write("empty", ""), true, "has 0 bytes and needs 32"},
		{"too short", write("short", short), true, "has 16 bytes and needs 32"},
		{"endless", write("long", strings.Repeat("A", 1<<20)), true, "needs 32"},
		{"a directory", dir, true, "cannot read the encryption key"},
		{"no place for it", filepath.Join(write("file", ""), "key"), true, "cannot read the encryption key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.LoadOrCreateFile(tt.path, tt.mayCreate)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
				t.Fatalf("got %v, want %q and the path", err, tt.want)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), short) {
				t.Error("the error shows what is in the file")
			}
		})
	}
	_, err := keys.LoadOrCreateFile(filepath.Join(dir, "none"), false)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want it to be fs.ErrNotExist", err)
	}
}
