package realm

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Settle waits until a second is over: what begins after it is spared by a
// revocation up to that second. So is whatever people do when told that it is done.
func (r *Realm) Settle(ctx context.Context, second time.Time) {
	if left := time.Unix(second.Unix()+1, 0).Sub(r.Now()); left > 0 {
		r.wait(ctx, left)
	}
}

// wait lets a while pass, unless ctx ends before.
func wait(ctx context.Context, while time.Duration) {
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// grantPage is how many grants are read at once.
const grantPage = 100

// RevokeWhole ends all of a reach. Of a session that is more than a sign-out ends:
// whoever says "this was not me" means what outlives it, too (offline_access). Cut
// off, it ends the rest when it is asked again.
func (r *Realm) RevokeWhole(ctx context.Context, reach store.Reach, now time.Time) (store.Ended, error) {
	reach.Realm = r.Name
	ended, err := r.Revocations.RevokeAll(ctx, reach, now)
	if err != nil || reach.SessionID == "" {
		return ended, err
	}
	for after := ""; ; {
		grants, err := r.Store.Grants(ctx, reach, after, grantPage)
		if err != nil {
			return ended, err
		}
		for i := range grants {
			after = grants[i].ID
			if grants[i].State == store.GrantRevoked || !grants[i].Outlives() {
				continue
			}
			if err := r.Revocations.RevokeGrant(ctx, r.Name, after, now); err != nil {
				return ended, err
			}
			ended.Grants++
		}
		if len(grants) < grantPage {
			return ended, nil
		}
	}
}
