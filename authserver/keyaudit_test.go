package authserver_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// keyEars keep what it is told of keys.
type keyEars struct{ events []string }

func (h *keyEars) Record(_ context.Context, record audit.Record) {
	if record.Details.Get(audit.KeyID) != "" || record.Event == audit.EncryptionKeyRewrapped {
		h.events = append(h.events, string(record.Event)+" "+record.Realm+" "+record.Details.Get(audit.Purpose)+" "+record.Details.Get(audit.Count))
	}
}

func (h *keyEars) want(t *testing.T, events ...string) {
	t.Helper()
	slices.Sort(h.events)
	slices.Sort(events)
	if !slices.Equal(h.events, events) {
		t.Errorf("told %q, want %q", h.events, events)
	}
	h.events = nil
}

// Each change of a key is told once, by the node that made it.
func TestChangesOfKeysAreToldOnce(t *testing.T) {
	h := newHouse(t)
	var here, there keyEars
	for _, node := range []*keyEars{&here, &there} {
		backend := h.backend
		if node == &there {
			backend = h.open(t, 0)
		}
		_, err := authserver.New(t.Context(), h.config, backend, authserver.Options{Observer: h.Observer, Audit: node, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
	}
	there.want(t) // found them made
	here.events = nil

	kind := keys.Kind{Purpose: store.KeySign, Algorithm: oauth.ES256}
	next, err := h.backend.RotateKey(t.Context(), "/", kind, false)
	if err != nil {
		t.Fatal(err)
	}
	here.want(t, "key_created / sign ")
	if _, err := h.backend.RotateKey(t.Context(), "/", kind, false); err != nil {
		t.Fatal(err)
	}
	here.want(t) // the same one still
	h.Clock.Advance(time.Hour)
	for range 3 {
		if err := h.backend.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	here.want(t, "key_promoted /  ")
	if err := h.backend.RemoveKey(t.Context(), "/", next.ID); err != nil {
		t.Fatal(err)
	}
	here.want(t, "key_removed /  ")
	if _, err := h.backend.RewrapKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	here.want(t, "encryption_key_rewrapped   0")
	there.want(t)
}
