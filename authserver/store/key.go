package store

import "time"

// KeyPurpose is what a key is for. Each purpose has keys of its own.
type KeyPurpose string

const (
	// KeySign signs tokens; one active key an algorithm.
	KeySign KeyPurpose = "sign"
	// KeyAccess seals opaque access tokens.
	KeyAccess KeyPurpose = "access"
	// KeyRefresh authenticates refresh tokens.
	KeyRefresh KeyPurpose = "refresh"
	// KeyForm authenticates the forms of our pages.
	KeyForm KeyPurpose = "form"
	// KeyFactor seals the secrets of second factors and authenticates recovery codes
	// and the challenges of passkeys.
	KeyFactor KeyPurpose = "factor"
	// KeyNonce makes the nonces of DPoP proofs. It is of no realm.
	KeyNonce KeyPurpose = "nonce"
)

// Lasting says whether what keys of a purpose make can live forever: they are not
// replaced by age and never end by themselves.
func (p KeyPurpose) Lasting() bool { return p == KeyRefresh || p == KeyFactor }

// KeyState is where a key stands in its life: next, active, retiring, retired.
type KeyState int

const (
	// KeyActive signs or seals now. There is one of a purpose and algorithm.
	KeyActive KeyState = 1
	// KeyRetiring only verifies or opens: what it made may still be in use. It is
	// published.
	KeyRetiring KeyState = 2
	// KeyNext is the one to come. It verifies and is published, so that everybody
	// knows it before it makes anything. There is at most one of a purpose and
	// algorithm.
	KeyNext KeyState = 3
	// KeyRetired is neither published nor accepted. Its secret is erased.
	KeyRetired KeyState = 4
)

// String is the state as operators read it.
func (s KeyState) String() string {
	switch s {
	case KeyActive:
		return "active"
	case KeyRetiring:
		return "retiring"
	case KeyNext:
		return "next"
	case KeyRetired:
		return "retired"
	default:
		return "unknown"
	}
}

// Key is a key of a realm, its secret part wrapped by the operator's key.
type Key struct {
	Realm string
	// ID is the kid: 16 hex digits.
	ID        string
	Purpose   KeyPurpose
	Algorithm string
	State     KeyState
	// Wrapped is the sealed private or symmetric key. A retired key has none.
	Wrapped []byte
	// WrappedBy is the check value of the operator's key that Wrapped is sealed
	// with.
	WrappedBy string
	Created   time.Time
	// Since is when the key came into its state.
	Since time.Time
}
