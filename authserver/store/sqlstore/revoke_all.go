package sqlstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// An entry that is there already moves on: it says the later times.
	putRevocation = `INSERT INTO revocations (position, realm, kind, item, not_before, expires, sweep)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (realm, kind, item) DO UPDATE SET position = excluded.position, sweep = excluded.sweep,
			not_before = CASE WHEN revocations.not_before > excluded.not_before THEN revocations.not_before ELSE excluded.not_before END,
			expires = CASE WHEN revocations.expires > excluded.expires THEN revocations.expires ELSE excluded.expires END`

	deleteSubjectSessions = `DELETE FROM sessions WHERE realm = ? AND subject = ? AND subject <> ''`
	deleteSessionByID     = `DELETE FROM sessions WHERE realm = ? AND id = ? AND id <> ''`
	deleteConsent         = `DELETE FROM consents WHERE realm = ? AND subject = ? AND client_id = ?`
)

// endPage is how many grants end in one step: others get in between.
const endPage = 500

// RevokeAll ends all grants of a reach.
func (s *Store) RevokeAll(ctx context.Context, r store.Reach, now time.Time) (store.Ended, error) {
	entry := r.Revocation(now)
	if entry.Kind == 0 {
		return store.Ended{}, verdict("revoke all", errors.New("nothing is named, or too much"))
	}
	whatever := ender{reach: r, began: never, notBefore: seconds(entry.NotBefore), now: now}
	type first struct {
		ended store.Ended
		page  page
	}
	done, err := write(ctx, s, "revoke all", func(q querier) (done first, err error) {
		if err = noteLogouts(q, r, now); err != nil {
			return done, err
		}
		if done.ended, err = endOthers(q, r); err != nil {
			return done, err
		}
		// Grants first, then the counter of the log: in the order of all other
		// steps, for two that lock in different orders stop each other.
		if done.page, err = whatever.page(q, ""); err != nil {
			return done, err
		}
		return done, putEntry(q, entry, now)
	})
	if err != nil {
		return store.Ended{}, err
	}
	more, err := s.endBelow(ctx, whatever, done.page.next)
	done.ended.Grants = done.page.ended + more
	return done.ended, err
}

// endOthers ends what is no grant: sessions, and what the user has agreed to.
func endOthers(q querier, r store.Reach) (ended store.Ended, err error) {
	var n int64
	switch r.Kind() {
	case store.RevokedSubject:
		n, err = q.exec(deleteSubjectSessions, r.Realm, r.Subject)
		ended.Sessions = int(n)
	case store.RevokedSession:
		n, err = q.exec(deleteSessionByID, r.Realm, r.SessionID)
		ended.Sessions = int(n)
	case store.RevokedConsent:
		n, err = q.exec(deleteConsent, r.Realm, r.Subject, r.ClientID)
		ended.Consent = n > 0
	}
	return ended, err
}

// putEntry writes the entry that ends the tokens.
func putEntry(q querier, entry store.Revocation, now time.Time) error {
	item := entry.Key
	if entry.Kind == store.RevokedConsent {
		item = joinPair(entry.Key, entry.ClientID)
	}
	var position int64
	if err := q.row(nextPosition).Scan(&position); err != nil {
		return err
	}
	_, err := q.exec(putRevocation, position, entry.Realm, int64(entry.Kind), item,
		seconds(entry.NotBefore), seconds(entry.Expires), seconds(now.Add(sweepAfter)))
	return err
}

// ender ends grants of a reach that began up to a second.
type ender struct {
	reach store.Reach
	began int64
	// notBefore is what the entry of the log says: a grant that began after it, by
	// the clock of another node, is logged by itself. 0 is an entry for all.
	notBefore int64
	now       time.Time
}

// page is how many grants of a page were ended. next is the id that the page
// after it is below, "" when there is none.
type page struct {
	ended int
	next  string
}

// page ends those of the newest grants of the reach, or of those below an id.
func (e ender) page(q querier, below string) (done page, err error) {
	find, args, err := statementsOf(e.reach)
	if err != nil {
		return page{}, err
	}
	ids, err := pageOfIDs(q, find, args, below)
	if err != nil || len(ids) == 0 {
		return page{}, err
	}
	oldest, newest := ids[len(ids)-1], ids[0]
	if len(ids) == endPage {
		done.next = oldest
	}
	type grant struct {
		id      string
		purgeAt int64
	}
	var ahead []grant
	err = q.each(func(row scanner) error {
		var g grant
		var since int64
		err := row.Scan(&g.id, &since, &g.purgeAt)
		done.ended++
		if e.notBefore > 0 && since > e.notBefore {
			ahead = append(ahead, g)
		}
		return err
	}, find.end, append(slices.Clone(args), oldest, newest, e.began)...)
	for i := 0; i < len(ahead) && err == nil; i++ {
		err = logEnd(q, e.reach.Realm, ahead[i].id, ahead[i].purgeAt, e.now)
	}
	return done, err
}

func pageOfIDs(q querier, find reach, args []any, below string) (ids []string, err error) {
	text, args := find.ids, slices.Clone(args)
	if below != "" {
		text, args = find.idsAfter, append(args, below)
	}
	err = q.each(func(row scanner) error {
		var id string
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	}, text, append(args, int64(endPage))...)
	return ids, err
}

// endBelow ends the pages below an id, each in a step of its own.
func (s *Store) endBelow(ctx context.Context, e ender, below string) (ended int, err error) {
	for below != "" {
		done, err := write(ctx, s, "end grants", func(q querier) (page, error) { return e.page(q, below) })
		if err != nil {
			return ended, err
		}
		ended, below = ended+done.ended, done.next
	}
	return ended, nil
}
