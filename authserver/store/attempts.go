package store

import (
	"context"
	"time"
)

// Attempts counts tries that failed, for whoever guesses to be slowed down. A try
// is counted before it is known how it ends, so that tries at the same time count
// each other; on all nodes together.
type Attempts interface {
	// TakeAttempt counts a try in each of counters, unless one of them wants it to
	// wait: then nothing is counted. The decision is that of the rows as they are
	// when they change.
	TakeAttempt(ctx context.Context, realm string, counters []Counter, now time.Time) (Taken, error)
	// ReturnAttempt takes back a try that was counted and was no failure. taken is
	// what TakeAttempt gave for the same counters.
	ReturnAttempt(ctx context.Context, realm string, counters []Counter, taken Taken) error
	// ClearAttempts forgets the failures of some keys, and notes a mark until it
	// expires ("" as its name for none).
	ClearAttempts(ctx context.Context, realm string, keys []AttemptKey, mark AttemptKey, expires time.Time) error
	// ResetAttempts forgets the failures of a kind for a name, whatever the source,
	// or, when name is "", those of the source alone. Marks stay. It says how many
	// rows it removed.
	ResetAttempts(ctx context.Context, realm string, kind AttemptKind, name, source string) (int, error)
}

// AttemptKind is what is tried.
type AttemptKind int

const (
	// AttemptPassword is a password for a username.
	AttemptPassword AttemptKind = 1
	// AttemptCode is a code of a second factor for an account.
	AttemptCode AttemptKind = 2
	// AttemptDevice is a user code of a device.
	AttemptDevice AttemptKind = 3
	// SignedInFrom is no try but a mark: somebody has signed in to this name from
	// this source.
	SignedInFrom AttemptKind = 4
)

// String is the kind as operators read it.
func (k AttemptKind) String() string {
	switch k {
	case AttemptPassword:
		return "password"
	case AttemptCode:
		return "code"
	case AttemptDevice:
		return "device"
	}
	return ""
}

// AttemptKey names what failures are counted together. Name and Source are keyed
// digests, for people type passwords where names belong; "" stands for anybody,
// and anywhere.
type AttemptKey struct {
	Kind         AttemptKind
	Name, Source string
}

// Counter is how failures of one key count.
type Counter struct {
	AttemptKey
	// Forget is how long a failure counts: from the last one, or with Window from
	// the first. No wait is longer.
	Forget time.Duration
	Window bool
	// Until says until when the next try has to wait after so many failures; zero
	// when it need not. since is when the window began, without Window the last
	// failure. It is pure, and may be called more than once.
	Until func(failures int, since time.Time) time.Time
	// Unless is a mark that spares the try this counter; its zero value is none.
	Unless AttemptKey
	// AskOnly looks whether the try must wait and does not count it: it is counted
	// by a try of its own once it has failed. So many may try at once.
	AskOnly bool
}

// Taken is what became of a try.
type Taken struct {
	// Until is when it may be made again; zero when it may be made now.
	Until time.Time
	// Failures are those of each counter with this try; 0 where it was not counted.
	Failures []int
}
