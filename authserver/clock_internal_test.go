package authserver

import (
	"testing"
	"time"
)

// F10: by which time a node deletes while its clock and the other nodes say this
// and that. Times are from the moment at which the process began.
func TestF10_AClockThatLeapsIsNotBelievedAtOnce(t *testing.T) {
	const year = 365 * 24 * time.Hour
	begun := time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC)
	type step struct {
		after time.Duration // how long the process has run
		ahead time.Duration // by how much its clock is ahead of the truth
		told  time.Duration // what another node says now, as far from the truth; see news
		news  bool
		want  bool // whether the clock is believed
		past  time.Duration
	}
	fine := func(after time.Duration) step { return step{after: after, want: true, past: after - clockSlack} }
	for name, steps := range map[string][]step{
		"a clock that goes well": {fine(0), fine(time.Hour), fine(time.Hour + time.Second), fine(1000 * time.Hour)},
		"a clock set a little": {fine(0),
			{after: time.Hour, ahead: 9 * time.Minute, want: true, past: time.Hour - time.Minute},
			{after: 2 * time.Hour, ahead: -time.Minute, want: true, past: 2*time.Hour - 11*time.Minute}},
		"an hour ahead and back": {fine(0),
			{after: time.Hour, ahead: time.Hour, past: time.Hour},
			{after: 2*time.Hour - time.Second, ahead: time.Hour, past: 2*time.Hour - time.Second},
			fine(2 * time.Hour)},
		"an hour ahead for longer than that": {fine(0),
			{after: time.Hour, ahead: time.Hour, past: time.Hour},
			{after: 2 * time.Hour, ahead: time.Hour, want: true, past: 3*time.Hour - clockSlack}},
		"ten years ahead and back": {fine(0),
			{after: time.Second, ahead: 10 * year, past: time.Second},
			{after: 23 * time.Hour, ahead: 10 * year, past: 23 * time.Hour},
			fine(24 * time.Hour)},
		"ten years ahead for a day": {fine(0),
			{after: 0, ahead: 10 * year, past: 0},
			{after: 24 * time.Hour, ahead: 10 * year, want: true, past: 24*time.Hour + 10*year - clockSlack}},
		"many small leaps are one": {fine(0),
			{after: 0, ahead: 11 * time.Minute, past: 0}, {after: 0, ahead: 22 * time.Minute, past: 0},
			{after: 0, ahead: 33 * time.Minute, past: 0}, fine(time.Minute)},
		"ten years behind and back": {fine(0),
			{after: time.Second, ahead: -10 * year, past: time.Second - 10*year - clockSlack},
			fine(time.Minute)},
		"others know better, for ever": {
			{news: true, ahead: 10 * year, past: 0},
			{after: 24 * time.Hour, news: true, ahead: 10 * year, past: 24 * time.Hour},
			{after: 48*time.Hour - time.Second, news: true, ahead: 10 * year, past: 48*time.Hour - time.Second},
			{after: 72 * time.Hour, news: true, ahead: 10 * year, past: 72 * time.Hour},
			fine(73 * time.Hour)},
		"two nodes half a minute apart": {
			{news: true, told: 30 * time.Second, ahead: -30 * time.Second, want: true, past: -30*time.Second - clockSlack},
			{after: time.Hour, news: true, told: -30 * time.Second, ahead: 30 * time.Second, want: true, past: time.Hour + 30*time.Second - clockSlack}},
		"nobody was there for a week": {
			{news: true, told: -7 * 24 * time.Hour, past: -7 * 24 * time.Hour},
			{after: 23 * time.Hour, past: 23*time.Hour - 7*24*time.Hour},
			fine(24 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			var w clockWatch
			for i, s := range steps {
				now := begun.Add(s.after + s.ahead)
				if s.news {
					w.hear(begun.Add(s.after+s.told), s.after)
				}
				if astray := w.look(now, s.after); (astray == 0) != s.want {
					t.Errorf("step %d: astray by %v, want it believed: %v", i, astray, s.want)
				}
				if past := w.past(now, s.after).Sub(begun); past != s.past {
					t.Errorf("step %d: deletes what ended before %v, want %v", i, past, s.past)
				}
			}
		})
	}
}

// The operating system's clock is set while a time.Time knows what has passed.
func TestF10_AMonotonicReadingDoesNotHideALeap(t *testing.T) {
	var w clockWatch
	now := time.Now() // with its monotonic reading
	w.look(now, 0)
	set := now.Add(2 * time.Hour).Round(0)
	if w.look(set, time.Second) == 0 {
		t.Error("a leap of two hours went unseen")
	}
}
