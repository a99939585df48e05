package introspect

import (
	"log/slog"
	"sync"
	"time"
)

// healthEvery is the least time between two lines about one peer, so that one
// that comes and goes does not fill the log.
const healthEvery = 10 * time.Second

// health logs when a peer goes bad and when it is good again, and nothing in
// between, however many requests notice.
type health struct {
	log  *slog.Logger
	what string

	mu   sync.Mutex
	said string // what the log says last: "" for good, else the trouble
	at   time.Time
}

func newHealth(log *slog.Logger, what string) *health { return &health{log: log, what: what} }

func (h *health) bad(cause error, now time.Time) {
	if h.turned(cause.Error(), now) {
		h.log.Error(h.what+" fails", "error", cause)
	}
}

func (h *health) good(now time.Time) {
	if h.turned("", now) {
		h.log.Info(h.what + " works again")
	}
}

// turned says whether there is news to log now. News that come too soon are
// logged when they still hold later.
func (h *health) turned(state string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if state == h.said || now.Sub(h.at) < healthEvery {
		return false
	}
	h.said, h.at = state, now
	return true
}
