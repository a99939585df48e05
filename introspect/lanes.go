package introspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

const (
	// maxIntrospections bounds the calls to one endpoint at a time (RS32).
	maxIntrospections = 64
	// maxWaiting bounds the calls that wait for their turn. They outlive the
	// requests that they were made for, so strangers could pile them up.
	maxWaiting = 256
	// A quarter of both is kept for tokens that were good a while ago.
	reservedIntrospections = maxIntrospections / 4
	reservedWaiting        = maxWaiting / 4

	// maxRecent bounds how many tokens are remembered as good a while ago, and
	// recentFor for how long, beyond the time that the answer itself is kept.
	maxRecent = 16384
	recentFor = 10 * time.Minute
)

var errCrowded = errors.New("introspection: too many calls wait for the endpoint")

// lanes are the places for calls to one endpoint. Anybody can make up a token
// and so take a place; where the endpoint is slow, such tokens could take all.
// Some places are therefore kept for tokens that the endpoint vouched for
// lately: whoever was let in a minute ago is still let in during a flood.
type lanes struct {
	slots, slotsReserved     chan struct{} // held by calls that run
	waiting, waitingReserved chan struct{} // held by calls that run or wait
	recent                   *generations[struct{}]
	recentFor                time.Duration
}

func newLanes(cacheTTL time.Duration) *lanes {
	return &lanes{
		slots:           make(chan struct{}, maxIntrospections-reservedIntrospections),
		slotsReserved:   make(chan struct{}, reservedIntrospections),
		waiting:         make(chan struct{}, maxIntrospections+maxWaiting-reservedIntrospections-reservedWaiting),
		waitingReserved: make(chan struct{}, reservedIntrospections+reservedWaiting),
		recent:          newGenerations[struct{}](maxRecent / 2),
		recentFor:       recentFor + cacheTTL,
	}
}

// learn notes what the endpoint said of a token. A fault says nothing.
func (l *lanes) learn(digest [sha256.Size]byte, err error, now time.Time) {
	switch {
	case err == nil:
		l.recent.put(digest, struct{}{}, now.Add(l.recentFor))
	case !isFault(err):
		l.recent.drop(digest)
	}
}

// knows says whether the endpoint vouched for a token lately.
func (l *lanes) knows(digest [sha256.Size]byte, now time.Time) bool {
	_, known := l.recent.get(digest, now)
	return known
}

// enter takes a place for a call about a token, known or not, and waits for its
// turn at most so long. waited says whether it had to.
func (l *lanes) enter(ctx context.Context, known bool, atMost time.Duration) (leave func(), waited bool, err error) {
	// Nobody can send to a nil channel: a stranger finds no place there.
	var slotsReserved, waitingReserved chan struct{}
	if known {
		slotsReserved, waitingReserved = l.slotsReserved, l.waitingReserved
	}
	room := take(l.waiting, waitingReserved, nil)
	if room == nil {
		return nil, false, errCrowded
	}
	slot := take(l.slots, slotsReserved, nil)
	if slot == nil {
		ctx, cancel := context.WithTimeout(ctx, atMost)
		defer cancel()
		waited = true
		slot = take(l.slots, slotsReserved, ctx.Done())
	}
	if slot == nil {
		<-room
		return nil, waited, errCrowded
	}
	return func() { <-slot; <-room }, waited, nil
}

// take puts one into reserved if it has room, else into common, and gives where.
// With done it waits for room until then; otherwise not at all. nil for none.
func take(common, reserved chan struct{}, done <-chan struct{}) chan struct{} {
	select {
	case reserved <- struct{}{}:
		return reserved
	default:
	}
	if done == nil {
		select {
		case common <- struct{}{}:
			return common
		default:
			return nil
		}
	}
	select {
	case common <- struct{}{}:
		return common
	case reserved <- struct{}{}:
		return reserved
	case <-done:
		return nil
	}
}
