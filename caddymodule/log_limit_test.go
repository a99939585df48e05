package caddymodule

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// F29: at most one line a second and class beyond a burst of 100.
func TestF29_LinesOfAClassAreBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	limit := newLineLimit(func() time.Time { return now })
	write := func(times int, reason string) (written, left int) {
		for range times {
			if missed, ok := limit.allow("line", reason); ok {
				written, left = written+1, left+missed
			}
		}
		return written, left
	}
	for _, c := range []struct {
		after         time.Duration
		times         int
		written, left int
	}{
		{0, 1000, 100, 0},
		{0, 1000, 0, 0},
		{time.Second, 10, 1, 1900},
		{999 * time.Millisecond, 10, 0, 0},
		{time.Millisecond, 10, 1, 19},
		{10 * time.Second, 100, 10, 9},
		{time.Hour, 1000, 100, 90}, // the burst is free again, and no more than it
	} {
		now = now.Add(c.after)
		if written, left := write(c.times, "expired"); written != c.written || left != c.left {
			t.Errorf("after %s: %d lines that count %d others, want %d and %d", c.after, written, left, c.written, c.left)
		}
	}
	if written, _ := write(1000, "signature"); written != 100 {
		t.Errorf("another class has %d lines", written)
	}
}

// Anybody may ask for the keys of assertions, also while there are none to give.
func TestF29_AFloodOfRequestsForAssertionKeysIsNoFloodOfLines(t *testing.T) {
	var logged bytes.Buffer
	b := &BearerAuth{Assertion: new(BearerAssertion), upstream: upstream{app: new(App)}, log: slog.New(slog.NewTextHandler(&logged, nil))}
	for range 10 * lineBurst {
		w := httptest.NewRecorder()
		if !b.publishesAssertionKeys(w, httptest.NewRequest(http.MethodGet, assertionKeysPath, nil)) || w.Code != http.StatusServiceUnavailable {
			t.Fatalf("status %d", w.Code)
		}
	}
	if lines := bytes.Count(logged.Bytes(), []byte("\n")); lines == 0 || lines > lineBurst+10 {
		t.Errorf("%d lines", lines)
	}
}
