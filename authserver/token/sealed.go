package token

import (
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Sealed says whether an opaque access token names a key of this realm: then
// this realm is the one to open it, and to say what is wrong with it.
func (m *Minter) Sealed(token oauth.Secret) bool {
	fields, ok := strings.CutPrefix(token.Reveal(), accessPrefix)
	keyID, _, _ := strings.Cut(fields, "_")
	_, known := m.ring.SecretByID(store.KeyAccess, keyID)
	return ok && known
}
