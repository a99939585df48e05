package caddymodule

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// hijackable is a writer whose connection can be taken over.
type hijackable struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// upgraded takes over the connection of a WebSocket. It gives both its ends, the
// context of the request and the end of the handler.
func (w *streamWorld) upgraded() (conn, client net.Conn, ctx context.Context, done func()) {
	server, client := net.Pipe()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Upgrade", "websocket")
	s := w.bearer.carried(verdict{token: minuteToken(true), secret: oauth.NewSecret("opaque")})
	rw, r := w.watch.follow(&hijackable{httptest.NewRecorder(), server}, r, s)
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		w.t.Fatal(err)
	}
	return conn, client, r.Context(), s.done
}

// A handler may take a connection over and return: it is cut all the same.
func TestRS35_AConnectionIsCutAfterItsHandlerHasReturned(t *testing.T) {
	for name, returns := range map[string]bool{"the handler stays": false, "the handler returns": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newStreamWorld(t)
				conn, client, ctx, done := w.upgraded()
				if returns {
					done()
				}
				go func() { _, _ = io.WriteString(conn, "hello") }()
				hello := make([]byte, 5)
				if _, err := io.ReadFull(client, hello); err != nil || string(hello) != "hello" {
					t.Fatalf("%q, %v", hello, err)
				}
				began := time.Now()
				rest, err := io.ReadAll(client)
				if err != nil || !bytes.Equal(rest, closeFrame) {
					t.Errorf("%q, %v", rest, err)
				}
				if open := time.Since(began); open < 69*time.Second || open > 72*time.Second {
					t.Errorf("open for %v", open)
				}
				synctest.Wait()
				wantCut(t, ctx, !returns) // what has ended is not cut
				if ctx.Err() == nil {
					t.Error("the request goes on")
				}
				done()
			})
		})
	}
}

// What is closed is watched no longer, whoever closes it.
func TestTheWatchEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStreamWorld(t)
		conn, _, _, done := w.upgraded()
		done()
		after(3 * time.Second)
		if w.watch.oldest == nil {
			t.Fatal("an open connection is not watched")
		}
		_ = conn.Close()
		after(3 * time.Second)
		if w.watch.oldest != nil || w.watch.running {
			t.Error("the watch goes on")
		}
	})
}

// A peer that does not read cannot hold up its end.
func TestAPeerThatDoesNotReadIsCutToo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		_, err := io.Copy(server, endlessZeros{})
		written <- err
	}()
	s := new(BearerAuth).carried(verdict{token: new(introspect.Token)})
	_, r := newStreamWatch(time.Now).follow(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), s)
	defer s.done()
	s.conn, s.frames = &watchedConn{server, s}, true
	if !s.cut(time.Now()) {
		t.Error("it was not cut")
	}
	<-r.Context().Done()
	if err := <-written; err == nil || !errors.Is(context.Cause(r.Context()), errStreamCut) {
		t.Errorf("written %v, ended with %v", err, context.Cause(r.Context()))
	}
}

type endlessZeros struct{}

func (endlessZeros) Read(p []byte) (int, error) { return len(p), nil }

// The cut may come while an upgrade is under way.
func TestNoConnectionIsTakenOverAfterTheCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newStreamWorld(t)
		server, client := net.Pipe()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Upgrade", "websocket")
		s := w.bearer.carried(verdict{token: minuteToken(true)})
		rw, _ := w.watch.follow(&hijackable{httptest.NewRecorder(), server}, r, s)
		defer s.done()
		s.cut(time.Now())
		if _, _, err := http.NewResponseController(rw).Hijack(); !errors.Is(err, errStreamCut) {
			t.Errorf("error %v", err)
		}
		if _, err := client.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is open")
		}
	})
}
