package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// realmsAnswer is every realm of the process.
type realmsAnswer struct {
	// Realms are those of the configuration, in its order.
	Realms []realmAnswer `json:"realms"`
}

// realmAnswer is a realm as it is now, and where that comes from.
type realmAnswer struct {
	// Name is that of the configuration.
	Name string `json:"name"`

	// Issuer is that of the configuration.
	Issuer string `json:"issuer"`

	// Disabled says whether the realm is out of service.
	Disabled bool `json:"disabled"`

	// Grants are all grant types, and whether the realm allows them.
	Grants map[string]switchAnswer `json:"grants"`

	// JSONAuthenticate says whether /json/…/authenticate is on.
	JSONAuthenticate switchAnswer `json:"json_authenticate"`

	// Version is another one after each change of the switches; absent as long as
	// there was none.
	Version int64 `json:"version,omitempty"`

	// Updated is when something was switched last.
	Updated time.Time `json:"updated,omitzero"`
}

// switchAnswer is how one thing stands.
type switchAnswer struct {
	// On says whether it is allowed.
	On bool `json:"on"`

	// Source is `config`, or `store` where an operator has switched it.
	Source string `json:"source"`
}

// realmSwitches are what an operator switches. What is left out is as the
// configuration says.
type realmSwitches struct {
	// Disabled takes the realm out of service: its endpoints answer 503, and its
	// tokens are refused. Default: false.
	Disabled bool `json:"disabled,omitempty"`

	// Grants switches grant types on or off.
	Grants map[string]bool `json:"grants,omitempty"`

	// JSONAuthenticate switches /json/…/authenticate on or off.
	JSONAuthenticate *bool `json:"json_authenticate,omitempty"`
}

// listRealms answers GET /oauth2/realms.
func listRealms(app *App, r *http.Request) (any, error) {
	answer := realmsAnswer{Realms: []realmAnswer{}}
	server := app.serving(r.Context())
	if server == nil && len(app.Realms) > 0 {
		return nil, apiError(http.StatusServiceUnavailable, errNotReady)
	}
	for i := range app.config.Realms {
		if found, ok := server.Realm(app.config.Realms[i].Name); ok {
			answer.Realms = append(answer.Realms, shownRealm(found))
		}
	}
	return answer, nil
}

// switchRealm answers PUT /oauth2/realms/switches?realm=NAME&version=N with the
// realm.
func switchRealm(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	version, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	var request *realmSwitches
	if err := readBody(r, &request, "disabled, grants and json_authenticate"); err != nil {
		return nil, err
	}
	if request == nil {
		// Nothing would take a realm that is disabled back into service.
		return nil, badRequest("say how all switches shall stand; {} is as the configuration says")
	}
	switches := store.Switches{
		Realm: c.realm.Name, Version: version, Disabled: request.Disabled,
		Grants: request.Grants, JSONAuthenticate: request.JSONAuthenticate,
	}
	if err := c.realm.CheckSwitches(switches); err != nil {
		return nil, badRequest(err.Error())
	}
	_, err = c.Switch(r.Context(), switches)
	if errors.Is(err, store.ErrConflict) {
		return nil, apiError(http.StatusConflict, fmt.Errorf("realm %s was switched meanwhile: its version is another; read it again", c.realm.Name))
	}
	if err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	app.tellChange(r, audit.RealmSwitched, c.realm.Name, "")
	return shownRealm(c.realm), nil
}

// shownRealm is a realm as operators see it.
func shownRealm(r *realm.Realm) realmAnswer {
	switches := r.Book.Switches()
	source := func(switched bool) string {
		if switched {
			return sourceStore
		}
		return sourceConfig
	}
	answer := realmAnswer{
		Name: r.Name, Issuer: r.Issuer, Disabled: r.Disabled(), Grants: map[string]switchAnswer{},
		JSONAuthenticate: switchAnswer{r.JSONAuthenticates(), source(switches.JSONAuthenticate != nil)},
		Version:          switches.Version, Updated: switches.Updated,
	}
	for _, grant := range registration.Grants() {
		_, switched := switches.Grants[grant]
		answer.Grants[grant] = switchAnswer{r.AllowsGrantType(grant), source(switched)}
	}
	return answer
}
