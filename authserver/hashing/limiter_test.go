package hashing

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const cheap = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"

// The bounds that keep a flood of sign-ins from taking all memory.
func TestF26_BoundsOfNew(t *testing.T) {
	slow := New().slow
	half := max(1, runtime.GOMAXPROCS(0)/2)
	if cap(slow.working) != half || cap(slow.waiting) != 32 || slow.patience != 2*time.Second {
		t.Errorf("%d at work, %d waiting for %v", cap(slow.working), cap(slow.waiting), slow.patience)
	}
}

func TestF26_FullQueueIsBusyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1, 2, time.Hour)
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		waited := make(chan error)
		for range 2 {
			go func() { waited <- l.acquire(t.Context()) }()
		}
		synctest.Wait()
		start := time.Now()
		if err := l.acquire(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("the third to wait got %v, want ErrBusy", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("it was refused after %v", waited)
		}
		for range 2 {
			l.release()
			if err := <-waited; err != nil {
				t.Errorf("one who waited got %v", err)
			}
		}
	})
}

func TestF26_WaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1, 1, 2*time.Second)
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := l.acquire(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("acquire = %v, want ErrBusy", err)
		}
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("waited %v", waited)
		}
		// Whoever gave up has left the queue, and the one place is given on.
		l.release()
		if err := l.acquire(t.Context()); err != nil {
			t.Errorf("after release: %v", err)
		}
		if len(l.waiting) != 0 {
			t.Errorf("%d still counted as waiting", len(l.waiting))
		}
	})
}

func TestF26_WaitEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1, 1, time.Hour)
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		gone := errors.New("the client went away")
		ctx, cancel := context.WithCancelCause(t.Context())
		waited := make(chan error)
		go func() { waited <- l.acquire(ctx) }()
		synctest.Wait()
		cancel(gone)
		if err := <-waited; !errors.Is(err, gone) {
			t.Errorf("acquire = %v", err)
		}
	})
}

// Busy is our own fault, never a verdict on the password, and it holds slow
// hashes only: clients with keyed secrets go on.
func TestF26_BusyHasherIsUnavailable(t *testing.T) {
	h := New()
	h.slow = newLimiter(1, 0, time.Hour)
	if err := h.slow.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	secret := oauth.NewSecret("Ch4ng31t")
	ok, err := h.Verify(t.Context(), cheap, secret)
	if ok || !errors.Is(err, ErrBusy) || oauth.AsError(err).Status != 503 {
		t.Errorf("Verify = %v, %v, want ErrBusy as 503", ok, err)
	}
	if err := h.Waste(t.Context(), Argon2id, secret); !errors.Is(err, ErrBusy) {
		t.Errorf("Waste = %v, want ErrBusy", err)
	}
	if ok, err := h.Verify(t.Context(), h.Digest(secret), secret); !ok || err != nil {
		t.Errorf("keyed secret: %v, %v", ok, err)
	}
	h.slow.release()
	if ok, err := h.Verify(t.Context(), cheap, secret); !ok || err != nil {
		t.Errorf("after release: %v, %v", ok, err)
	}
	if len(h.slow.working) != 0 {
		t.Error("Verify kept its place")
	}
}

func TestAS22_WasteCostsTheSlowestDigestSeen(t *testing.T) {
	h := New()
	if h.dummy(Bcrypt).cost() != 1<<14 || h.dummy(Argon2id).cost() != 2*19<<10 {
		t.Error("without any digest, Waste does not cost what we make by default")
	}
	const argon2id = "$argon2id$v=19$m=64,t=3,p=2$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA"
	const slower = "$argon2id$v=19$m=128,t=2,p=1$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA"
	for _, step := range []struct {
		digest string
		want   int64
	}{{argon2id, 3 * 64}, {slower, 2 * 128}, {argon2id, 2 * 128}} {
		if _, err := h.Check(store.SecretDigest(step.digest)); err != nil {
			t.Fatal(err)
		}
		if got := h.dummy(Argon2id).cost(); got != step.want {
			t.Errorf("after %.27s…: cost %d, want %d", step.digest, got, step.want)
		}
	}
	if h.dummy(Bcrypt).cost() != 1<<14 {
		t.Error("an argon2id digest changed what bcrypt costs")
	}
}
