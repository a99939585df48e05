package caddymodule

import (
	"sync"
	"time"
)

const (
	// lineBurst lines of one class may be written at once…
	lineBurst = 100
	// …and then one in each lineEvery.
	lineEvery = time.Second
)

// requestLines bounds what requests can make us log, for the whole process: a
// reload or another route gives nobody a new allowance.
var requestLines = newLineLimit(time.Now)

// lineClass is one kind of line: what it says, and for which reason. Both come
// from closed sets.
type lineClass struct{ what, reason string }

// lineLimit bounds log lines by class.
type lineLimit struct {
	now func() time.Time

	mu      sync.Mutex
	classes map[lineClass]*lineBucket
}

type lineBucket struct {
	// full is when the whole burst will be free again: each line moves it on.
	full time.Time
	left int
}

func newLineLimit(now func() time.Time) *lineLimit {
	return &lineLimit{now: now, classes: map[lineClass]*lineBucket{}}
}

// allow says whether a line may be written now, and how many of its class were
// not since the last one that was.
func (l *lineLimit) allow(what, reason string) (left int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	class, now := lineClass{what, reason}, l.now()
	bucket := l.classes[class]
	if bucket == nil {
		bucket = new(lineBucket)
		l.classes[class] = bucket
	}
	if bucket.full.Before(now) {
		bucket.full = now
	}
	if bucket.full.Sub(now) > (lineBurst-1)*lineEvery {
		bucket.left++
		return 0, false
	}
	bucket.full = bucket.full.Add(lineEvery)
	left, bucket.left = bucket.left, 0
	return left, true
}
