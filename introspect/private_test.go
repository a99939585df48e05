package introspect

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

func TestG86_WhatTheOperatorWroteIsAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		foreign     Foreign
		allowed, no []string
	}{
		"a name":         {Foreign{URL: "https://idp.example.com"}, nil, []string{"127.0.0.1", "10.0.0.1", "::1"}},
		"localhost":      {Foreign{URL: "http://localhost:9000"}, []string{"127.0.0.1", "::1", "127.0.0.2", "::ffff:127.0.0.1"}, []string{"10.0.0.1", "0.0.0.0", "::"}},
		"loopback":       {Foreign{URL: "http://[::1]:9000"}, []string{"127.0.0.1", "::1"}, []string{"10.0.0.1"}},
		"an address":     {Foreign{URL: "https://10.0.0.5"}, []string{"10.0.0.5", "::ffff:10.0.0.5", "64:ff9b::a00:5"}, []string{"10.0.0.6", "127.0.0.1"}},
		"an IPv6 one":    {Foreign{URL: "https://[fd00::5]"}, []string{"fd00::5"}, []string{"fd00::6"}},
		"keys elsewhere": {Foreign{URL: "https://idp.example.com", JWKSURI: "https://10.0.0.7/"}, []string{"10.0.0.7"}, []string{"10.0.0.5"}},
		"a range": {Foreign{URL: "https://idp.example.com", AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}},
			[]string{"10.1.2.3", "fd12::1", "::ffff:10.1.0.1"}, []string{"10.2.0.1", "127.0.0.1"}},
	} {
		f := c.foreign
		within := f.guard()
		for _, address := range c.allowed {
			if err := within.Check(netip.MustParseAddr(address)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, address := range c.no {
			if within.Check(netip.MustParseAddr(address)) == nil {
				t.Errorf("%s: %s is allowed", name, address)
			}
		}
	}
}

// flippingDNS is a name server on loopback that answers A questions with one
// address after another, the last one for ever. It also counts.
func flippingDNS(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		query, asked := make([]byte, 512), 0
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			// Header: a response with one question, as it came, and its answer.
			question := query[12:n]
			question = question[:strings.IndexByte(string(question), 0)+5]
			reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
			if binary.BigEndian.Uint16(question[len(question)-4:]) == 1 { // A
				address := netip.MustParseAddr(answers[min(asked, len(answers)-1)]).As4()
				asked++
				reply[7] = 1
				reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				reply = append(reply, address[:]...)
			}
			_, _ = conn.WriteTo(reply, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// A name is judged by what it points at when the connection is made, each time.
func TestG86_ANameThatTurnsInside(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())

	f := Foreign{Name: "corp", URL: "https://idp.example.com", AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	dialer := outbound.NewDialer(f.guard())
	dialer.Resolver = flippingDNS(t, "127.0.0.1", "127.0.0.2")
	client := newClient(&f)
	client.Transport.(*http.Transport).DialContext = dialer.DialContext
	client.Transport.(*http.Transport).DisableKeepAlives = true
	address := "http://idp.example.com.:" + port
	if _, _, err := get(t.Context(), client, address, outbound.DialTimeout); err != nil {
		t.Fatal(err)
	}
	_, _, err = get(t.Context(), client, address, outbound.DialTimeout)
	var refused *outbound.PrivateError
	if !errors.As(err, &refused) || asked.Load() != 1 {
		t.Fatalf("%d requests, error %v", asked.Load(), err)
	}
	for _, part := range []string{"127.0.0.2", "issuer corp", "`allow_private 127.0.0.2/32`"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %s: %v", part, err)
		}
	}
}
