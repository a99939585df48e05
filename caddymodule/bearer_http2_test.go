package caddymodule_test

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Conn speaks HTTP/2 with whatever header fields a test thinks of: clients
// would refuse to send many of them. It reconnects when the server has had enough.
type http2Conn struct {
	t       *testing.T
	address string
	conn    net.Conn
	framer  *http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	stream  uint32
}

func newHTTP2(t *testing.T, address string) *http2Conn {
	t.Helper()
	c := &http2Conn{t: t, address: address}
	t.Cleanup(c.close)
	return c
}

func (c *http2Conn) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *http2Conn) open() {
	c.t.Helper()
	if c.conn != nil {
		return
	}
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		c.t.Fatal(err)
	}
	c.conn, c.framer, c.stream = conn, http2.NewFramer(conn, conn), 1
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encoder = hpack.NewEncoder(&c.block)
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		c.t.Fatal(err)
	}
	if err := c.framer.WriteSettings(); err != nil {
		c.t.Fatal(err)
	}
}

// send makes a request and gives its status; "" when the server broke it off.
// With trailers it has a body. Each field is "name: value".
func (c *http2Conn) send(method, path string, fields, trailers []string) string {
	c.t.Helper()
	c.open()
	head := append([]string{":method: " + method, ":scheme: http", ":authority: " + c.address, ":path: " + path}, fields...)
	err := c.writeFields(head, len(trailers) == 0)
	if err == nil && len(trailers) > 0 {
		if err = c.framer.WriteData(c.stream, false, []byte("hello")); err == nil {
			err = c.writeFields(trailers, true)
		}
	}
	if err != nil {
		c.close()
		return ""
	}
	status := c.answer()
	c.stream += 2
	return status
}

func (c *http2Conn) writeFields(fields []string, last bool) error {
	c.block.Reset()
	for _, field := range fields {
		end := strings.Index(field[1:], ": ") + 1
		if err := c.encoder.WriteField(hpack.HeaderField{Name: field[:end], Value: field[end+2:]}); err != nil {
			return err
		}
	}
	return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream, BlockFragment: c.block.Bytes(), EndHeaders: true, EndStream: last})
}

// answer reads until the answer is there as a whole.
func (c *http2Conn) answer() (status string) {
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			c.close()
			return ""
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = c.framer.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			status = frame.PseudoValue("status")
		case *http2.GoAwayFrame:
			c.close()
			return status
		case *http2.RSTStreamFrame:
			if frame.StreamID == c.stream {
				return status
			}
		}
		if header := frame.Header(); header.StreamID == c.stream && header.Flags.Has(http2.FlagDataEndStream) && header.Type != http2.FrameRSTStream {
			return status
		}
	}
}
