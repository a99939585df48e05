package realm

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

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
