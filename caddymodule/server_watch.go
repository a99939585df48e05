package caddymodule

import (
	"sync"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
)

// watch has the accounts of a configuration watched while it runs. The last
// requests of one that has stopped may still make its server.
type watch struct {
	mu    sync.Mutex
	stop  func()
	ended bool
}

func (w *watch) begin(backend *authserver.Backend, server *authserver.Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended && w.stop == nil {
		w.stop = backend.Watch(server)
	}
}

func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}
