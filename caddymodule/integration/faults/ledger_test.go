package faults

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger counts what the server said, and how often it broke its word.
type ledger struct {
	// acknowledged are answers that were read to their end, cut those that the
	// end of the process took, unavailable 503s while the disk was at fault.
	acknowledged, cut, unavailable counter

	// lost is what was acknowledged and is not so any more: tokens, sessions,
	// revocations. double is what was given twice, wrong any other answer that
	// nobody should get.
	lost, sessions, double, wrong atomic.Int64

	mu    sync.Mutex
	first []string
}

// counter counts, and tells when it has come far enough.
type counter struct {
	n    atomic.Int64
	wait atomic.Pointer[goal]
}

type goal struct {
	n       int64
	reached chan struct{}
}

func (c *counter) add() {
	n, goal := c.n.Add(1), c.wait.Load()
	if goal != nil && n == goal.n {
		close(goal.reached)
	}
}

// after is closed when n more have been counted. It is called while nothing is.
func (c *counter) after(n int) <-chan struct{} {
	goal := &goal{c.n.Load() + int64(n), make(chan struct{})}
	c.wait.Store(goal)
	return goal.reached
}

// complain counts a broken promise.
func (l *ledger) complain(counter *atomic.Int64, format string, args ...any) {
	counter.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.first) < 10 {
		l.first = append(l.first, fmt.Sprintf(format, args...))
	}
}

// broken says how many promises were broken.
func (l *ledger) broken() int64 {
	return l.lost.Load() + l.sessions.Load() + l.double.Load() + l.wrong.Load()
}

func (l *ledger) String() string {
	return fmt.Sprintf("%d answers acknowledged, %d cut off, %d unavailable: %d tokens lost, %d sessions lost, %d issued twice, %d wrong",
		l.acknowledged.n.Load(), l.cut.n.Load(), l.unavailable.n.Load(), l.lost.Load(), l.sessions.Load(), l.double.Load(), l.wrong.Load())
}

// settle fails the test when a promise was broken.
func (l *ledger) settle(t *testing.T) {
	t.Helper()
	if l.broken() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Fatalf("%s\n%s", l, strings.Join(l.first, "\n"))
}

// family is what a client knows of one authorization.
type family struct {
	// code began it, and is spent.
	code string
	// refresh is the newest acknowledged refresh token. When pending it was sent,
	// and the answer did not come.
	refresh string
	pending bool
	// access are acknowledged access tokens, dead those whose revocation is
	// acknowledged, and dying the one whose revocation was not answered.
	access, dead []string
	dying        string
	// ending says that its end was asked for, ended that this is acknowledged.
	ending, ended bool
}

// place reads a refresh token: the grant that it belongs to and its generation.
func place(refresh string) (grant string, generation int64) {
	fields := strings.Split(refresh, "_") // prefix, key id, grant id, generation, MAC
	if len(fields) < 5 {
		return "", 0
	}
	generation, _ = strconv.ParseInt(fields[3], 16, 64)
	return fields[2], generation
}

// pendingCode is a code that is acknowledged and not yet redeemed.
type pendingCode struct {
	code   string
	issued time.Time
	// sent says that its redemption was not answered.
	sent bool
}

// fresh says that the code has not expired, surely.
func (c pendingCode) fresh() bool { return time.Since(c.issued) < 30*time.Second }
