package ldap

// FillDN is how a username becomes a DN.
var FillDN = fillDN

// Waiting is how many ask the directory, those who wait for a connection included.
func Waiting(d *Directory) int { return len(d.pool.waiting) }
