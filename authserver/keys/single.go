package keys

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OpenSingle gives the symmetric key of a purpose that is of no realm, and makes
// it when there is none. Nodes that do so at the same time end with the same key.
func OpenSingle(ctx context.Context, st store.Store, wrapper *Wrapper, purpose store.KeyPurpose, now time.Time) (Secret, error) {
	key, err := newKey(wrapper, "", purpose, algorithmHMAC, now)
	if err != nil {
		return Secret{}, fmt.Errorf("make the %s key: %w", purpose, err)
	}
	// The store gives the one that is there, if one is.
	if key, err = st.CreateKey(ctx, key); err != nil {
		return Secret{}, fmt.Errorf("store the %s key: %w", purpose, err)
	}
	secret, err := wrapper.unwrap(key)
	if err != nil {
		return Secret{}, fmt.Errorf("the %s key %s cannot be opened: %w", purpose, key.ID, err)
	}
	return Secret{ID: key.ID, Key: secret}, nil
}
