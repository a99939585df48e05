package introspect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// RFC 9110 §15.4, RFC 8446 §4.1.2

// dialTimeout bounds the making of one connection.
const dialTimeout = 5 * time.Second

// newClient makes the one kind of HTTP client by which an issuer is reached. It
// takes no proxy from the environment, so that where it connects stands in the
// configuration alone.
func newClient(f *Foreign) *http.Client {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.Roots != nil {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(f.Roots)
	}
	if f.Certificate != nil {
		config.GetClientCertificate = f.Certificate.Get
	}
	return &http.Client{Transport: &http.Transport{
		DialContext:            f.dialer().DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    maxIntrospections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}}
}

// dialer looks at each address after its name was resolved, so that a name that
// begins to point inside is refused like an address that does (G86).
func (f *Foreign) dialer() *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, ControlContext: f.reach().control}
}

// reach says where the issuer may be.
func (f *Foreign) reach() reach {
	return reach{f.Name, append(writtenAddresses(f.URL, f.JWKSURI, f.Endpoint), f.AllowPrivate...)}
}

// writtenAddresses gives the addresses that the operator wrote into URLs as
// such: these may be private. Loopback is one place, whatever its spelling.
func writtenAddresses(urls ...string) (written []netip.Prefix) {
	for _, text := range urls {
		at, err := url.Parse(text)
		if err != nil {
			continue
		}
		host := at.Hostname()
		address, err := netip.ParseAddr(host)
		switch {
		case host == "localhost" || err == nil && address.Unmap().IsLoopback():
			written = append(written, loopback...)
		case err == nil:
			address = address.Unmap().WithZone("")
			written = append(written, netip.PrefixFrom(address, address.BitLen()))
		}
	}
	return written
}

// guarded copies a client so that it follows no redirect, whoever made it: an
// answer that points elsewhere (to http, to an address inside) is no answer.
func guarded(client *http.Client) *http.Client {
	copied := *client
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	copied.Jar = nil
	return &copied
}

// get reads one JSON document of an issuer, and gives for how long the issuer
// says that it holds; 0 when it does not say.
func get(ctx context.Context, client *http.Client, address string, timeout time.Duration) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	body, header, err := roundTrip(client, request)
	return body, maxAge(header), err
}
