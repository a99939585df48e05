package ldaptest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// Operations as their tags name them (RFC 4511 §4.2, §4.5).
const (
	Bind   = "bind"
	Search = "search"
)

var operations = map[byte]string{0x60: Bind, 0x63: Search, 0x42: "unbind", 0x77: "extended", 0x50: "abandon"}

// Relay stands before a server without TLS, counts what is asked, and stands still
// when a test says so.
type Relay struct {
	listener net.Listener
	server   func() string

	mu    sync.Mutex
	asked []string
	open  map[net.Conn]bool
	most  int
	held  chan struct{} // closed while nothing is held back
}

// NewRelay makes a relay to a server.
func NewRelay(tb testing.TB, server *Server) *Relay {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	flowing := make(chan struct{})
	close(flowing)
	r := &Relay{listener: listener, server: server.Address, open: map[net.Conn]bool{}, held: flowing}
	go r.accept()
	tb.Cleanup(func() { _ = listener.Close(); r.Flow(); r.Cut() })
	return r
}

// URL is where it listens.
func (r *Relay) URL() string { return "ldap://" + r.listener.Addr().String() }

func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(context.Background(), "tcp", r.server())
		if err != nil {
			_ = client.Close()
			continue
		}
		r.mu.Lock()
		r.open[client] = true
		r.most = max(r.most, len(r.open))
		r.mu.Unlock()
		go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
		go func() {
			_ = r.forward(server, bufio.NewReader(client))
			_, _ = client.Close(), server.Close()
			r.mu.Lock()
			delete(r.open, client)
			r.mu.Unlock()
		}()
	}
}

// forward passes requests on, one after the other.
func (r *Relay) forward(server io.Writer, client *bufio.Reader) error {
	for {
		message, operation, err := readMessage(client)
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.asked = append(r.asked, operation)
		flowing := r.held
		r.mu.Unlock()
		<-flowing
		if _, err := server.Write(message); err != nil {
			return err
		}
	}
}

// readMessage reads one LDAPMessage: a sequence of an id and an operation, all of
// definite length (RFC 4511 §5.1).
func readMessage(r io.Reader) (message []byte, operation string, err error) {
	message, length, err := readHeader(r)
	if err != nil {
		return nil, "", err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, "", err
	}
	if len(body) < 2 || len(body) < 3+int(body[1]) {
		return nil, "", errors.New("no LDAP message")
	}
	tag := body[2+int(body[1])]
	operation, ok := operations[tag]
	if !ok {
		operation = fmt.Sprintf("operation %#x", tag)
	}
	return append(message, body...), operation, nil
}

func readHeader(r io.Reader) (header []byte, length int, err error) {
	header = make([]byte, 2, 6)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, 0, err
	}
	if header[1] < 0x80 {
		return header, int(header[1]), nil
	}
	long := make([]byte, min(header[1]&0x7f, 3))
	if _, err := io.ReadFull(r, long); err != nil {
		return nil, 0, err
	}
	for _, b := range long {
		length = length<<8 | int(b)
	}
	return append(header, long...), length, nil
}

// Asked gives what was asked since the last call, in order.
func (r *Relay) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}

// Open is how many connections there are.
func (r *Relay) Open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// Most is how many connections there were at once.
func (r *Relay) Most() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

// Hold lets no request through until Flow.
func (r *Relay) Hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = make(chan struct{})
}

// Flow lets them through again.
func (r *Relay) Flow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.held:
	default:
		close(r.held)
	}
}

// Cut closes all connections.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for client := range r.open {
		_ = client.Close()
	}
}
