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
	// KeyNonce makes the nonces of DPoP proofs. It is of no realm.
	KeyNonce KeyPurpose = "nonce"
)

// KeyState is where a key stands in its life.
type KeyState int

const (
	// KeyActive signs or seals now.
	KeyActive KeyState = 1
	// KeyRetired only verifies or opens.
	KeyRetired KeyState = 2
)

// Key is a key of a realm, its secret part wrapped by the operator's key.
type Key struct {
	Realm string
	// ID is the kid: 16 hex digits.
	ID        string
	Purpose   KeyPurpose
	Algorithm string
	State     KeyState
	// Wrapped is the sealed private or symmetric key.
	Wrapped []byte
	Created time.Time
}
