package login

import "slices"

// ReservedClaim says whether a claim belongs to the protocol, so that no
// authentication service may set it.
func ReservedClaim(name string) bool { return slices.Contains(protocolClaims, name) }
