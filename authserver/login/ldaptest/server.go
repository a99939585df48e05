package ldaptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	// patience bounds how long a server may take to start.
	patience = 60 * time.Second
	// pause is how long a refused connection waits for the next.
	pause = 20 * time.Millisecond
)

// Server is a running slapd.
type Server struct {
	tb      testing.TB
	dir     string
	program string
	process *process
	ldap    string // host:port
	ldaps   string
}

// New starts a server with the people of this package and what the LDIF in more
// adds. It ends with its test.
func New(tb testing.TB, more ...string) *Server {
	tb.Helper()
	program := find("slapd")
	if program == "" || find("ldapmodify") == "" {
		const text = "OpenLDAP is not installed (apt-get install slapd ldap-utils)"
		if os.Getenv("CI") == "true" {
			tb.Fatal(text)
		}
		tb.Skip(text)
	}
	s := &Server{tb: tb, dir: tb.TempDir(), program: program}
	tb.Cleanup(s.Stop)
	if err := errors.Join(s.prepare(), s.load(content+strings.Join(more, "\n"))); err != nil {
		tb.Fatal(err)
	}
	s.Start()
	s.Change(memberships)
	return s
}

// find finds a program; servers are not in everybody's PATH.
func find(name string) string {
	for _, dir := range []string{"", "/usr/sbin/", "/usr/bin/", "/usr/local/libexec/", "/usr/lib/openldap/"} {
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	return ""
}

func (s *Server) prepare() error {
	if err := os.Mkdir(filepath.Join(s.dir, "data"), 0o700); err != nil {
		return err
	}
	if err := writeCertificates(s.dir); err != nil {
		return err
	}
	return os.WriteFile(s.path("slapd.conf"), fmt.Appendf(nil, configuration, s.dir), 0o600)
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// load adds entries while the server is not running. slapadd is slapd under
// another name.
func (s *Server) load(ldif string) error {
	command := exec.CommandContext(s.tb.Context(), s.program, "-Ta", "-f", s.path("slapd.conf"))
	command.Stdin = strings.NewReader(ldif)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("slapadd: %w\n%s", err, out)
	}
	return nil
}

// Start starts the server, on the ports that it had before if it had any, and
// waits until it answers.
func (s *Server) Start() {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if s.ldap == "" {
			s.ldap, s.ldaps = s.freeAddress(), s.freeAddress()
		}
		err := s.start(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			s.tb.Fatalf("slapd does not start: %v", err)
		}
	}
}

func (s *Server) start(ctx context.Context) error {
	process, err := launch(exec.CommandContext(context.WithoutCancel(ctx), s.program, "-d", "0", "-f", s.path("slapd.conf"), "-h", "ldap://"+s.ldap+"/ ldaps://"+s.ldaps+"/"), s.path("log"))
	if err != nil {
		return err
	}
	for {
		// It listens on the first port before it knows whether it gets the second: who
		// is connected may still be turned away, and who is answered is not.
		if err := s.change(ctx, ""); err == nil {
			s.process = process
			return nil
		}
		select {
		case <-process.over:
			text, _ := os.ReadFile(s.path("log"))
			return fmt.Errorf("it has ended: %s", text)
		case <-ctx.Done():
			process.kill()
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s *Server) freeAddress() string {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// Stop ends the server at once. Start starts it again.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.kill()
		s.process = nil
	}
}

// Address is where it speaks LDAP, with StartTLS for who wants it.
func (s *Server) Address() string { return s.ldap }

// URL is the same as a URL, TLS that of ldaps.
func (s *Server) URL() string { return "ldap://" + s.ldap }

// TLS is the URL of LDAP over TLS.
func (s *Server) TLS() string { return "ldaps://" + s.ldaps }

// CA is the file of the certificate that signed the server's.
func (s *Server) CA() string { return s.path("ca.pem") }

// Change applies LDIF as the directory's administrator.
func (s *Server) Change(ldif string) {
	s.tb.Helper()
	if err := s.change(s.tb.Context(), ldif); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *Server) change(ctx context.Context, ldif string) error {
	command := exec.CommandContext(ctx, find("ldapmodify"), "-x", "-c", "-H", s.URL(), "-D", admin, "-w", adminPassword)
	command.Stdin = strings.NewReader(ldif)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("ldapmodify: %w\n%s", err, out)
	}
	return nil
}
