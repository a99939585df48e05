package store

import "context"

// Logs is the part of a Store by which a node sees that it has read what is not
// there any more.
type Logs interface {
	// LogEnds are the last positions that were given to changes.
	LogEnds(ctx context.Context) (LogEnds, error)
}

// LogEnds are positions in the logs that nodes read. No position is given twice,
// and none behind one that was read: unless the database lost what it had
// committed, as a standby does that was behind when it took over.
type LogEnds struct {
	Revocations, Denials, Clients, Realms, Keys int64
}

// Before says whether some log ends before a position that was read of it.
func (e LogEnds) Before(read LogEnds) bool {
	return e.Revocations < read.Revocations || e.Denials < read.Denials ||
		e.Clients < read.Clients || e.Realms < read.Realms || e.Keys < read.Keys
}
