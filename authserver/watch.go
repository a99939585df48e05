package authserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// accountChanged is the reason that is told of what ends with a changed account.
const accountChanged = "account_changed"

// watching asks the authentication services of the newest configuration whose
// accounts have changed. What they said last outlives a configuration, so that the
// next tells what changed between the two.
type watching struct {
	mu       sync.Mutex
	servers  []*Server // the newest is the last
	services map[watchedName]*watchedService
}

// watchedName names an authentication service in a realm.
type watchedName struct{ realm, service string }

// watchedService is what is known of one.
type watchedService struct {
	asking  atomic.Bool
	service login.Service // that was asked last; only who asks uses this and all below
	pending map[string]bool
	outage  outage
}

// Watch has the accounts of a server's realms watched, until stop is called or
// another server comes. Servers whose successor has stopped are watched again.
func (b *Backend) Watch(s *Server) (stop func()) {
	w := &b.watching
	w.mu.Lock()
	defer w.mu.Unlock()
	w.servers = append(w.servers, s)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.servers = slices.DeleteFunc(w.servers, func(other *Server) bool { return other == s })
	}
}

// runWatching asks every second until ctx ends. A service that takes its time
// holds up no other.
func (b *Backend) runWatching(ctx context.Context) {
	tick := time.NewTicker(readInterval)
	defer tick.Stop()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.watchAccounts(ctx, all.Go)
		}
	}
}

// watchAccounts asks all services once, each by run.
func (b *Backend) watchAccounts(ctx context.Context, run func(func())) {
	server := b.watching.newest()
	if server == nil {
		return
	}
	for _, m := range server.realms {
		for _, name := range slices.Sorted(maps.Keys(m.realm.Services)) {
			service, ok := m.realm.Services[name].(login.Watched)
			if !ok {
				continue
			}
			known := b.watching.known(watchedName{m.realm.Name, name})
			if !known.asking.CompareAndSwap(false, true) {
				continue
			}
			run(func() {
				defer known.asking.Store(false)
				err := known.ask(ctx, m.realm, name, service)
				known.outage.note(b.log, fmt.Sprintf("watching the accounts of authentication %s in realm %s", name, m.realm.Name), err)
			})
		}
	}
}

func (w *watching) newest() *Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.servers) == 0 {
		return nil
	}
	return w.servers[len(w.servers)-1]
}

func (w *watching) known(name watchedName) *watchedService {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.services == nil {
		w.services = map[watchedName]*watchedService{}
	}
	if w.services[name] == nil {
		w.services[name] = &watchedService{pending: map[string]bool{}}
	}
	return w.services[name]
}

// ask ends what rests on accounts that have changed. What cannot be ended now is
// tried again.
func (w *watchedService) ask(ctx context.Context, r *realm.Realm, name string, service login.Watched) error {
	if resumed, ok := service.(login.Resumed); ok && w.service != nil && w.service != service {
		resumed.Resume(w.service)
	}
	w.service = service
	ids, err := service.Changed(ctx)
	for _, id := range ids {
		w.pending[id] = true
	}
	faults := make([]error, 0, 1+len(w.pending))
	faults = append(faults, err)
	for id := range w.pending {
		err := r.EndAccount(ctx, store.Account{Service: name, ID: id}, accountChanged)
		if err == nil {
			delete(w.pending, id)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
