package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby makes a second cluster that follows this one, and starts it. It goes
// with its test.
func (c *Cluster) Standby(tb testing.TB) *Cluster {
	tb.Helper()
	s, err := c.newStandby(tb.Context())
	give(tb, err)
	tb.Cleanup(s.Remove)
	return s
}

func (c *Cluster) newStandby(ctx context.Context) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, err
	}
	s := &Cluster{bin: c.bin, dir: dir}
	if err := errors.Join(giveAway(dir), s.Follow(ctx, c)); err != nil {
		s.Remove()
		return nil, err
	}
	return s, nil
}

// Follow replaces the data of a cluster that does not run by a copy of primary's,
// and starts it as its standby.
func (c *Cluster) Follow(ctx context.Context, primary *Cluster) error {
	if err := os.RemoveAll(c.Data()); err != nil {
		return err
	}
	err := c.Run(ctx, "pg_basebackup", "--pgdata", c.Data(), "--dbname", primary.DSN("postgres"),
		"--wal-method=stream", "--checkpoint=fast", "--no-sync", "--write-recovery-conf")
	if err != nil {
		return err
	}
	err = c.Configure(map[string]string{
		"unix_socket_directories":   "'" + c.dir + "'",
		"synchronous_standby_names": "''",
	})
	return errors.Join(err, c.Start(ctx))
}

// Promote makes a standby a primary.
func (c *Cluster) Promote(ctx context.Context) error {
	return c.Run(ctx, "pg_ctl", "promote", "--pgdata", c.Data(), "--wait")
}

// WaitForStandby makes every commit wait until a standby has it, too, and returns
// when one follows.
func (c *Cluster) WaitForStandby(ctx context.Context) error {
	if err := c.Configure(map[string]string{"synchronous_standby_names": "'*'"}); err != nil {
		return err
	}
	if err := c.Run(ctx, "pg_ctl", "reload", "--pgdata", c.Data()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for {
		var following bool
		err := conn.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'").Scan(&following)
		if err != nil || following {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no standby follows: %w", ctx.Err())
		case <-time.After(pause):
		}
	}
}

// Hosts is the connection string of a database that is on one of several
// clusters: the one that takes writes.
func Hosts(database string, clusters ...*Cluster) (dsn string) {
	hosts := ""
	for i, c := range clusters {
		if i > 0 {
			hosts += ","
		}
		hosts += c.dir
	}
	return "host=" + hosts + " user=postgres dbname=" + database + " target_session_attrs=read-write"
}
