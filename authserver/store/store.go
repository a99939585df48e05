package store

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotFound is a row that is not there, has expired, or is not in the
	// state that the step needs.
	ErrNotFound = errors.New("not found")
	// ErrExists is an id that is already taken: the step was done before.
	ErrExists = errors.New("already exists")
	// ErrReplayed is a code or refresh token used again by its own client after
	// it was spent. The family is already revoked, and stays so, when a caller
	// sees this error.
	ErrReplayed = errors.New("replayed: the family is revoked")
)

// Store is the memory of the authorization server. Every method is one atomic
// step, durable when it returns without error. Any error but the three above,
// ErrConflict, ErrTooManyCredentials, ErrNoBackup and ErrBackupRuns means that the store cannot answer
// now: callers fail closed with 503. Times
// are kept in whole seconds. Implementations are safe for concurrent use.
type Store interface {
	Attempts
	Accounts
	Audit
	Backups
	Clocks
	Clients
	Consents
	Credentials
	Realms
	Logs
	Logouts

	// CreateGrant stores a new grant, and with it, when consent is not nil, what
	// the user agreed to (merged into what is remembered already). ErrExists
	// when the grant's id is taken: a consent form works once.
	CreateGrant(ctx context.Context, grant Grant, consent *Consent) error
	// Grant reads one grant, whatever its state. ErrNotFound when there is none.
	Grant(ctx context.Context, realm, id string) (Grant, error)
	// RedeemCode turns the code of a grant into its first tokens, once. Of
	// racing calls one succeeds, all others get ErrReplayed, which has revoked
	// the family. ErrNotFound for a code that is unknown, expired, of another
	// client or of a grant revoked before it was redeemed.
	RedeemCode(ctx context.Context, redemption Redemption) error
	// RotateRefresh spends one generation of a grant's refresh token. It returns
	// the generation that is current after the step, which is the one to hand
	// out. A retry of the immediate predecessor within the grace gets the same
	// generation again without a write. ErrReplayed for older generations after
	// the grace, ErrNotFound for everything else that cannot be rotated. See
	// Rotation for the order of the decisions.
	RotateRefresh(ctx context.Context, rotation Rotation) (generation uint32, err error)
	// TouchRefresh is RotateRefresh for clients whose refresh tokens do not
	// rotate: it checks the same conditions for the presented generation and
	// moves the idle expiry when that gains more than a tenth of its span. It gives
	// the generation that is current, as RotateRefresh does.
	TouchRefresh(ctx context.Context, rotation Rotation) (generation uint32, err error)

	Revocations
	Overview
	SeenAccounts

	// PutDenial puts an entry on the deny-list, in the place of one with the same
	// ID if there is one.
	PutDenial(ctx context.Context, denial Denial) error
	// DeleteDenial takes an entry off the deny-list. ErrNotFound when it is not
	// there.
	DeleteDenial(ctx context.Context, id string) error
	// Denials reads what has changed on the deny-list after a position (0: all of
	// it), oldest change first, removals included, and gives the position to go on
	// from. No change becomes visible behind a position that was given out.
	Denials(ctx context.Context, after int64) (changes []Denial, next int64, err error)
	// Spend uses up what may be used once, such as the jti of a DPoP proof.
	// ErrExists when it was used before, or when that can no longer be told: ids
	// are forgotten once they have expired, and what would expire before one that
	// is forgotten already is refused, whatever the clocks say.
	Spend(ctx context.Context, id string, expires time.Time) error

	// CreateSession stores a new session and ends the one whose digest is
	// replaces ("" for none) in the same step: ids rotate at sign-in.
	CreateSession(ctx context.Context, session Session, replaces string) error
	// Session reads a live session by the digest of its cookie.
	Session(ctx context.Context, realm, digest string, now time.Time) (Session, error)
	// TouchSession moves the idle expiry of a live session.
	TouchSession(ctx context.Context, realm, digest string, idleExpires, now time.Time) error
	// EndSession removes a session. An unknown one is no error.
	EndSession(ctx context.Context, realm, digest string) error

	// Consent reads what a user has agreed to for one client. ErrNotFound when
	// that is nothing.
	Consent(ctx context.Context, realm, subject, clientID string) (Consent, error)

	Keys

	// Remember stores a value under a name unless there is one already, and
	// returns what is stored afterwards.
	Remember(ctx context.Context, name, value string) (stored string, err error)
	// Lease takes or renews a named lease for owner until a time, unless
	// another owner holds it now.
	Lease(ctx context.Context, name, owner string, until, now time.Time) (held bool, err error)
	// DeleteExpired removes up to limit rows a table that nothing can need any
	// more, and finishes what RevokeAll could not: it says how many rows it
	// removed or ended.
	DeleteExpired(ctx context.Context, now time.Time, limit int) (deleted int, err error)

	// Changed tells that another node may have changed something, sooner than a
	// reader who asks every second would notice. It is a hint: it can come late,
	// twice or never. It is nil where only this process writes.
	Changed() <-chan struct{}

	// Ping says whether the store can answer now.
	Ping(ctx context.Context) error
	// Close ends all use of the store.
	Close() error
}
