package sqlstore

// Pool is how the connections to a database stand.
type Pool struct {
	// InUse run statements, Idle wait for some; there may be Max of both.
	InUse, Idle, Max int
	// Waiting is how many steps wait for a connection.
	Waiting int
}

// Pool says how the connections stand. It is false where they are none of the
// operator's concern: those of SQLite are in this process.
func (s *Store) Pool() (Pool, bool) {
	inner := s.engine
	if observed, ok := inner.(observedEngine); ok {
		inner = observed.engine
	}
	e, ok := inner.(*postgresEngine)
	if !ok {
		return Pool{}, false
	}
	stat := e.pool.Stat()
	pool := Pool{InUse: int(stat.AcquiredConns()), Idle: int(stat.IdleConns()), Max: int(stat.MaxConns())}
	pool.Waiting = max(0, e.gate.count()-pool.InUse)
	return pool, true
}

// count is how many are inside.
func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside
}
