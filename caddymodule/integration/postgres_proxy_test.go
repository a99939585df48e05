package integration

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// slowLink is a way to a database on which answers take as long as it is told.
type slowLink struct {
	dsn    string
	socket string
	lag    atomic.Pointer[lag] // nil while answers come at once
	ctx    context.Context
	open   sync.WaitGroup
}

// lag holds each answer up, until it is over.
type lag struct {
	length time.Duration
	over   chan struct{}
}

// slow makes answers take longer until quick.
func (l *slowLink) slow(length time.Duration) { l.lag.Store(&lag{length, make(chan struct{})}) }

func (l *slowLink) quick() { close(l.lag.Swap(nil).over) }

// newSlowLink makes one to a database of pgtest.
func newSlowLink(t *testing.T, dsn string) *slowLink {
	t.Helper()
	host, rest, _ := strings.Cut(strings.TrimPrefix(dsn, "host="), " ")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &slowLink{
		dsn:    fmt.Sprintf("host=127.0.0.1 port=%d sslmode=disable %s", listener.Addr().(*net.TCPAddr).Port, rest),
		socket: host + "/.s.PGSQL.5432",
		ctx:    ctx,
	}
	l.open.Go(func() { l.accept(listener) })
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		l.open.Wait()
	})
	return l
}

func (l *slowLink) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(l.ctx, "unix", l.socket)
		if err != nil {
			_ = client.Close()
			continue
		}
		end := sync.OnceFunc(func() {
			_ = client.Close()
			_ = server.Close()
		})
		context.AfterFunc(l.ctx, end)
		l.open.Go(func() { defer end(); l.copy(server, client, false) })
		l.open.Go(func() { defer end(); l.copy(client, server, true) })
	}
}

// copy passes bytes on, answers after the lag.
func (l *slowLink) copy(to, from net.Conn, answers bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if lag := l.lag.Load(); lag != nil && answers {
			timer := time.NewTimer(lag.length)
			select {
			case <-timer.C:
			case <-lag.over:
			case <-l.ctx.Done():
			}
			timer.Stop()
		}
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

// F9: a database whose every answer takes 5 s is away, not slow: callers hear so
// in time, nothing piles up, and all is well soon after it is quick again.
func TestF9_ASlowDatabase(t *testing.T) {
	link := newSlowLink(t, pgtest.Database(t))
	c := newCluster(t, link.dsn)
	c.lines = "max_connections 8"
	n := c.node()
	p := press(t, 16, n)
	p.flows(100)
	goroutines := gauge(t, n.admin, "go_goroutines")

	link.slow(5 * time.Second)
	p.faulty(50)
	most := gauge(t, n.admin, "go_goroutines")
	link.quick()
	back := time.Now()
	first := within(t, 2*time.Second, "answering again", func() bool { return p.anySince(back) })
	all := within(t, maxRecovery, "well again", func() bool { return p.allSince(back) })
	t.Logf("an answer after %s, all well after %s; %v goroutines became %v", first, first+all, goroutines, most)
	if most > goroutines+4*8 {
		t.Errorf("%v goroutines became %v", goroutines, most)
	}
	p.settle(n)
}

// F6: a database that takes connections and says nothing does not hold up a start.
// With deny_list nothing passes before the list is known.
func TestF6_StartsWithPostgresSilent(t *testing.T) {
	link := newSlowLink(t, pgtest.Database(t))
	link.slow(time.Minute)
	c := newCluster(t, link.dsn)
	c.options = "deny_list"
	began := time.Now()
	n := c.node()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the start took %s", took)
	}
	wantUnavailable(t, "token endpoint", n.form(t.Context(), "/access_token", machine...))
	foreign := func() answer {
		return visit(t.Context(), n.foreign, "Authorization", "Bearer "+c.foreign.token(nil))
	}
	wantUnavailable(t, "API of a foreign issuer", foreign())
	link.quick()
	n.ready(maxRecovery)
	within(t, maxRecovery, "admitted", func() bool { return foreign().status == http.StatusOK })
}
