package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	selectSweep = `SELECT position, realm, kind, item, not_before FROM revocations
		WHERE sweep > 0 AND sweep <= ? ORDER BY sweep LIMIT 1`

	// The position is another one when the same was revoked again meanwhile.
	finishSweep = `UPDATE revocations SET sweep = 0 WHERE position = ?`
)

const (
	// sweepAfter is when everything that was being granted while a reach was
	// revoked is there, and the reach is looked through once more.
	sweepAfter = time.Minute
	// sweeps bounds how many reaches are looked through in a row.
	sweeps = 100
)

// sweep looks through what was revoked a while ago once more: for grants that
// were being made at that moment, and for all of them when the node that revoked
// them did not come to the end. Until it has, the entries stay in the log.
func (s *Store) sweep(ctx context.Context, now time.Time) (ended int, err error) {
	for range sweeps {
		var position int64
		var e ender
		var kind store.RevocationKind
		var item string
		err := s.engine.read(ctx).row(selectSweep, seconds(now)).Scan(&position, &e.reach.Realm, &kind, &item, &e.notBefore)
		if errors.Is(err, sql.ErrNoRows) {
			return ended, nil
		}
		if err != nil {
			return ended, verdict("read the revocation log", err)
		}
		e.now, e.began = now, e.notBefore
		switch kind {
		case store.RevokedSubject:
			e.reach.Subject = item
		case store.RevokedClient:
			e.reach.ClientID = item
		case store.RevokedConsent:
			e.reach.Subject, e.reach.ClientID = splitPair(item)
		case store.RevokedSession:
			e.reach.SessionID, e.began = item, never
		}
		n, err := s.sweepOne(ctx, e, position)
		ended += n
		if err != nil {
			return ended, err
		}
	}
	return ended, nil
}

func (s *Store) sweepOne(ctx context.Context, e ender, position int64) (int, error) {
	newest, err := write(ctx, s, "end grants", func(q querier) (page, error) { return e.page(q, "") })
	if err != nil {
		return 0, err
	}
	more, err := s.endBelow(ctx, e, newest.next)
	ended := newest.ended + more
	if err != nil {
		return ended, err
	}
	return ended, change(ctx, s, "finish a revocation", func(q querier) error {
		_, err := q.exec(finishSweep, position)
		return err
	})
}
