package pgtest

import (
	"bytes"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// owner is whom the server runs as: PostgreSQL refuses to be root. It is nil
// when we are not.
func owner() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// own has a command run as the cluster's owner, in a process group of its own,
// and not outlive the thread that starts it.
func own(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Credential: owner(), Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// giveAway makes the cluster's owner the owner of a directory.
func giveAway(dir string) error {
	if o := owner(); o != nil {
		return os.Chown(dir, int(o.Uid), int(o.Gid))
	}
	return nil
}

// server is a running PostgreSQL.
type server struct {
	process *os.Process
	over    chan struct{}
}

// start runs command, whose output goes to the file at log.
func start(command *exec.Cmd, log string) (*server, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = file, file
	s := &server{over: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The parent whose death ends the server is this thread, so it has to live
		// as long as the server does.
		runtime.LockOSThread()
		defer close(s.over)
		defer func() { _ = file.Close() }()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	s.process = command.Process
	return s, nil
}

// ended says whether the server is over.
func (s *server) ended() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// kill ends the server and its children. Those are no members of its process
// group, for PostgreSQL gives each a session of its own.
func (s *server) kill() {
	if s.ended() {
		return
	}
	// One that stands still makes no more of them.
	_ = s.process.Signal(syscall.SIGSTOP)
	for _, pid := range children(s.process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = s.process.Kill()
	<-s.over
}

// children are the processes whose parent is pid.
func children(pid int) (pids []int) {
	parent := []byte(strconv.Itoa(pid))
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (name) state parent …: the name may hold anything, parentheses too.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 && bytes.Equal(fields[1], parent) {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
