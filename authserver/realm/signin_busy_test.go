package realm_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// Too many at once is our fault and no wrong password: whoever comes is told to
// come back, and not at once.
func TestWhoComesWhileTooManySignInIsToldToComeBackLater(t *testing.T) {
	w := realmtest.New(t)
	w.Staff.Fail(hashing.ErrBusy)
	_, _, err := w.Realm.SignIn(t.Context(), realm.Attempt{Service: "staff", Username: "demo", Password: oauth.NewSecret("Ch4ng31t")})
	if answer := oauth.AsError(err); err == nil || answer.Status != http.StatusServiceUnavailable || answer.RetryAfter != 10*time.Second {
		t.Errorf("%v", err)
	}
	w.Observer.WantTold(t)
}
