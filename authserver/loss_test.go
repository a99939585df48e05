package authserver_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// behind is a copy of the store as it stands, and what takes over with it.
func (h *house) behind(t *testing.T) (takeOver func()) {
	t.Helper()
	copied, err := h.Store.Backup(t.Context(), h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(copied)
	path := filepath.Join(t.TempDir(), "standby.db")
	if err = errors.Join(err, copied.Close(), os.WriteFile(path, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		standby, err := sqlstore.OpenSQLite(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = standby.Close() })
		h.Store.Store = standby
	}
}

// F8: a standby that was behind takes over. Its logs end before what nodes have
// read of them, and what is written now takes positions that were read already:
// every node hears of it all the same.
func TestF8_NodesHearOfChangesAfterADatabaseHasLostSome(t *testing.T) {
	here, there := twoNodes(t)
	ctx, h := t.Context(), here.house
	_, kept := here.register(batch())
	takeOver := h.behind(t)

	lost := batch()
	lost.ID = "lost"
	_, secret := here.register(lost)
	_, secretDigest := hashing.Generate()
	first, err := here.realm().Keys.Signer(signing.Algorithm)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		here.toggle(store.Switches{Grants: map[string]bool{"password": false}})
		spare := store.StoredSecret{ID: "spare", Digest: secretDigest, Created: h.Clock.Now()}
		_, rotated := here.backend.RotateKey(ctx, "/", signing, true)
		err := errors.Join(rotated,
			here.backend.Clients().AddSecret(ctx, "/", "lost", spare),
			here.backend.Clients().RemoveSecret(ctx, "/", "lost", "spare"))
		if err != nil {
			t.Fatal(err)
		}
	}
	there.backend.ReadLogs(ctx)
	there.want(http.StatusOK, "lost", secret)
	token := there.want(http.StatusOK, "batch", kept)

	takeOver()
	err = errors.Join(here.backend.Clients().Delete(ctx, "/", "batch", 0), here.backend.RemoveKey(ctx, "/", first.KeyID))
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]*clientNode{"here": here, "there": there} {
		n.backend.ReadLogs(ctx) // finds the loss
		n.backend.ReadLogs(ctx)
		if _, err := n.realm().OpenAccess(token); err == nil {
			t.Errorf("%s: a token of a client that was deleted is good", name)
		}
		n.want(http.StatusUnauthorized, "batch", kept)
		n.want(http.StatusUnauthorized, "lost", secret)
		if _, good := n.realm().Keys.VerifyKey(first.KeyID); good {
			t.Errorf("%s: a key that was removed is good", name)
		}
		if !n.realm().AllowsGrantType("password") {
			t.Errorf("%s: a switch that was lost is still set", name)
		}
	}
}
