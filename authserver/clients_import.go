package authserver

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Import stores a client as it was elsewhere, with its secrets and the time at
// which it was created there. before is the client in whose place it comes, nil
// for none; codes end as Replace ends them. store.ErrExists and store.ErrConflict
// when there is another than that.
func (c *Clients) Import(ctx context.Context, realmName string, written registration.Client, secrets []store.StoredSecret, created time.Time, before *store.StoredClient) error {
	row, err := c.row(realmName, written)
	if err != nil {
		return err
	}
	row.Secrets, row.Created = secrets, created
	return c.change(ctx, func() error {
		if before == nil {
			_, err := c.store.CreateClient(ctx, row)
			return err
		}
		row.Version = before.Version
		_, err := c.store.RestoreClient(ctx, row, c.codesFrom(*before, &written))
		return err
	})
}
