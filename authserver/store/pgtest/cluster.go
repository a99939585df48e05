package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// patience bounds how long a server may take to start or stop.
	patience = 60 * time.Second
	// pause is how long a refused start or connection waits for the next.
	pause = 50 * time.Millisecond
)

// ErrNotInstalled says that there are no binaries to make a cluster from.
var ErrNotInstalled = errors.New("PostgreSQL is not installed (apt-get install postgresql)")

// Options shape a cluster.
type Options struct {
	// NoSync turns fsync off: quicker, but nothing survives a power cut.
	NoSync bool
	// Settings are lines for postgresql.conf, with values as they stand there.
	Settings map[string]string
}

// Cluster is one PostgreSQL server with its data.
type Cluster struct {
	bin    string // where its programs are
	dir    string // holds its data, socket and log
	server *server
	names  atomic.Int64
}

// New makes a cluster of the test's own and starts it. It goes with its test.
func New(tb testing.TB, options Options) *Cluster {
	tb.Helper()
	c, err := Start(tb.Context(), options)
	give(tb, err)
	tb.Cleanup(c.Remove)
	return c
}

// Start makes a cluster for a program that is no test and starts it. Remove ends it.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	bin := programs()
	if bin == "" {
		return nil, ErrNotInstalled
	}
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir}
	err = errors.Join(giveAway(dir), c.initialize(ctx, options))
	if err == nil {
		err = c.Start(ctx)
	}
	if err != nil {
		c.Remove()
		return nil, err
	}
	return c, nil
}

// programs finds the directory of the server's programs; Debian keeps them out
// of PATH, one directory a version.
func programs() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		// A link to one of them may stand alone.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(slices.Max(found))
}

func (c *Cluster) initialize(ctx context.Context, options Options) error {
	// The data of a cluster that is being made needs no sync.
	err := c.Run(ctx, "initdb", "--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", c.Data())
	if err != nil {
		return err
	}
	settings := map[string]string{
		"listen_addresses":        "''",
		"unix_socket_directories": "'" + c.dir + "'",
		"max_connections":         "200",
		"shared_buffers":          "64MB",
	}
	if options.NoSync {
		settings["fsync"] = "off"
	}
	for name, value := range options.Settings {
		settings[name] = value
	}
	return c.Configure(settings)
}

// Configure adds settings, which hold from the next start.
func (c *Cluster) Configure(settings map[string]string) error {
	file, err := os.OpenFile(filepath.Join(c.Data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for name, value := range settings {
		if _, err := fmt.Fprintf(file, "\n%s = %s\n", name, value); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return file.Close()
}

// Data is the directory of the cluster's data.
func (c *Cluster) Data() string { return filepath.Join(c.dir, "data") }

// Run runs one of PostgreSQL's programs as the cluster's owner.
func (c *Cluster) Run(ctx context.Context, program string, args ...string) error {
	command := c.command(ctx, program, args...)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, output)
	}
	return nil
}

func (c *Cluster) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	command.Dir = c.dir
	command.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	own(command)
	return command
}

// Start starts the server and waits until it answers. After Kill the first
// attempts may be refused, while the kernel still ends what was killed.
func (c *Cluster) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if c.server == nil || c.server.ended() {
			var err error
			if c.server, err = start(c.command(context.WithoutCancel(ctx), "postgres", "-D", c.Data()), c.log()); err != nil {
				return err
			}
		}
		err := c.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(c.log())
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, text)
		case <-time.After(pause):
		}
	}
}

func (c *Cluster) log() string { return filepath.Join(c.dir, "log") }

func (c *Cluster) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// Kill ends the server and all its processes by SIGKILL, as a crash of the
// machine does but for what the operating system holds of its files.
func (c *Cluster) Kill() {
	if c.server != nil {
		c.server.kill()
	}
}

// Stop ends the server in order, cutting off its clients.
func (c *Cluster) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.Run(ctx, "pg_ctl", "stop", "--pgdata", c.Data(), "--mode=fast", "--wait")
}

// Remove ends the server and deletes its data.
func (c *Cluster) Remove() {
	c.Kill()
	_ = os.RemoveAll(c.dir)
}

// DSN is the connection string of one of the cluster's databases.
func (c *Cluster) DSN(database string) string {
	return "host=" + c.dir + " user=postgres dbname=" + database
}

// Database makes an empty database for as long as a test runs, and gives its
// connection string.
func (c *Cluster) Database(tb testing.TB) (dsn string) {
	tb.Helper()
	name := "test" + strconv.FormatInt(c.names.Add(1), 10)
	if err := c.Exec(tb.Context(), "postgres", "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// A server that the test has killed takes its databases along.
		_ = c.Exec(context.Background(), "postgres", "DROP DATABASE "+name+" WITH (FORCE)")
	})
	return c.DSN(name)
}

// Schema makes an empty schema for as long as a test runs, and gives a connection
// string that leads to it. That is quicker than a database, for tests that are
// many.
func (c *Cluster) Schema(tb testing.TB) (dsn string) {
	tb.Helper()
	name := "test" + strconv.FormatInt(c.names.Add(1), 10)
	if err := c.Exec(tb.Context(), "postgres", "CREATE SCHEMA "+name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = c.Exec(context.Background(), "postgres", "SET client_min_messages = error", "DROP SCHEMA "+name+" CASCADE")
	})
	return c.DSN("postgres") + " search_path=" + name
}

// Exec runs statements, separated by semicolons, in a database.
func (c *Cluster) Exec(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, c.DSN(database))
	if err != nil {
		return err
	}
	_, err = conn.PgConn().Exec(ctx, strings.Join(statements, ";")).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}
