package store

import (
	"context"
	"errors"
	"time"
)

// ErrConflict is a change that was made to something else than what is there
// now: read it again, and decide again.
var ErrConflict = errors.New("changed meanwhile")

// MaxClientSecrets is how many secrets a stored client has at most: the one in
// use, and the next.
const MaxClientSecrets = 2

// StoredClient is a client that was registered while the server runs, as it
// lies in the store: what its operator wrote, and apart from it what
// authenticates it.
type StoredClient struct {
	Realm, ID string
	// Version is another one after each change.
	Version int64
	// Registration is the JSON document of package registration, without
	// secrets.
	Registration string
	// Secrets are up to MaxClientSecrets, oldest first.
	Secrets []StoredSecret
	Created time.Time
	// Updated is when Registration was written.
	Updated time.Time
	// Removed says that the client is gone, and its registration and secrets with
	// it.
	Removed bool
}

// StoredSecret is one secret of a stored client.
type StoredSecret struct {
	// ID names it to operators. It says nothing of the secret.
	ID      string
	Digest  SecretDigest
	Created time.Time
	// Expires is when it authenticates no more; zero means never.
	Expires time.Time
	// LastUsed is when it last authenticated the client, give or take an hour;
	// zero means never.
	LastUsed time.Time
}

// Clients are the steps of the clients that live in the store. Each change takes
// a new position, from which other nodes hear of it; that is the version, too.
type Clients interface {
	// CreateClient stores a new client with its secrets, and gives its version.
	// ErrExists when the realm has one with its id.
	CreateClient(ctx context.Context, client StoredClient) (version int64, err error)
	// ReplaceClient puts another registration in the place of the one that has
	// client.Version, or of any when that is 0, and gives the new version. The
	// secrets stay. With codesFrom it ends in the same step the codes of the client
	// that wait to be redeemed, in the grants from that id on (CL11). ErrConflict
	// when the version is another, ErrNotFound when there is no such client.
	ReplaceClient(ctx context.Context, client StoredClient, codesFrom string) (version int64, err error)
	// RestoreClient is ReplaceClient that puts client.Secrets in the place of the
	// secrets, too.
	RestoreClient(ctx context.Context, client StoredClient, codesFrom string) (version int64, err error)
	// DeleteClient removes the client that has this version, or any when it is 0,
	// with its secrets, and revokes all that it was given, as RevokeAll does. What is left of it is deleted some time after now, when
	// every node has heard. ErrConflict and ErrNotFound as above.
	DeleteClient(ctx context.Context, realm, id string, version int64, now time.Time) error

	// AddSecret gives a client one more secret, in the place of those that have
	// expired by secret.Created. ErrExists when it has MaxClientSecrets,
	// ErrNotFound when there is no such client.
	AddSecret(ctx context.Context, realm, id string, secret StoredSecret) error
	// RemoveSecret takes a secret off a client. ErrNotFound when it is not there.
	RemoveSecret(ctx context.Context, realm, id, secretID string) error
	// TouchSecret notes that a secret was used, unless a later use is known. No
	// node hears of it, and the version stays.
	TouchSecret(ctx context.Context, realm, id, secretID string, used time.Time) error

	// StoredClient reads a client. ErrNotFound when there is none.
	StoredClient(ctx context.Context, realm, id string) (StoredClient, error)
	// StoredClients lists up to limit clients of a realm by id, those after one.
	StoredClients(ctx context.Context, realm, after string, limit int) ([]StoredClient, error)
	// ClientChanges reads what has changed after a position (0: all clients),
	// oldest change first, removals included, and gives the position to go on
	// from. No change becomes visible behind a position that was given out.
	ClientChanges(ctx context.Context, after int64) (changes []StoredClient, next int64, err error)
}
