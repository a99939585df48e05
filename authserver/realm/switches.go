package realm

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// ErrDisabled answers for a realm that an operator has taken out of service.
var ErrDisabled = &oauth.Error{
	Code: oauth.CodeTemporarilyUnavailable, Status: http.StatusServiceUnavailable, RetryAfter: time.Minute,
	Description: "This realm is out of service: its operator has disabled it.",
}

// Disabled says whether an operator has taken the realm out of service. Its
// endpoints answer ErrDisabled, and its tokens are refused.
func (r *Realm) Disabled() bool { return r.Book.switches.Load().Disabled }

// JSONAuthenticates says whether /json/…/authenticate is on.
func (r *Realm) JSONAuthenticates() bool {
	if on := r.Book.switches.Load().JSONAuthenticate; on != nil {
		return *on && r.passwordIsEnough()
	}
	return r.JSONAuthenticate
}

// AllowsGrantType says whether the realm allows a grant type: as it was switched,
// else as configured.
func (r *Realm) AllowsGrantType(grantType string) bool {
	if on, switched := r.Book.switches.Load().Grants[grantType]; switched {
		return on && (grantType != oauth.GrantPassword || r.passwordIsEnough())
	}
	return slices.Contains(r.Grants, grantType)
}

// GrantTypes are those that the realm allows now.
func (r *Realm) GrantTypes() []string {
	if len(r.Book.switches.Load().Grants) == 0 {
		return r.Grants
	}
	return slices.DeleteFunc(registration.Grants(), func(grant string) bool { return !r.AllowsGrantType(grant) })
}

// AllowsGrant says whether both the realm and the client allow a grant type.
func (r *Realm) AllowsGrant(client *store.Client, grantType string) bool {
	return client.Allows(grantType) && r.AllowsGrantType(grantType)
}

// CheckSwitches refuses what cannot work in the realm, in words that say how to
// mend it.
func (r *Realm) CheckSwitches(switches store.Switches) error {
	changed := r.Settings
	if on := switches.JSONAuthenticate; on != nil {
		changed.JSONAuthenticate = *on
	}
	changed.Grants = slices.Clone(r.Grants)
	rules := r.rules()
	for grant, on := range switches.Grants {
		if err := registration.CheckGrant(grant); err != nil {
			return fmt.Errorf("grants: %w", err)
		}
		if err := rules.CheckUsers(grant); on && err != nil {
			return fmt.Errorf("grants: the realm %w", err)
		}
		if on {
			changed.Grants = append(changed.Grants, grant)
		}
	}
	if err := changed.checkSecondFactor(); err != nil {
		return err
	}
	if switches.JSONAuthenticate != nil && *switches.JSONAuthenticate && r.DefaultService == "" {
		return fmt.Errorf("json_authenticate: realm %s has no authentication service that says who the users are; declare one with: authentication NAME file PATH", r.Name)
	}
	return nil
}
