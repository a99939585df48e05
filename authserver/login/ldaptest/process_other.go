//go:build !linux

package ldaptest

import "os/exec"

// Elsewhere nothing sees that a program ends with its tests.
type process struct {
	command *exec.Cmd
	over    chan struct{}
}

func launch(command *exec.Cmd, _ string) (*process, error) {
	p := &process{command: command, over: make(chan struct{})}
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() { defer close(p.over); _ = command.Wait() }()
	return p, nil
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.over
}
