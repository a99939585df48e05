package authserver_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// lame is a store of which some steps fail.
type lame struct{ store.Store }

var errLame = errors.New("down")

func (lame) RevokeAll(context.Context, store.Reach, time.Time) (store.Ended, error) {
	return store.Ended{}, errLame
}

func (lame) TouchSecret(context.Context, string, string, string, time.Time) error { return errLame }

// What this node has to say is no part of what it hears: a store that takes no
// writes for now, such as one on a full disk, still tells what others have changed.
func TestF4_ANodeThatCannotWriteStillHears(t *testing.T) {
	here, there := twoNodes(t)
	_, secret := here.register(batch())
	here.want(http.StatusOK, "batch", secret)
	here.Store.Store = lame{here.Store.Store}
	here.Clock.Advance(time.Minute)
	for _, n := range []*clientNode{here, there} {
		n.backend.ReadLogs(t.Context())
		if !n.backend.Status().Fresh {
			t.Error("it is said to hear nothing")
		}
	}
}

// The deletion of a client is one step. What comes after it makes it known here
// sooner and can be done by the upkeep: a fault in that is none of the caller, who
// would take the client to be there, and the record of it would be missing.
func TestCL12_ADeletionThatIsCommittedIsDone(t *testing.T) {
	here, there := twoNodes(t)
	_, secret := here.register(batch())
	token := here.want(http.StatusOK, "batch", secret)
	here.Store.Store = lame{here.Store.Store}
	if err := here.backend.Clients().Delete(t.Context(), "/", "batch", 0); err != nil {
		t.Errorf("deleted, and told %v", err)
	}
	there.backend.ReadLogs(t.Context())
	for _, n := range []*clientNode{here, there} {
		n.want(http.StatusUnauthorized, "batch", secret)
		if _, err := n.realm().OpenAccess(token); err == nil {
			t.Error("a token of it is good")
		}
	}
}
