package caddymodule

import (
	"context"
	"errors"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// maxDenials bounds the deny-list, which every node holds in memory.
const maxDenials = 100_000

var errNoDenyList = errors.New("there is no deny-list: it is kept in the store, which a gateway without realms opens only when asked to; " +
	"add the line `deny_list` to the global option oauth2 { }")

// hasDenyList says whether operators can revoke here. Other features may open the
// store too; a list that only some routes would ask must not be there.
func (a *App) hasDenyList() bool { return a.backend != nil && (a.DenyList || len(a.Realms) > 0) }

// denyList is what operators have revoked; nil when there is no store that could
// remember it.
func (a *App) denyList() *introspect.DenyList {
	if !a.hasDenyList() {
		return nil
	}
	return a.backend.denied
}

// followDenials fills the deny-list from the store, now and with every change.
func followDenials(ctx context.Context, backend *authserver.Backend, list *introspect.DenyList) error {
	return backend.Denials().Follow(ctx, func(changes []store.Denial) {
		entries := make([]introspect.Denial, len(changes))
		for i, change := range changes {
			entries[i] = enforced(change)
		}
		list.Apply(entries)
	})
}

// enforced is an entry of the store as introspect takes it.
func enforced(d store.Denial) introspect.Denial {
	return introspect.Denial{
		ID: d.ID(), Kind: introspect.DenialKind(d.Kind), Value: d.Value, Issuer: d.Issuer,
		NotBefore: d.NotBefore, Expires: d.Expires, Created: d.Created, Removed: d.Removed,
	}
}
