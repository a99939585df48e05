package authserver

import (
	"context"
	"errors"
	"slices"
	"time"
)

// AskClock asks the store for the time, as Run does every few seconds.
func (b *Backend) AskClock(ctx context.Context) error { return b.askClock(ctx) }

// Purge deletes what has expired, as Run does every few seconds.
func (b *Backend) Purge(ctx context.Context) error { return b.purge(ctx) }

// Read hears of changes, as Run does every second.
func (b *Backend) Read(ctx context.Context) { b.read(ctx) }

// SetRunning replaces what counts how long the process has run.
func (b *Backend) SetRunning(running func() time.Duration) { b.running = running }

// Endpoints are the names of all endpoints of a realm.
func Endpoints() []string { return append(slices.Clone(endpoints), endpointAuthenticate) }

// Tick does once what Run does every second and every five.
func (b *Backend) Tick(ctx context.Context) error {
	return errors.Join(b.refreshKeys(ctx), b.rotateKeys(ctx))
}

// WatchAccounts asks the services for changed accounts, as Run does every second.
func (b *Backend) WatchAccounts(ctx context.Context) {
	b.watchAccounts(ctx, func(ask func()) { ask() })
}
