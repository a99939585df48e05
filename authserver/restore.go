package authserver

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// ProofMemory is how long after its iat a DPoP proof is remembered: the longest
// that it may be used, with the clocks of both sides wrong by the most that is
// forgiven.
const ProofMemory = 7 * time.Minute

// Backup makes a copy of the store. store.ErrNoBackup when it cannot.
func (b *Backend) Backup(ctx context.Context) (*store.Backup, error) {
	return b.store.Backup(ctx, b.now())
}

// Restored makes a store safe that was restored from a copy: codes that were
// issued before are void, and proofs that were made before are refused.
func (b *Backend) Restored(ctx context.Context) (store.Restoration, error) {
	return b.restored(ctx, false)
}

// seeToRestore does the same, once, when the store is a backup that was put back.
func (b *Backend) seeToRestore(ctx context.Context) error {
	if _, err := b.restored(ctx, true); err != nil {
		return fmt.Errorf("looking whether the store was restored from a backup: %w", err)
	}
	return nil
}

func (b *Backend) restored(ctx context.Context, marked bool) (store.Restoration, error) {
	now := b.now()
	done, err := b.store.Restored(ctx, marked, now.Add(ProofMemory), now)
	if err != nil || !done.Done {
		return done, err
	}
	line := b.log
	if !done.Made.IsZero() {
		line = line.With("backup_made", done.Made)
	}
	line.Warn("the store was restored from a copy: codes issued before are void, and so are proofs made before; " +
		"access tokens and sessions that were ended after the copy was made may live again until they expire")
	return done, nil
}
