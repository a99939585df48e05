package authserver

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 9449 §8 and §11.1

// Spend uses up what may be used once, such as the jti of a DPoP proof, for all
// nodes. store.ErrExists when it was used before.
func (b *Backend) Spend(ctx context.Context, id string, expires time.Time) error {
	return b.store.Spend(ctx, id, expires)
}

// NonceKey is the key that the nonces of DPoP proofs are made with: the same on
// all nodes and after a restart. It is read once, and again when it changes.
func (b *Backend) NonceKey(ctx context.Context) ([]byte, error) {
	ring, err := b.single(ctx, nonceRealm, keys.NonceKind)
	if err != nil {
		return nil, err
	}
	return ring.Secret(store.KeyNonce).Key, nil
}
