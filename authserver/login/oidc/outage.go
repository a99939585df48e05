package oidc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// tellEvery is how often at most an outage begins anew in the log: a provider that
// fails now and then must not fill it.
const tellEvery = time.Minute

// outage tells the operator when signing in begins to fail for a reason that is not
// the user's, and when it works again: once, not for each request.
type outage struct {
	mu   sync.Mutex
	down bool
	told time.Time
}

// note takes the outcome of a request: nil when the provider did all that it had
// to.
func (o *outage) note(ctx context.Context, log *slog.Logger, err error, now time.Time) {
	if errors.Is(err, context.Canceled) || errors.Is(err, errBusy) {
		return // the browser is gone, or we are the reason
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil && !o.down && !within(now, o.told, tellEvery):
		o.down, o.told = true, now
		log.ErrorContext(ctx, "sign-in with another OpenID provider does not work", "error", err)
	case err == nil && o.down:
		o.down = false
		log.InfoContext(ctx, "sign-in with another OpenID provider works again")
	}
}
