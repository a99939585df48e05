package caddymodule

import (
	"errors"
	"io"
	"net"
	"time"
)

// RFC 6455 §5.5.1 and §7.4.1

// closeTimeout bounds how long the farewell to a WebSocket may take.
const closeTimeout = time.Second

// hangUp closes a connection that was taken over. A WebSocket is told that it is
// a matter of policy, so that a client can get a new token and come back. The
// message may fall into the middle of another one; then it is lost.
func (s *stream) hangUp(conn net.Conn, now time.Time) {
	_ = conn.SetWriteDeadline(now.Add(closeTimeout))
	if s.frames {
		_, _ = conn.Write(closeFrame)
	}
	_ = conn.Close()
	s.ctx.end(errStreamCut)
}

// closeFrame is a WebSocket close frame with the code 1008, policy violation.
var closeFrame = append([]byte{0x88, byte(2 + len(closeReason)), 1008 >> 8, 1008 & 0xff}, closeReason...)

const closeReason = "the access token is no longer good"

// watchedConn is a connection that was taken over. Its handler may return and
// leave it open, so that only its end ends the watch.
type watchedConn struct {
	net.Conn
	stream *stream
}

// Close implements net.Conn.
func (c *watchedConn) Close() error {
	c.stream.leave()
	return c.Conn.Close()
}

// CloseWrite lets a proxy pass on that one side has said all.
func (c *watchedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ReadFrom and WriteTo let the kernel copy where it can.
func (c *watchedConn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// WriteTo implements io.WriterTo.
func (c *watchedConn) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, c.Conn) }

// Interface guards
var (
	_ io.ReaderFrom = (*watchedConn)(nil)
	_ io.WriterTo   = (*watchedConn)(nil)
)
