package ldaptest

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// process is a program that does not outlive the tests.
type process struct {
	command *exec.Cmd
	over    chan struct{}
}

// launch runs command, whose output goes to the file at log.
func launch(command *exec.Cmd, log string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = file, file
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &process{command: command, over: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The parent whose death ends the program is this thread, so it has to live
		// as long as the program does.
		runtime.LockOSThread()
		defer close(p.over)
		defer func() { _ = file.Close() }()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
		}
	}()
	return p, <-started
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.over
}
