package browser

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Forms authenticates form tokens with the realm's keys as they are now: a
// form that was open while its key was replaced can still be sent.
type Forms struct{ ring *keys.Ring }

// Issue is pages.FormKey.Issue with the active key.
func (k Forms) Issue(claim pages.FormClaim, expires time.Time) oauth.Secret {
	return pages.FormKey(k.ring.Secret(store.KeyForm).Key).Issue(claim, expires)
}

// Check is pages.FormKey.Check with each of the keys that are accepted.
func (k Forms) Check(token oauth.Secret, want pages.FormClaim, now time.Time) (id string, ok bool) {
	for _, key := range k.ring.Secrets(store.KeyForm) {
		if id, ok = pages.FormKey(key.Key).Check(token, want, now); ok {
			return id, true
		}
	}
	return "", false
}
