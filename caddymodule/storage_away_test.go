package caddymodule

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// awayStorage is a storage that other nodes share, for tests: it is away until it
// is told to be there, and counts who asks for it. Behind it is a SQLite file.
type awayStorage struct {
	SQLiteStorage
	// Name tells one from another.
	Name string `json:"name,omitempty"`
}

// remote is what the test that runs has said of these storages.
var remote struct {
	sync.Mutex
	fault error         // why it cannot be opened; nil when it can
	hang  chan struct{} // what opening waits for; nil for nothing
	tries atomic.Int64
}

// setAway says how opening goes from now on.
func setAway(fault error, hang chan struct{}) {
	remote.Lock()
	defer remote.Unlock()
	remote.fault, remote.hang = fault, hang
}

var errAway = errors.New("connection refused")

func (*awayStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.storage.unreachable", New: func() caddy.Module { return new(awayStorage) }}
}

func (s *awayStorage) Resource() string { return "away:" + s.Name + s.Path }

func (*awayStorage) Shared() bool { return true }

func (s *awayStorage) Open(ctx context.Context, key *keys.Wrapper) (store.Store, *keys.Wrapper, error) {
	remote.tries.Add(1)
	remote.Lock()
	fault, hang := remote.fault, remote.hang
	remote.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	if fault != nil {
		return nil, nil, fault
	}
	return s.SQLiteStorage.Open(ctx, key)
}

func init() { caddy.RegisterModule(new(awayStorage)) }
