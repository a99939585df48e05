package authserver

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// seeToLoss has all logs read from their start when one ends before what was read
// of it: a standby that was behind has taken over, or a copy was put back under a
// node that runs. What is written from then on takes positions that were read
// already, and nobody would hear of it.
func (b *Backend) seeToLoss(ctx context.Context) error {
	// First what was read: meanwhile logs only grow.
	read := store.LogEnds{
		Revocations: b.revocations.Position(), Denials: b.denials.heard(), Keys: b.rings.position,
	}
	read.Clients, read.Realms = b.clients.positions()
	ends, err := b.store.LogEnds(ctx)
	if err != nil || !ends.Before(read) {
		return err
	}
	b.log.Warn("the database has lost changes that were committed, as a standby does that was behind when it took over; " +
		"everything is read again. What was revoked or changed right before may have to be done once more")
	b.revocations.Rewind()
	b.denials.rewind()
	b.clients.rewind()
	b.rings.position = 0
	return nil
}
