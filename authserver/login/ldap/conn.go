package ldap

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// purpose is what a connection is for. A bind makes a connection somebody's, so
// those that read and those that try passwords are not the same.
type purpose int

const (
	// reading connections are bound as the reader.
	reading purpose = iota
	// binding connections try the passwords of people.
	binding
)

// conn is one connection to a server.
type conn struct {
	*goldap.Conn
	raw     net.Conn
	purpose purpose
	// server is which of the URLs it leads to.
	server int
	// fresh has not served before: what goes wrong with it is no old age.
	fresh bool
	idle  *time.Timer
}

// dial connects to one server, speaks TLS with it as the settings say, and binds
// as the reader if that is what the connection is for.
func (d *Directory) dial(ctx context.Context, server int, purpose purpose) (*conn, error) {
	address, config := d.config.server(d.config.URLs[server])
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw, purpose: purpose, server: server, fresh: true}
	// Whatever hangs ends with ctx, for then the socket is closed.
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	if err := d.greet(ctx, c, config); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (d *Directory) greet(ctx context.Context, c *conn, config *tls.Config) error {
	stream := c.raw
	immediate := config != nil && !d.config.StartTLS
	if immediate {
		secured := tls.Client(c.raw, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return err
		}
		stream = secured
	}
	c.Conn = goldap.NewConn(stream, immediate)
	c.SetTimeout(d.config.Timeout)
	c.Start()
	if config != nil && !immediate {
		if err := c.StartTLS(config); err != nil {
			return fmt.Errorf("start_tls: %w", err)
		}
	}
	if c.purpose == reading && d.config.BindDN != "" {
		if err := c.Bind(d.config.BindDN, d.config.Password.Reveal()); err != nil {
			return fmt.Errorf("the directory does not let bind_dn in: %w", err)
		}
	}
	return nil
}

func (c *conn) close() {
	_ = c.raw.Close()
	if c.Conn != nil {
		_ = c.Close()
	}
}
