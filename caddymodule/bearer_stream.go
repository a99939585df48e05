package caddymodule

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// RFC 6455 §5.5.1 and §7.4.1

// closeTimeout bounds how long the farewell to a WebSocket may take.
const closeTimeout = time.Second

// errStreamCut is the cause with which the context of a cut request ends.
var errStreamCut = errors.New("bearer_auth: the access token is no longer good")

// stream is a request that passed with a token and is being answered.
type stream struct {
	token carrier

	cancel context.CancelCauseFunc
	watch  *streamWatch

	// next, previous and born belong to the watch.
	next, previous *stream
	born           uint64

	mu     sync.Mutex
	over   bool                // answered, or cut
	writer http.ResponseWriter // what it is answered with
	conn   net.Conn            // the connection, once it was taken over
	frames bool                // whether WebSocket frames go over it
}

// done ends the watch over an answer.
func (s *stream) done() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.watch.remove(s)
	s.cancel(nil)
}

// ended says whether there is nothing left to cut.
func (s *stream) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// cut ends an answer. With its context it ends whoever makes the answer, a proxy
// for one. The deadlines stop what does not listen to the context: from here on
// no byte gets through in either direction. On HTTP/2 they reset the stream.
func (s *stream) cut(now time.Time) (cut bool) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return false
	}
	s.over = true
	conn := s.conn
	if conn == nil {
		// Under the lock, for the writer may not be touched once its handler has
		// returned.
		control := http.NewResponseController(s.writer)
		_ = control.SetWriteDeadline(now)
		_ = control.SetReadDeadline(now)
	}
	s.mu.Unlock()
	if conn == nil {
		s.cancel(errStreamCut)
		return true
	}
	// A peer that does not read may make the farewell wait.
	go s.hangUp(conn, now)
	return true
}

// hangUp closes a connection that was taken over. A WebSocket is told that it is
// a matter of policy, so that a client can get a new token and come back. The
// message may fall into the middle of another one; then it is lost.
func (s *stream) hangUp(conn net.Conn, now time.Time) {
	_ = conn.SetWriteDeadline(now.Add(closeTimeout))
	if s.frames {
		_, _ = conn.Write(closeFrame)
	}
	_ = conn.Close()
	s.cancel(errStreamCut)
}

// closeFrame is a WebSocket close frame with the code 1008, policy violation.
var closeFrame = append([]byte{0x88, byte(2 + len(closeReason)), 1008 >> 8, 1008 & 0xff}, closeReason...)

const closeReason = "the access token is no longer good"

// upgradeWriter learns which connection an upgraded request takes over.
type upgradeWriter struct {
	caddyhttp.ResponseWriterWrapper
	stream *stream
}

// Hijack implements http.Hijacker.
func (w *upgradeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.stream.mu.Lock()
	defer w.stream.mu.Unlock()
	if w.stream.over {
		_ = conn.Close()
		return nil, nil, errStreamCut
	}
	w.stream.conn = conn
	return conn, buffered, nil
}
