package caddymodule

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// errStreamCut is the cause with which the context of a cut request ends.
var errStreamCut = errors.New("bearer_auth: the access token is no longer good")

// stream is a request that passed with a token and is being answered.
type stream struct {
	token carrier

	// ctx, request and writer are what the handlers behind us get: one piece of
	// memory for all of them.
	ctx     streamContext
	request http.Request
	writer  streamWriter

	watch *streamWatch

	// These belong to the watch.
	next, previous *stream
	born           uint64
	listed         bool

	// stopped says that nothing may be written any more.
	stopped atomic.Bool

	mu     sync.Mutex
	over   bool     // answered, or cut
	conn   net.Conn // the connection, once it was taken over
	frames bool     // whether WebSocket frames go over it
}

// done is the end of the handler; nil is no stream. A connection that it took over
// and left open is watched on, until it is closed.
func (s *stream) done() {
	if s == nil {
		return
	}
	s.mu.Lock()
	left := s.conn != nil && !s.over
	s.mu.Unlock()
	if !left {
		s.leave()
	}
	s.ctx.end(nil)
}

// leave ends the watch: there is nothing left to cut.
func (s *stream) leave() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.watch.remove(s)
}

// ended says whether there is nothing left to cut.
func (s *stream) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// cut ends an answer. With its context it ends whoever makes the answer, a proxy
// for one. What does not listen to the context can neither write nor read from
// here on, and the deadlines end what waits for the client. On HTTP/2 they reset
// the stream.
func (s *stream) cut(now time.Time) (cut bool) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return false
	}
	s.over = true
	s.stopped.Store(true)
	conn := s.conn
	if conn == nil {
		// Under the lock, for the writer may not be touched once its handler has
		// returned.
		s.writer.expire(now)
	}
	s.mu.Unlock()
	if conn == nil {
		s.ctx.end(errStreamCut)
		return true
	}
	// A peer that does not read may make the farewell wait.
	go s.hangUp(conn, now)
	return true
}
