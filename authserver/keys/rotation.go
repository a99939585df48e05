package keys

import (
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// CacheTime is how long our key sets may be cached: the max-age that they are
	// sent with.
	CacheTime = 5 * time.Minute
	// DefaultRotation is the age at which a key is replaced.
	DefaultRotation = 90 * 24 * time.Hour
	// MinRotation is the least that can be asked for: what has been replaced is
	// published for a day longer, and verifiers do not read endless key sets.
	MinRotation = 24 * time.Hour
	// maxPublished bounds for the same reason how many keys an operator can make.
	maxPublished = 64

	// clockSkew is how far the clocks of two nodes may be apart, twice over.
	clockSkew = time.Minute
	// publishWait is how long a signing key is published before it signs: whoever
	// fetched the key set right before has fetched it again (AS54).
	publishWait = 2*CacheTime + clockSkew
	// sharedWait is the same for symmetric keys, which only our nodes need.
	sharedWait = 10*time.Second + clockSkew
	// keepRetiring is how long a key verifies after it has made its last token:
	// nothing that it made lives longer. The hour is for a node that the store is
	// cut off from and that goes on with what it knows.
	keepRetiring = store.MaxAccessTokenLifetime + time.Hour
	// impossible is how far ahead the time of a key can be by no honest clock.
	impossible = 48 * time.Hour
)

// wait is how long a key of a purpose is known before it is used.
func wait(purpose store.KeyPurpose) time.Duration {
	if purpose == store.KeySign {
		return publishWait
	}
	return sharedWait
}

// Action is what can be due for a key.
type Action string

const (
	// Replace makes the key that is to follow this active one.
	Replace Action = "replace"
	// Promote makes this next key active.
	Promote Action = "promote"
	// Retire ends this retiring key.
	Retire Action = "retire"
	// restamp corrects a time that cannot be.
	restamp Action = "correct"
)

// Step is what is to be done with a key, and when.
type Step struct {
	Key    store.Key
	Action Action
	At     time.Time
}

// plan says what comes next for each of the keys of a realm that something comes
// for. kinds are replaced when they are so old as every says, 0 for never.
// Lasting ones are not replaced by age and never end by themselves: every family
// of refresh tokens names the key that it began with, and it may live forever, as
// may what people sign in with.
func plan(rows []store.Key, kinds []Kind, every time.Duration) []Step {
	steps := make([]Step, 0, len(rows))
	for _, key := range rows {
		step := Step{Key: key}
		switch {
		case key.State == store.KeyNext:
			step.Action, step.At = Promote, key.Since.Add(wait(key.Purpose))
		case key.Purpose.Lasting():
		case key.State == store.KeyRetiring:
			step.Action, step.At = Retire, key.Since.Add(keepRetiring)
		case key.State == store.KeyActive && every > 0 && slices.Contains(kinds, kindOf(key)) && !hasNext(rows, kindOf(key)):
			step.Action, step.At = Replace, key.Since.Add(every)
		}
		if step.Action != "" {
			steps = append(steps, step)
		}
	}
	return steps
}

func hasNext(rows []store.Key, kind Kind) bool {
	return slices.ContainsFunc(rows, func(key store.Key) bool { return key.State == store.KeyNext && kindOf(key) == kind })
}

// due are the steps of a plan whose time has come, one a kind: after a leap of
// the clock there is no storm. A key whose time lies ahead as no honest clock
// could have written it would wait forever: it begins anew.
func due(steps []Step, now time.Time) []Step {
	var out []Step
	taken := map[Kind]bool{}
	for _, step := range steps {
		if step.Action != Retire && step.Key.Since.After(now.Add(impossible)) {
			step.Action, step.At = restamp, now
		}
		if kind := kindOf(step.Key); !taken[kind] && !step.At.After(now) {
			taken[kind] = true
			out = append(out, step)
		}
	}
	return out
}
