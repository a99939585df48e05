package authserver

import (
	"sync"
	"time"
)

const (
	// clockSlack is by how much the clock may be set, and nodes may differ, before
	// that is a fault. Nothing is deleted sooner after its end: a clock that is
	// ahead by less deletes nothing that is needed when it is right again.
	clockSlack = 10 * time.Minute
	// A clock that leapt is believed when it has stood by it for as long as it
	// leapt, at least and at most so long.
	minAstray = time.Hour
	maxAstray = 24 * time.Hour
)

// clockWatch tells a clock that leaps from time that passes. What is deleted is
// gone when the clock is right again, and what was revoked or used up would then
// be as good as new. So deletions go by the time that the process and the other
// nodes agree on.
type clockWatch struct {
	mu sync.Mutex
	// known is what the time was when the process had run for at.
	known time.Time
	at    time.Duration
	// astray is by how much the clock differs from that, too much, since when.
	astray, since time.Duration
	told          time.Time
}

// hear notes what another node holds the time to be, when that is news. While
// others say otherwise this clock is not believed, however long it stands by it.
func (w *clockWatch) hear(told time.Time, running time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if told.IsZero() || told.Equal(w.told) {
		return
	}
	w.told, w.known, w.at, w.since = told, told, running, running
}

// tell notes what this node has told the others.
func (w *clockWatch) tell(told time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = told
}

// look compares the clock with what is known, and says by how much it is astray:
// 0 for a clock that can be believed.
func (w *clockWatch) look(now time.Time, running time.Duration) (astray time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now = now.Round(0) // what the clock says, not what has passed
	if w.known.IsZero() {
		w.known, w.at = now, running
	}
	off := now.Sub(w.known.Add(running - w.at))
	switch {
	case off.Abs() <= clockSlack:
		w.known, w.at, w.astray = now, running, 0
	case w.astray == 0:
		w.astray, w.since = off, running
	case running-w.since >= min(max(off.Abs(), minAstray), maxAstray):
		w.known, w.at, w.astray = now, running, 0
	default:
		w.astray = off
	}
	return w.astray
}

// past is a time that is over beyond doubt: what ended before may be deleted.
func (w *clockWatch) past(now time.Time, running time.Duration) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	past := now.Add(-clockSlack)
	if w.known.IsZero() {
		return past
	}
	if known := w.known.Add(running - w.at); known.Before(past.Round(0)) {
		return known
	}
	return past
}

// off is by how much the clock was astray when it was looked at.
func (w *clockWatch) off() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.astray
}
