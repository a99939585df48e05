package caddymodule

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// issuerPool keeps foreign issuers, with what was fetched from them, over
// reloads. Its keys cover every setting, so that a changed one takes effect.
var issuerPool = caddy.NewUsagePool()

// pooledIssuer is a foreign issuer that configurations share. It makes no
// connection before begin, because Caddy provisions configurations that it only
// validates.
type pooledIssuer struct {
	url    string
	roots  []byte
	remote *introspect.Remote
	client *http.Client
	begun  chan struct{}
	begin  func()
}

func newPooledIssuer(settings *ForeignIssuer, previous *introspect.Remote) *pooledIssuer {
	p := &pooledIssuer{
		url: settings.foreign.URL, roots: settings.roots,
		client: settings.client(), begun: make(chan struct{}),
	}
	p.begin = sync.OnceFunc(func() { close(p.begun) })
	p.client.Transport.(*http.Transport).DialContext = p.dial
	foreign := settings.foreign
	foreign.Client, foreign.Now, foreign.Previous = p.client, time.Now, previous
	foreign.Log, foreign.Observer = slog.New(activeLog{}), issuerObserver{}
	p.remote = introspect.Start(foreign)
	return p
}

// dial waits for begin.
func (p *pooledIssuer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	select {
	case <-p.begun:
		dialer := net.Dialer{Timeout: 5 * time.Second}
		return dialer.DialContext(ctx, network, address)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Destruct implements caddy.Destructor. Requests of the old configuration may
// still be running, so the end comes in the background; what it takes from a
// request that is later still is the refreshing of keys, no verdict.
func (p *pooledIssuer) Destruct() error {
	select {
	case <-p.begun:
		time.AfterFunc(drainTimeout, p.stop)
	default:
		p.stop()
	}
	return nil
}

func (p *pooledIssuer) stop() {
	p.remote.Stop()
	p.client.CloseIdleConnections()
}

// beginIssuers lets the issuers of the configuration that now starts make
// connections.
func beginIssuers() {
	issuerPool.Range(func(_, pooled any) bool {
		pooled.(*pooledIssuer).begin()
		return true
	})
}

// foreignIssuer gives the issuer that bearer_auth calls by a name of a.Issuers
// or by its URL, and what gives it back.
func (a *App) foreignIssuer(ctx caddy.Context, nameOrURL string) (issuer introspect.Issuer, release func(), err error) {
	settings, err := a.issuerSettings(nameOrURL)
	if err != nil {
		return issuer, nil, err
	}
	if err := settings.Provision(ctx); err != nil {
		return issuer, nil, err
	}
	if err := settings.Validate(); err != nil {
		return issuer, nil, err
	}
	key, previous := settings.poolKey(), settings.previous()
	pooled, _, err := issuerPool.LoadOrNew(key, func() (caddy.Destructor, error) {
		return newPooledIssuer(settings, previous), nil
	})
	if err != nil {
		return issuer, nil, err
	}
	return pooled.(*pooledIssuer).remote.Issuer(nameOrURL), func() { _, _ = issuerPool.Delete(key) }, nil
}

// previous finds the same issuer with other settings, trusted by the same CA, so
// that a changed setting does not forget its keys. nil when there is none.
func (i *ForeignIssuer) previous() (found *introspect.Remote) {
	issuerPool.Range(func(_, pooled any) bool {
		p := pooled.(*pooledIssuer)
		if p.url == i.foreign.URL && bytes.Equal(p.roots, i.roots) {
			found = p.remote
		}
		return found == nil || !found.Ready()
	})
	return found
}

// issuerSettings finds the settings of an issuer; one that is called by its URL
// has the defaults.
func (a *App) issuerSettings(nameOrURL string) (*ForeignIssuer, error) {
	if settings := a.Issuers[nameOrURL]; settings != nil {
		return settings, nil
	}
	if !strings.Contains(nameOrURL, "://") {
		return nil, fmt.Errorf("there is no issuer of that name in the oauth2 option, which has %s; an issuer with default settings can be named by its https URL", issuerNames(a.Issuers))
	}
	for name, settings := range a.Issuers {
		// Called by its URL it would get defaults where the operator set others.
		if settings != nil && settings.URL == nameOrURL {
			return nil, fmt.Errorf("the oauth2 option has settings for that URL under the name %s; use the name", name)
		}
	}
	return &ForeignIssuer{URL: nameOrURL}, nil
}

func issuerNames(issuers map[string]*ForeignIssuer) string {
	if len(issuers) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(issuers)), ", ")
}

// poolKey is equal for two issuers exactly when all their settings are, what
// secrets and files hold included.
func (i *ForeignIssuer) poolKey() [sha256.Size]byte {
	f := &i.foreign
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %s %d %d %d %x",
		f.URL, f.Validate, f.Algorithms, f.TokenType, f.DescribeIntrospection(), f.Refresh, f.MaxStale, f.Timeout, i.roots))
}

// Interface guard
var _ caddy.Destructor = (*pooledIssuer)(nil)
