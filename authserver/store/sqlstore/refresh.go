package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// advanceRefresh spends the presented generation (RFC 9700 §4.14.2): of racing
// calls one finds it current. One above the current generation carries our MAC
// too: the store has lost a commit since, and the family moves on from there.
// The row's end is indexed, so it moves only when it has to (lag): all other
// rotations touch no index, and PostgreSQL keeps them within the row's page.
const advanceRefresh = `UPDATE grants
	SET rotated_at = CASE WHEN generation < ? THEN ? ELSE rotated_at END, generation = ?,
		idle_expires = ?, purge_at = CASE WHEN purge_at < ? THEN ? ELSE purge_at END
	WHERE realm = ? AND id = ? AND client_id = ? AND state = 1
		AND generation > 0 AND generation <= ? AND idle_expires > ? AND expires > ?
	RETURNING generation`

// revokeReused ends the family of a refresh token that was used again, unless
// it has moved on or ended since it was judged.
const revokeReused = `UPDATE grants SET state = 2
	WHERE realm = ? AND id = ? AND client_id = ? AND state = 1 AND generation = ?
	RETURNING purge_at`

// honestRace is how late the loser of an honest race may come when there is no
// grace: it gets nothing, and its family lives.
const honestRace = 5 * time.Second

// RotateRefresh spends one generation of a grant's refresh token.
func (s *Store) RotateRefresh(ctx context.Context, r store.Rotation) (generation uint32, err error) {
	if r.Generation == math.MaxUint32 {
		return 0, store.ErrNotFound
	}
	return write(ctx, s, "rotate a refresh token", func(q querier) (uint32, error) {
		return advance(q, r, r.Generation+1)
	})
}

// TouchRefresh uses a refresh token that does not rotate. Such a use decides
// nothing that may happen only once, so most are a read.
func (s *Store) TouchRefresh(ctx context.Context, r store.Rotation) (generation uint32, err error) {
	grant, err := s.Grant(ctx, r.Realm, r.GrantID)
	if err != nil {
		return 0, err
	}
	if usable(&grant, &r) && grant.Generation == r.Generation && !worthTouching(&grant, &r) {
		return grant.Generation, nil
	}
	return write(ctx, s, "touch a refresh token", func(q querier) (uint32, error) {
		return advance(q, r, r.Generation)
	})
}

// advance makes next the current generation where r may do so.
func advance(q querier, r store.Rotation, next uint32) (generation uint32, err error) {
	now, purge := seconds(r.Now), seconds(r.PurgeAt)
	err = q.sole(advanceRefresh,
		int64(next), now, int64(next), end(r.IdleExpires), purge-lag(now, purge), purge,
		r.Realm, r.GrantID, r.ClientID, int64(r.Generation), now, now).Scan(&generation)
	if errors.Is(err, sql.ErrNoRows) {
		return refuseRefresh(q, r)
	}
	return generation, err
}

// refuseRefresh acts on a refresh token that is not the current one.
func refuseRefresh(q querier, r store.Rotation) (generation uint32, err error) {
	grant, err := scanGrant(q.row(selectGrant, r.Realm, r.GrantID))
	if err != nil {
		return 0, err
	}
	switch judge(&grant, &r) {
	case retried:
		return grant.Generation, nil
	case reused:
		var purgeAt int64
		err := q.row(revokeReused, r.Realm, r.GrantID, r.ClientID, int64(grant.Generation)).Scan(&purgeAt)
		if err != nil {
			return 0, err
		}
		if err := logEnd(q, r.Realm, r.GrantID, purgeAt, r.Now); err != nil {
			return 0, err
		}
		return 0, store.ErrReplayed
	default:
		return 0, store.ErrNotFound
	}
}

// judgement is what a refresh token that cannot be advanced deserves.
type judgement int

const (
	refused judgement = iota
	// retried is the immediate predecessor, its answer perhaps lost.
	retried
	// reused is a token that its client had given up for a newer one.
	reused
)

// judge decides in the order that store.Rotation gives.
func judge(grant *store.Grant, r *store.Rotation) judgement {
	if !usable(grant, r) || r.Generation == 0 || r.Generation >= grant.Generation {
		return refused
	}
	// The grace counts from the rotation, and nothing extends it.
	within := func(grace time.Duration) bool { return r.Now.Before(grant.RotatedAt.Add(grace)) }
	predecessor := r.Generation == grant.Generation-1
	switch {
	case predecessor && within(r.Grace):
		return retried
	case predecessor && r.Grace == 0 && within(honestRace):
		return refused
	case within(r.Grace):
		return refused
	}
	return reused
}

// usable says whether the family can be refreshed at all by this client.
func usable(grant *store.Grant, r *store.Rotation) bool {
	over := func(end time.Time) bool { return !end.IsZero() && !r.Now.Before(end) }
	return grant.ClientID == r.ClientID && grant.State == store.GrantActive &&
		!over(grant.IdleExpires) && !over(grant.Expires)
}

// lag is by how much the end of a row may stay behind the one asked for. Callers
// set PurgeAt a tenth of its span beyond what the row has to cover.
func lag(now, purge int64) int64 { return max(0, purge-now) / 11 }

// worthTouching says whether the idle expiry gains more than a tenth of its
// span, or the row would end before what is issued now.
func worthTouching(grant *store.Grant, r *store.Rotation) bool {
	now := seconds(r.Now)
	idle, purge := end(r.IdleExpires), seconds(r.PurgeAt)
	return idle-end(grant.IdleExpires) > (idle-now)/10 || seconds(grant.PurgeAt) < purge-lag(now, purge)
}
