package introspect

// DenyList is what operators have revoked before its time, whoever issued it.
// nil denies nothing.
type DenyList struct{}

// denies says whether a token is on the list.
func (d *DenyList) denies(*Token) bool { return false }

// ready says whether the list has been read: until then nobody can tell.
func (d *DenyList) ready() bool { return true }
