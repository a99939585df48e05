package realm

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// faultBurst is how many faults are logged one by one before it is one a second:
// strangers can cause them in floods, and the disk of the log may be that of the
// store.
const faultBurst = 100

// Fault tells the operator of an error that is our own fault (5xx). What a
// caller did wrong is told to the caller alone. where names the endpoint.
func (r *Realm) Fault(ctx context.Context, where string, err error) {
	if oauth.AsError(err).Status < http.StatusInternalServerError || errors.Is(err, context.Canceled) {
		return
	}
	if left, ok := r.faults.take(r.Now()); ok {
		r.Log.ErrorContext(ctx, "a request could not be answered", "realm", r.Name, "endpoint", where, "error", err, "not_logged", left)
	}
}

// faultLimit is a bucket of lines that fills by one a second.
type faultLimit struct {
	mu    sync.Mutex
	spent int
	left  int
	last  time.Time
}

// take says whether a line may be written, and how many were not since the last.
func (l *faultLimit) take(now time.Time) (left int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seconds := int(now.Sub(l.last) / time.Second); seconds > 0 {
		l.spent, l.last = max(0, l.spent-seconds), now
	}
	if l.spent >= faultBurst {
		l.left++
		return 0, false
	}
	l.spent++
	left, l.left = l.left, 0
	return left, true
}
