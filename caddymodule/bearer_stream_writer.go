package caddymodule

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// cutEvery is how much of a file is sent between two looks at whether it may go
// on. Sending it in one step would be quicker, and would not end.
const cutEvery = 256 << 10

// streamWriter stops an answer that was cut, whoever makes it.
type streamWriter struct {
	caddyhttp.ResponseWriterWrapper
	stream *stream
}

// Write implements http.ResponseWriter.
func (w *streamWriter) Write(p []byte) (int, error) {
	if w.stream.stopped.Load() {
		return 0, errStreamCut
	}
	return w.ResponseWriter.Write(p)
}

// FlushError implements what http.ResponseController flushes with.
func (w *streamWriter) FlushError() error {
	if w.stream.stopped.Load() {
		return errStreamCut
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// ReadFrom implements io.ReaderFrom in steps. A limited reader stays one and does
// not get into another, so that the system can still send files by itself.
func (w *streamWriter) ReadFrom(r io.Reader) (total int64, err error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: r, N: 1<<63 - 1}
	}
	for limited.N > 0 {
		if w.stream.stopped.Load() {
			return total, errStreamCut
		}
		step := min(limited.N, cutEvery)
		n, err := w.ResponseWriterWrapper.ReadFrom(&io.LimitedReader{R: limited.R, N: step})
		total += n
		limited.N -= n
		if err != nil || n < step {
			return total, err
		}
	}
	return total, nil
}

// Hijack implements http.Hijacker.
func (w *streamWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
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
	w.stream.conn = &watchedConn{conn, w.stream}
	return w.stream.conn, buffered, nil
}

// expire ends what waits for the client to read or to write. Caddy keeps a write
// deadline of its own, in a writer that only its handler may use, so ours is set
// below that.
func (w *streamWriter) expire(now time.Time) {
	lowest := w.ResponseWriter
	for {
		wrapper, ok := lowest.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		lowest = wrapper.Unwrap()
	}
	_ = http.NewResponseController(lowest).SetWriteDeadline(now)
	_ = http.NewResponseController(w.ResponseWriter).SetReadDeadline(now)
}

// Interface guards
var (
	_ http.Hijacker = (*streamWriter)(nil)
	_ io.ReaderFrom = (*streamWriter)(nil)
)
