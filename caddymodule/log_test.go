package caddymodule

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// What outlives a configuration writes to the log of the one that runs.
func TestActiveLog(t *testing.T) {
	w := newWorld(t)
	first := slog.New(activeLog{}).With("from", "first")
	w.load([]byte(strings.ReplaceAll(string(w.config("a", "")), filepath.Join(w.dir, "log"), filepath.Join(w.dir, "old"))))
	w.load(w.config("a", ""))
	second := first.With("secret", oauth.NewSecret("hunter2")).WithGroup("group")
	first.Warn("one", "error", errors.New("broken"))
	second.Info("two", "number", 2)
	first.Debug("three")
	w.stop()

	text, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"level":"warn"`, `"logger":"oauth2","msg":"one","from":"first","error":"broken"}`,
		`"logger":"oauth2","msg":"two","from":"first","secret":"[redacted]","group":{"number":2}}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if strings.Contains(string(text), "three") {
		t.Error("a debug line is in a log that takes none")
	}
}
