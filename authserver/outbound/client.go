package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9110 §15.4, RFC 8446 §4.1.2

// DialTimeout bounds the making of one connection.
const DialTimeout = 5 * time.Second

// NewClient makes a client that connects where guard lets it. roots are the
// certificate authorities in PEM form that it trusts, nil for those of the system;
// idle is how many connections to a host it keeps. It takes no proxy from the
// environment, so that where it connects stands in the configuration alone. The
// transport is that of the client, for those who have more to say.
func NewClient(guard Guard, roots []byte, idle int) (*http.Client, *http.Transport) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if roots != nil {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(roots)
	}
	transport := &http.Transport{
		DialContext:            NewDialer(guard).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    DialTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return Guarded(&http.Client{Transport: transport}), transport
}

// NewDialer looks at each address after its name was resolved, so that a name that
// begins to point inside is refused like an address that does (G86).
func NewDialer(guard Guard) *net.Dialer {
	return &net.Dialer{Timeout: DialTimeout, ControlContext: guard.Control}
}

// Guarded copies a client so that it follows no redirect, whoever made it: an
// answer that points elsewhere (to http, to an address inside) is no answer.
func Guarded(client *http.Client) *http.Client {
	copied := *client
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	copied.Jar = nil
	return &copied
}

// CheckEndpoint says whether an address that an issuer gave may be called: https,
// or http on loopback when the issuer itself is there. An issuer on the network
// can so never send us to a plain-text address or to this machine.
func CheckEndpoint(issuer, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(endpoint, "#") {
		return errors.New("is not an absolute URL without user name and fragment")
	}
	if u.Scheme == "https" {
		return nil
	}
	if at, err := url.Parse(issuer); err == nil && at.Scheme == "http" && u.Scheme == "http" && oauth.IsLoopbackHost(u.Hostname()) {
		return nil
	}
	return errors.New("must use https (http is for issuers on loopback only)")
}
