package authserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/logout"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// readInterval is how soon a node hears of another's changes.
const readInterval = time.Second

// logoutInterval is how soon clients are told of a sign-out.
const logoutInterval = time.Second

// Backend is what outlives a configuration: the store, the keys that were read
// from it, the revocations and the bound on password hashing. Servers of
// successive configurations share one, so that a reload loses nothing and is
// never a 503.
type Backend struct {
	store       store.Store
	wrapper     *keys.Wrapper
	hasher      *hashing.Hasher
	revocations *token.Revocations
	denials     *Denials
	logouts     *logout.Notifier
	audit       *auditing
	clients     *Clients
	log         *slog.Logger
	shared      storeClock
	now         func() time.Time // that of shared
	node        string
	rings       rings
	watching    watching

	// logs are what other nodes write and this one reads every second; fresh is
	// when the last reading of all of them began, as running counts.
	logs        []changeLog
	fresh       atomic.Int64
	changesRead atomic.Int64 // the same in unix time

	// running is how long the process has run, whatever the clock says.
	running func() time.Duration
	clock   clockWatch
	astray  bool        // what was logged of the clock last; purge alone uses it
	backlog atomic.Bool // the last purge left something for the next
}

// changeLog is one kind of changes that nodes hear of by reading the store.
type changeLog struct {
	task    string // for the line that says it fails
	refresh func(ctx context.Context) error
	outage  outage
}

// OpenBackend checks that wrapper is the key that the store's private keys are
// wrapped with, and reads what has been revoked.
func OpenBackend(ctx context.Context, st store.Store, wrapper *keys.Wrapper, hasher *hashing.Hasher, log *slog.Logger, now func() time.Time) (*Backend, error) {
	if err := checkWrapper(ctx, st, wrapper); err != nil {
		return nil, err
	}
	b := &Backend{
		store: st, wrapper: wrapper, hasher: hasher, log: log,
		revocations: token.NewRevocations(st),
		denials:     &Denials{store: st},
		node:        rand.Text(),
		running:     stopwatch(now), // it is not set by what the store says
	}
	b.shared.own, b.now = now, b.shared.now
	b.audit = newAuditing(st, log, b.now)
	b.logouts = logout.NewNotifier(st, log, b.now, logout.Client)
	if err := b.askClock(ctx); err != nil {
		return nil, err
	}
	if err := b.seeToRestore(ctx); err != nil {
		return nil, err
	}
	// By a clock that is ahead, what was revoked would be taken for over.
	if _, _, err := b.checkClock(ctx); err != nil {
		return nil, fmt.Errorf("comparing the clock with the store's: %w", err)
	}
	b.clients = newClients(st, b.revocations, hasher, b.now)
	b.logs = []changeLog{
		{task: "reading the revocation log", refresh: func(ctx context.Context) error { return b.revocations.Refresh(ctx, b.clock.past(b.now(), b.running())) }},
		{task: "reading the deny-list", refresh: b.denials.refresh},
		{task: "reading the clients of the store", refresh: b.clients.refresh},
		{task: "reading the changes of keys", refresh: b.refreshKeys},
		// Last: it waits for an operator's change that is on its way.
		{task: "looking how far the logs of changes go", refresh: b.seeToLoss},
	}
	for i := range b.logs {
		if err := b.logs[i].refresh(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", b.logs[i].task, err)
		}
	}
	b.changesRead.Store(b.now().Unix())
	return b, nil
}

// Run does the background work until ctx ends: it reads what other nodes have
// changed, deletes what nothing can need any more, and rotates keys. While the
// store cannot be reached the last known changes hold, and one line says so.
func (b *Backend) Run(ctx context.Context) {
	defer b.audit.write(ctx)()
	var all sync.WaitGroup // many deletions must not delay what is heard
	all.Go(func() { b.runReading(ctx) })
	all.Go(func() { b.runWatching(ctx) })
	// Writing must neither delay nor stand for what is heard.
	all.Go(func() { b.every(ctx, readInterval, "noting when secrets were used", b.clients.noteUses) })
	all.Go(func() { b.every(ctx, clockInterval, "asking the store for the time", b.askClock) })
	all.Go(func() { b.every(ctx, purgeInterval, "deleting expired rows", b.purge) })
	all.Go(func() { b.every(ctx, rotationInterval, "rotating keys", b.rotateKeys) })
	all.Go(func() {
		defer b.logouts.Wait()
		b.every(ctx, logoutInterval, "telling clients of sign-outs", b.logouts.Step)
	})
	all.Wait()
}

// every does a task again and again until ctx ends.
func (b *Backend) every(ctx context.Context, interval time.Duration, task string, step func(context.Context) error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var failing outage
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			failing.note(b.log, task, step(ctx))
		}
	}
}

func (b *Backend) runReading(ctx context.Context) {
	reading := time.NewTicker(readInterval)
	defer reading.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-reading.C:
		case <-b.store.Changed():
		}
		b.read(ctx)
	}
}

// read hears of the changes of other nodes.
func (b *Backend) read(ctx context.Context) {
	begun, began, fresh := b.running(), b.now(), true
	for i := range b.logs {
		l := &b.logs[i]
		err := l.refresh(ctx)
		l.outage.note(b.log, l.task, err)
		fresh = fresh && err == nil
	}
	if fresh {
		b.fresh.Store(int64(begun))
		b.changesRead.Store(began.Unix())
	}
}

// outage logs the first failure of a task and its end, not each one between.
type outage struct{ failing bool }

func (o *outage) note(log *slog.Logger, task string, err error) {
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil && !o.failing:
		o.failing = true
		log.Error(task+" fails; retrying", "error", err)
	case err == nil && o.failing:
		o.failing = false
		log.Info(task + " works again")
	}
}
