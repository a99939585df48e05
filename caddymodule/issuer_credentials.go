package caddymodule

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	// maxKeyFile bounds the file of a client key.
	maxKeyFile = 64 << 10
	// certificateEvery is how often at most the files of a client certificate
	// are looked at again.
	certificateEvery = time.Minute
)

// readKey reads the key of the introspection client; nil when there is none.
func (o *IssuerIntrospection) readKey(repl *caddy.Replacer) (*introspect.ClientKey, error) {
	if o.Key == "" {
		return nil, nil
	}
	text, err := resolveSecret(o.Key, repl)
	if err != nil {
		return nil, err
	}
	from := "the value of " + o.Key
	if trimmed := strings.TrimSpace(text); !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "-----BEGIN") {
		from = text
		if text, err = readKeyFile(text); err != nil {
			return nil, err
		}
	}
	key, err := introspect.ParseClientKey(oauth.NewSecret(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return key, nil
}

func readKeyFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s is larger than any key", path)
	}
	return string(text), err
}

// readCertificate reads the certificate of the introspection client; nil when
// there is none.
func (o *IssuerIntrospection) readCertificate(repl *caddy.Replacer) (*introspect.ClientCertificate, error) {
	if o.Certificate == "" && o.CertificateKey == "" {
		return nil, nil
	}
	if o.Certificate == "" || o.CertificateKey == "" {
		return nil, errors.New("two files are needed, as in: certificate /run/secrets/gateway.crt /run/secrets/gateway.key")
	}
	c := &renewedCertificate{now: time.Now, log: slog.New(activeLog{})}
	var err error
	if c.file, err = repl.ReplaceOrErr(o.Certificate, true, true); err != nil {
		return nil, err
	}
	if c.keyFile, err = repl.ReplaceOrErr(o.CertificateKey, true, true); err != nil {
		return nil, err
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	return &introspect.ClientCertificate{Name: c.file + " " + c.keyFile, Get: c.get}, nil
}

// renewedCertificate is a certificate whose files may be replaced at any time:
// short-lived ones are, each day or more often.
type renewedCertificate struct {
	file, keyFile string
	now           func() time.Time
	log           *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	looked  time.Time
}

func (c *renewedCertificate) load() error {
	loaded, err := tls.LoadX509KeyPair(c.file, c.keyFile)
	c.looked = c.now()
	if err != nil {
		return err
	}
	if c.looked.After(loaded.Leaf.NotAfter) {
		c.log.Warn("a client certificate has expired: the issuer will not take it. Put a new one in its place",
			"certificate", c.file, "expired", loaded.Leaf.NotAfter)
	}
	c.current = &loaded
	return nil
}

// get is for tls.Config.GetClientCertificate. Files that cannot be read, or do
// not belong together as in the middle of their renewal, leave the last good
// certificate in place.
func (c *renewedCertificate) get(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.looked) >= certificateEvery {
		if err := c.load(); err != nil {
			c.log.Warn("a client certificate cannot be read again; the last good one is used", "certificate", c.file, "error", err)
		}
	}
	return c.current, nil
}
