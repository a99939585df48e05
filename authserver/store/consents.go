package store

import "context"

// Consents are the steps that carry what users have agreed to from one
// installation to another. What they agree to here comes with CreateGrant.
type Consents interface {
	// RealmConsents lists all that the users of a realm have agreed to, by subject
	// and client. Where that is more than limit scopes and resources it gives
	// none of it, and whole is false.
	RealmConsents(ctx context.Context, realm string, limit int) (consents []Consent, whole bool, err error)
	// AddConsents adds in one step what is not agreed to yet, and leaves alone
	// what is. It says to how many of the consents it added something.
	AddConsents(ctx context.Context, consents []Consent) (added int, err error)
}
