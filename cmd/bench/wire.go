package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// caller makes the requests of one connection, one after the other, and judges
// the answers. Requests are whole, as they go over the wire: a client of net/http
// would take as much of the machine as what is measured.
type caller interface {
	// next is the next request, until the call after: errSpent when there is none
	// any more.
	next() ([]byte, error)
	// take looks at the answer: an error ends the run.
	take(status int, body []byte) error
}

// errSpent ends a connection before its time, and is no failure.
var errSpent = errors.New("no more requests")

// drive makes requests over a connection of its own until the deadline, each
// once the one before is answered, and gives the latencies. With a pace it waits
// so long from the start of one to the start of the next; what starts late is
// counted from when it should have started.
func drive(ctx context.Context, address string, c caller, deadline time.Time, pace time.Duration) ([]time.Duration, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline.Add(10 * time.Second)); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	from := bufio.NewReaderSize(conn, 16<<10)
	var latencies []time.Duration
	var body []byte
	for due := now(); ; due = due.Add(pace) {
		began := now()
		if pace > 0 && due.After(began) {
			// A timer that wakes us late is not the server's fault.
			if err := waitUntil(ctx, due, now); err != nil {
				return latencies, err
			}
			began = now()
		} else if pace > 0 {
			began = due
		}
		if !began.Before(deadline) && len(latencies) > 0 { // one at least, however short the time
			return latencies, nil
		}
		request, err := c.next()
		if errors.Is(err, errSpent) {
			return latencies, nil
		}
		if err != nil {
			return latencies, err
		}
		if _, err := conn.Write(request); err != nil {
			return latencies, err
		}
		status, read, err := readAnswer(from, body)
		if err != nil {
			return latencies, fmt.Errorf("the answer to %q: %w", bytes.SplitN(request, []byte(" HTTP"), 2)[0], err)
		}
		body = read
		latencies = append(latencies, now().Sub(began))
		if err := c.take(status, body); err != nil {
			return latencies, err
		}
	}
}

// readAnswer reads a response of HTTP/1.1 that says how long it is (RFC 9112
// §6.3), which all of ours do. The body is read into room.
func readAnswer(from *bufio.Reader, room []byte) (status int, body []byte, err error) {
	line, err := from.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, nil, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("%q is no status line", line)
	}
	length := -1
	if status == 204 || status == 304 {
		length = 0
	}
	for {
		if line, err = from.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			break // the empty line
		}
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, err
			}
		}
	}
	if length < 0 {
		return 0, nil, fmt.Errorf("an answer %d that does not say how long it is", status)
	}
	if cap(room) < length {
		room = make([]byte, length)
	}
	body = room[:length]
	_, err = io.ReadFull(from, body)
	return status, body, err
}

// wanted is what a request has to be answered: a status, and a body that has a text
// in it.
type wanted struct {
	status int
	holds  string
}

func (w wanted) check(status int, body []byte) error {
	if status != w.status || !bytes.Contains(body, []byte(w.holds)) {
		return fmt.Errorf("answered %d, want %d with %q: %.300s", status, w.status, w.holds, body)
	}
	return nil
}

// cycle sends requests in turn, from one of them on, and wants one answer.
type cycle struct {
	requests [][]byte
	at       int
	want     wanted
}

func (c *cycle) next() ([]byte, error) {
	request := c.requests[c.at%len(c.requests)]
	c.at++
	return request, nil
}

func (c *cycle) take(status int, body []byte) error { return c.want.check(status, body) }

// supply sends each request once, over whatever connection is free.
type supply struct {
	used     atomic.Int64
	requests [][]byte
	want     wanted
}

func newSupply(requests [][]byte, want wanted) *supply {
	return &supply{requests: requests, want: want}
}

func (s *supply) next() ([]byte, error) {
	n := int(s.used.Add(1)) - 1
	if n >= len(s.requests) {
		return nil, errSpent
	}
	return s.requests[n], nil
}

func (s *supply) take(status int, body []byte) error { return s.want.check(status, body) }

// wireGet is a GET as it goes over the wire, with a token unless it is "".
func wireGet(path, token string) []byte {
	request := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n"
	if token != "" {
		request += "Authorization: Bearer " + token + "\r\n"
	}
	return []byte(request + "\r\n")
}

// wirePost is a form as it goes over the wire.
func wirePost(path string, form url.Values) []byte {
	body := form.Encode()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// member finds a member of a JSON object whose value is a text without escapes, as
// tokens are.
func member(body []byte, name string) (value string, found bool) {
	_, rest, found := bytes.Cut(body, []byte(`"`+name+`":"`))
	if !found {
		return "", false
	}
	text, _, found := bytes.Cut(rest, []byte(`"`))
	return string(text), found
}
