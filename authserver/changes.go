package authserver

import "time"

// staleAfter is the age at which what is known of other nodes' changes is too
// old to say that the store answers: it is read every second, and a statement
// takes two at most.
const staleAfter = 5 * time.Second

// ChangesRead is when all that other nodes may have changed was last read. What
// was known then holds on while the store cannot be reached.
func (b *Backend) ChangesRead() time.Time { return time.Unix(b.changesRead.Load(), 0) }

// Answers says whether the store has answered lately, without asking it.
func (b *Backend) Answers() bool { return b.now().Sub(b.ChangesRead()) <= staleAfter }
