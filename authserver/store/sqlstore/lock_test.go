package sqlstore_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// lockVariable makes the test binary a process that locks the database which
// it names, says how that went, and keeps the lock until its input ends.
const lockVariable = "SQLSTORE_LOCK"

func playLocker(path string) {
	lock, err := sqlstore.Lock(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("locked")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = lock.Close()
}

// lockElsewhere locks in another process and gives what it said. end lets it
// end, or kills it.
func lockElsewhere(t *testing.T, path string) (said string, end func(kill bool)) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary)
	command.Env = append(os.Environ(), lockVariable+"="+path)
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said, err = bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(said), func(kill bool) {
		if kill {
			_ = command.Process.Kill()
		}
		_ = input.Close()
		_ = command.Wait()
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "oauth2.db")
	lock, err := sqlstore.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	said, end := lockElsewhere(t, path)
	end(false)
	_, err = sqlstore.Lock(path)
	if err == nil {
		t.Fatal("the same process locked twice")
	}
	for _, refusal := range []string{said, err.Error()} {
		for _, want := range []string{path + " is in use", path + ".lock", "stop it"} {
			if !strings.Contains(refusal, want) {
				t.Errorf("%q does not say %q", refusal, want)
			}
		}
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	said, end = lockElsewhere(t, path)
	defer end(false)
	if said != "locked" {
		t.Errorf("after the lock was given up: %s", said)
	}
}

func TestLockEndsWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	for _, kill := range []bool{false, true} {
		said, end := lockElsewhere(t, path)
		if said != "locked" {
			t.Fatal(said)
		}
		if _, err := sqlstore.Lock(path); err == nil {
			t.Error("two processes hold one lock")
		}
		end(kill)
		lock, err := sqlstore.Lock(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
}
