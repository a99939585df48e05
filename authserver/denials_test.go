package authserver_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// followed is what one node was told.
type followed struct{ values []string }

func (f *followed) tell(changes []store.Denial) {
	for _, change := range changes {
		if change.Removed {
			f.values = append(f.values, "-"+change.Value)
		} else {
			f.values = append(f.values, change.Value)
		}
	}
}

func (f *followed) want(t *testing.T, want ...string) {
	t.Helper()
	if len(f.values) != len(want) {
		t.Fatalf("was told %v, want %v", f.values, want)
	}
	for i := range want {
		if f.values[i] != want[i] {
			t.Fatalf("was told %v, want %v", f.values, want)
		}
	}
}

func openNode(t *testing.T, st store.Store) *authserver.Backend {
	t.Helper()
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	node, err := authserver.OpenBackend(t.Context(), st, wrapper, hashing.New(), slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// What one node puts on the deny-list it knows at once, another within a second
// of its own, and one that starts later from the first request on.
func TestEveryNodeHearsOfTheDenyList(t *testing.T) {
	st, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	denial := func(jti string) store.Denial {
		return store.Denial{Kind: store.DenyToken, Value: jti, Expires: time.Now().Add(time.Hour), Created: time.Now()}
	}
	var here, there, later followed
	a, b := openNode(t, st), openNode(t, st)
	if err := errors.Join(a.Denials().Follow(t.Context(), here.tell), b.Denials().Follow(t.Context(), there.tell)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Denials().Put(t.Context(), denial("x")), a.Denials().Put(t.Context(), denial("y"))); err != nil {
		t.Fatal(err)
	}
	here.want(t, "x", "y")
	there.want(t)
	if err := a.Denials().Delete(t.Context(), denial("x").ID()); err != nil {
		t.Fatal(err)
	}
	here.want(t, "x", "y", "-x")
	if err := a.Denials().Delete(t.Context(), denial("x").ID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	// Any step reads what the others did.
	if err := b.Denials().Put(t.Context(), denial("z")); err != nil {
		t.Fatal(err)
	}
	there.want(t, "y", "-x", "z")
	if err := openNode(t, st).Denials().Follow(t.Context(), later.tell); err != nil {
		t.Fatal(err)
	}
	later.want(t, "y", "-x", "z")
}

// denying is a store whose deny-list changes by itself.
type denying struct {
	counting
	fault error
}

func (d *denying) Denials(_ context.Context, after int64) ([]store.Denial, int64, error) {
	return []store.Denial{{Value: "x"}}, after + 1, d.fault
}

func TestTheBackgroundWorkReadsTheDenyListEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &denying{}
		backend := openNode(t, st)
		var told followed
		if err := backend.Denials().Follow(t.Context(), told.tell); err != nil {
			t.Fatal(err)
		}
		told.want(t, "x")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second+time.Millisecond)
		defer cancel()
		backend.Run(ctx)
		told.want(t, "x", "x", "x", "x")
	})
}

// A list that was never read is not an empty list.
func TestADenyListThatCannotBeReadIsAnError(t *testing.T) {
	st := &denying{fault: errors.New("down")}
	var told followed
	if err := openNode(t, st).Denials().Follow(t.Context(), told.tell); !errors.Is(err, st.fault) {
		t.Errorf("got %v", err)
	}
	told.want(t)
}
