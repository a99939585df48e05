package caddymodule

import (
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

const (
	// streamTick is how often open answers are looked at.
	streamTick = time.Second
	// maxAskers bounds how many tokens are judged anew at a time.
	maxAskers = 16
)

// openStreams are the answers of this process. They outlive configurations, as
// the connections do: each is judged by the configuration that let it in.
var openStreams = newStreamWatch(time.Now)

// streamWatch looks at open answers now and then, with one goroutine that is
// there only while some are open. What it costs a request is to be put into a
// list and taken out again: one that is answered within a second is never
// looked at.
type streamWatch struct {
	now func() time.Time

	mu             sync.Mutex
	oldest, newest *stream
	ticks          uint64
	running        bool
	stale          []*stream // to be judged anew
	askers         int
}

func newStreamWatch(now func() time.Time) *streamWatch { return &streamWatch{now: now} }

// follow begins to watch the answer to a request.
func (w *streamWatch) follow(rw http.ResponseWriter, r *http.Request, s *stream) (http.ResponseWriter, *http.Request) {
	s.watch, s.frames = w, isWebSocket(r)
	s.ctx.Context = r.Context()
	s.request = *r.WithContext(&s.ctx)
	s.writer = streamWriter{caddyhttp.ResponseWriterWrapper{ResponseWriter: rw}, s}
	w.add(s)
	return &s.writer, &s.request
}

func (w *streamWatch) add(s *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.listed, s.born, s.previous = true, w.ticks, w.newest
	if w.newest != nil {
		w.newest.next = s
	} else {
		w.oldest = s
	}
	w.newest = s
	if !w.running {
		w.running = true
		go w.run()
	}
}

func (w *streamWatch) remove(s *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !s.listed {
		return
	}
	s.listed = false
	if s.previous != nil {
		s.previous.next = s.next
	} else {
		w.oldest = s.next
	}
	if s.next != nil {
		s.next.previous = s.previous
	} else {
		w.newest = s.previous
	}
	s.next, s.previous = nil, nil
}

// run looks at the open answers on every tick, until there are none.
func (w *streamWatch) run() {
	ticker := time.NewTicker(streamTick)
	defer ticker.Stop()
	var open []*stream
	for range ticker.C {
		var empty bool
		if open, empty = w.tick(open[:0]); empty {
			return
		}
		now := w.now()
		for n, s := range open {
			w.look(s, now)
			open[n] = nil // what has ended may be collected
		}
	}
}

// tick lists the answers that were open at the last tick already; empty says
// that there are no others either, and that run is to end.
func (w *streamWatch) tick(open []*stream) (list []*stream, empty bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ticks++
	for s := w.oldest; s != nil && s.born+1 < w.ticks; s = s.next {
		open = append(open, s)
	}
	w.running = w.oldest != nil
	return open, !w.running
}

// look decides about one answer. A panic may not end the process, above which
// nobody stands here: the answer is cut, for nobody can say that it may go on.
func (w *streamWatch) look(s *stream, now time.Time) {
	defer w.cutOnPanic(s)
	ask, reason := s.token.review(now.Unix())
	switch {
	case reason != "":
		w.cut(s, reason)
	case ask:
		w.ask(s)
	}
}

func (w *streamWatch) cut(s *stream, reason string) {
	if s.cut(w.now()) {
		streamsCutTotal.WithLabelValues(reason).Inc()
	}
}

func (w *streamWatch) cutOnPanic(s *stream) {
	if recover() != nil {
		w.cut(s, reasonPanic)
	}
}

// ask has a token judged anew. Doing so may wait for an issuer, so others do it.
func (w *streamWatch) ask(s *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale = append(w.stale, s)
	if w.askers < maxAskers {
		w.askers++
		go w.answer()
	}
}

// answer judges tokens anew until none is left.
func (w *streamWatch) answer() {
	for s := w.nextStale(); s != nil; s = w.nextStale() {
		w.renew(s)
	}
}

func (w *streamWatch) renew(s *stream) {
	defer w.cutOnPanic(s)
	if s.ended() {
		return
	}
	if reason := s.token.renew(w.now); reason != "" {
		w.cut(s, reason)
	}
}

func (w *streamWatch) nextStale() *stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.stale) == 0 {
		w.stale = nil
		w.askers--
		return nil
	}
	s := w.stale[0]
	w.stale[0] = nil
	w.stale = w.stale[1:]
	return s
}
