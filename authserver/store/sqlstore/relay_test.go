package sqlstore_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// relay stands between a store and its database, and does it harm.
type relay struct {
	listener net.Listener
	server   string // the database's unix socket
	// trips counts what the store sends: each flush is a round trip.
	trips atomic.Int64
	// delay holds up all that the database says.
	delay atomic.Int64
	// loseCommits is how many answers to commits are lost with their connection:
	// to COMMIT, and to a statement with this argument that is committed by itself.
	loseCommits atomic.Int64
	argument    string
	// lastWords are said in the place of a lost answer, as a pooler does whose
	// connection to the database broke.
	lastWords []byte
}

// startRelay gives the connection string of a database by way of a relay.
func startRelay(t *testing.T, dsn string) (*relay, string) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	r := &relay{listener: listener, server: fmt.Sprintf("%s/.s.PGSQL.%d", config.Host, config.Port)}
	go r.run()
	port := listener.Addr().(*net.TCPAddr).Port
	through := fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s sslmode=disable", port, config.User, config.Database)
	if path := config.RuntimeParams["search_path"]; path != "" {
		through += " search_path=" + path
	}
	return r, through
}

func (r *relay) run() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", r.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		var committing atomic.Bool
		go r.pass(server, client, func(said []byte) bool {
			r.trips.Add(1)
			if r.commits(said) && r.loseCommits.Load() > 0 {
				committing.Store(true)
			}
			return true
		})
		go r.pass(client, server, func([]byte) bool {
			if d := time.Duration(r.delay.Load()); d > 0 {
				<-time.After(d)
			}
			if committing.Load() {
				_, _ = client.Write(r.lastWords)
				r.loseCommits.Add(-1)
				return false
			}
			return true
		})
	}
}

func (r *relay) commits(said []byte) bool {
	return bytes.Contains(said, []byte("COMMIT\x00")) || r.argument != "" && bytes.Contains(said, []byte(r.argument))
}

// pass hands on what from says, until it is over or may says no.
func (r *relay) pass(to io.WriteCloser, from io.ReadCloser, may func(said []byte) bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !may(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
