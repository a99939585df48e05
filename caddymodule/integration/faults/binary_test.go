package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	// What the binary is built of: without it the go command would take results
	// of an older binary from its cache.
	_ "github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// repository is the root of the checkout.
const repository = "../../.."

// buildBinary builds Caddy with the places of package failpoint in it.
var buildBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "caddy-oauth2-faults-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caddy")
	build := exec.Command("go", "build", "-tags", "nobadger,nomysql,nopgx,failpoint", "-o", path, "./cmd/caddy")
	build.Dir = repository
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	if path, err := buildBinary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// number reads how often a fault shall be repeated from the environment.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s must be a number, not %q", variable, text)
	}
	return n
}
