package authserver

import (
	"context"
	"fmt"
	"sync"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Denials writes the deny-list and tells its changes, those of other nodes
// included, to the one who enforces it.
type Denials struct {
	store store.Store

	mu       sync.Mutex // one change or reading at a time, told in their order
	position int64
	tell     func(changes []store.Denial)
}

// Denials gives the deny-list of the store.
func (b *Backend) Denials() *Denials { return b.denials }

// Follow tells the whole list to tell before it returns, and every change later.
// It is called once.
func (d *Denials) Follow(ctx context.Context, tell func(changes []store.Denial)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell = tell
	return d.read(ctx)
}

// Put adds an entry, or replaces the one with its ID. When it returns without
// error the entry is durable and has been told.
func (d *Denials) Put(ctx context.Context, denial store.Denial) error {
	return d.change(ctx, func() error { return d.store.PutDenial(ctx, denial) })
}

// Delete takes an entry off. store.ErrNotFound when it is not there.
func (d *Denials) Delete(ctx context.Context, id string) error {
	return d.change(ctx, func() error { return d.store.DeleteDenial(ctx, id) })
}

func (d *Denials) change(ctx context.Context, step func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := step(); err != nil {
		return err
	}
	return d.read(ctx)
}

// refresh reads what other nodes have changed.
func (d *Denials) refresh(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tell == nil {
		return nil
	}
	return d.read(ctx)
}

// heard is how far the list was read.
func (d *Denials) heard() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.position
}

// rewind has the next reading tell the whole list again.
func (d *Denials) rewind() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.position = 0
}

func (d *Denials) read(ctx context.Context) error {
	changes, next, err := d.store.Denials(ctx, d.position)
	if err != nil {
		return fmt.Errorf("read the deny-list: %w", err)
	}
	d.position = next
	if d.tell != nil {
		d.tell(changes)
	}
	return nil
}
