//go:build unix

package sqlstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

const errLocked = unix.EWOULDBLOCK

// lockFile takes an exclusive lock on an open file, or fails at once. The lock
// belongs to the open file, so that other uses of its name do not end it.
func lockFile(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
