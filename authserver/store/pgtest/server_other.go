//go:build !linux

package pgtest

import (
	"os/exec"
)

// Elsewhere nothing sees that a server ends with its test process.
func own(*exec.Cmd) {}

func giveAway(string) error { return nil }

type server struct{ command *exec.Cmd }

func start(command *exec.Cmd, _ string) (*server, error) {
	return &server{command}, command.Start()
}

func (s *server) ended() bool { return s.command.ProcessState != nil }

func (s *server) kill() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
}
