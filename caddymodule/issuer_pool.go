package caddymodule

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
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

// pooledIssuer is a foreign issuer that configurations share. It contacts nobody
// before begin, because Caddy provisions configurations that it only validates.
type pooledIssuer struct {
	origin string
	remote *introspect.Remote
	begun  chan struct{}
	begin  func()
}

func newPooledIssuer(foreign introspect.Foreign, previous *introspect.Remote) *pooledIssuer {
	p := &pooledIssuer{origin: foreign.Origin(), begun: make(chan struct{})}
	p.begin = sync.OnceFunc(func() { close(p.begun) })
	foreign.Begin, foreign.Now, foreign.Previous = p.begun, time.Now, previous
	foreign.Log, foreign.Observer, foreign.Keeper = slog.New(activeLog{}), issuerObserver{}, issuerKeeper{}
	p.remote = introspect.Start(foreign)
	return p
}

// Destruct implements caddy.Destructor. Requests of the old configuration may
// still be running, so the end comes in the background; what it takes from a
// request that is later still is the refreshing of keys, no verdict.
func (p *pooledIssuer) Destruct() error {
	select {
	case <-p.begun:
		time.AfterFunc(drainTimeout, p.remote.Stop)
	default:
		p.remote.Stop()
	}
	return nil
}

// beginIssuers lets the issuers of the configuration that now starts be asked.
func beginIssuers() {
	issuerPool.Range(func(_, pooled any) bool {
		pooled.(*pooledIssuer).begin()
		return true
	})
}

// foreignIssuer gives the issuer that bearer_auth calls by a name of a.Issuers
// or by its URL, one for each of its tenants, and what gives them back.
func (a *App) foreignIssuer(nameOrURL string) (issuers []introspect.Issuer, release func(), err error) {
	settings, err := a.issuerSettings(nameOrURL)
	if err != nil {
		return nil, nil, err
	}
	var releases []func()
	release = func() {
		for _, release := range releases {
			release()
		}
	}
	for _, foreign := range settings.foreigns {
		key, previous := sha256.Sum256([]byte(foreign.Describe())), previousOf(foreign.Origin())
		pooled, _, err := issuerPool.LoadOrNew(key, func() (caddy.Destructor, error) {
			return newPooledIssuer(foreign, previous), nil
		})
		if err != nil {
			release()
			return nil, nil, err
		}
		releases = append(releases, func() { _, _ = issuerPool.Delete(key) })
		issuer := pooled.(*pooledIssuer).remote.Issuer(nameOrURL)
		if len(settings.foreigns) > 1 {
			issuer.Opaque = nil // nothing in such a token says whose it is
		}
		issuers = append(issuers, issuer)
	}
	return issuers, release, nil
}

// previousOf finds an issuer of the same origin with other settings, so that a
// changed one does not forget its keys. nil when there is none.
func previousOf(origin string) (found *introspect.Remote) {
	issuerPool.Range(func(_, pooled any) bool {
		if p := pooled.(*pooledIssuer); p.origin == origin {
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
		return nil, fmt.Errorf("there is no issuer of that name in the oauth2 option, which has %s; an issuer with default settings can be named by its https URL, and a matcher stands before the issuers", issuerNames(a.Issuers))
	}
	for name, settings := range a.Issuers {
		// Called by its URL it would get defaults where the operator set others.
		if slices.ContainsFunc(settings.foreigns, func(f introspect.Foreign) bool { return f.URL == nameOrURL }) {
			return nil, fmt.Errorf("the oauth2 option has settings for that URL under the name %s; use the name", name)
		}
	}
	settings := &ForeignIssuer{URL: nameOrURL}
	return settings, settings.provision(nameOrURL)
}

func issuerNames(issuers map[string]*ForeignIssuer) string {
	if len(issuers) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(issuers)), ", ")
}

// Interface guard
var _ caddy.Destructor = (*pooledIssuer)(nil)
