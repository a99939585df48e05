package introspect

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// What the outside cannot see: that what is remembered stays small, and that a
// request for a fetch is answered by a fetch that begins for another reason.

// RS25, F14: a flood of names takes no more than its room, and drives out none.
func TestF14_DoubtsAreBounded(t *testing.T) {
	var remembered doubts
	doubt := func(n int) [32]byte {
		return doubtOf(ReasonUnknownKey, &oauth.JWS{Algorithm: oauth.ES256, KeyID: strconv.Itoa(n)})
	}
	for n := range 100_000 {
		remembered.add(doubt(n))
	}
	if len(remembered.seen) != maxDoubts || !remembered.have(doubt(0)) || remembered.have(doubt(99_999)) {
		t.Errorf("%d are remembered, the first: %v, the last: %v", len(remembered.seen), remembered.have(doubt(0)), remembered.have(doubt(99_999)))
	}
}

func TestOneRunAnswersTimerAndRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		r := newRefresher(func(context.Context) error { runs++; return nil }, time.Hour, time.Now)
		if err := r.once(t.Context()); err != nil {
			t.Fatal(err)
		}
		answered := make(chan error)
		go func() { answered <- r.await(t.Context(), true) }()
		synctest.Wait()
		if err := r.once(t.Context()); err != nil { // as if by the timer
			t.Fatal(err)
		}
		if err := <-answered; err != nil || len(r.wake) != 0 || runs != 2 {
			t.Errorf("answered %v, %d requests left, %d runs", err, len(r.wake), runs)
		}
	})
}

func TestAPanicInATaskIsAFailure(t *testing.T) {
	r := newRefresher(func(context.Context) error { panic("hostile key set") }, time.Hour, time.Now)
	if err := r.once(t.Context()); err == nil {
		t.Error("the panic went unnoticed")
	}
	if err := r.await(t.Context(), false); err == nil {
		t.Error("the failure went unnoticed")
	}
}
