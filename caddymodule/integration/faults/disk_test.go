package faults

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// disk is a small file system of its own for nodes to fill. It is mounted in a
// namespace that one process keeps, so that it goes with the test whatever
// happens, and needs no root where users may have namespaces.
type disk struct {
	path string
	root string // where we see what the namespace has at /
	join []string
}

// newDisk mounts a disk of a size such as 32m.
func newDisk(t *testing.T, size string) *disk {
	t.Helper()
	d := &disk{path: filepath.Join(t.TempDir(), "disk")}
	must(t, os.Mkdir(d.path, 0o700))
	as, enter := []string{"--mount"}, []string{"--mount"}
	if os.Getuid() != 0 {
		as, enter = append(as, "--map-root-user"), append(enter, "--user", "--preserve-credentials")
	}
	keeper := exec.Command("unshare", append(as, "sh", "-c", `mount -t tmpfs -o size="$1" tmpfs "$0" && echo mounted && exec cat`, d.path, size)...)
	keeper.Stderr = os.Stderr
	input, err := keeper.StdinPipe()
	must(t, err)
	output, err := keeper.StdoutPipe()
	must(t, err)
	must(t, keeper.Start())
	t.Cleanup(func() {
		_ = input.Close()
		_ = keeper.Wait()
	})
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		const why = "no disk can be mounted in a namespace (%s: %v): the test needs root, or a kernel that lets users have namespaces"
		if os.Getenv("CI") != "true" {
			t.Skipf(why, line, err)
		}
		t.Fatalf(why, line, err)
	}
	d.root = fmt.Sprintf("/proc/%d/root", keeper.Process.Pid)
	d.join = append([]string{"nsenter", "--target", fmt.Sprint(keeper.Process.Pid)}, enter...)
	return d
}

// fill takes all space that is left, until release is called.
func (d *disk) fill(t *testing.T) (release func()) {
	t.Helper()
	name := d.root + filepath.Join(d.path, "filler")
	file, err := os.Create(name)
	must(t, err)
	for chunk := 1 << 20; chunk > 0; {
		if _, err := file.WriteString(strings.Repeat("x", chunk)); errors.Is(err, syscall.ENOSPC) {
			chunk /= 2
		} else {
			must(t, err)
		}
	}
	return func() {
		must(t, errors.Join(file.Close(), os.Remove(name)))
	}
}
