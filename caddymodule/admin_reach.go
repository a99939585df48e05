package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// defaultRealm is the one that is meant when none is named.
	defaultRealm = "/"
	// maxReachName bounds each name of what is listed or revoked, in bytes.
	maxReachName = 1024
)

var errNoRealm = errors.New("the running configuration has no realm: this is for the tokens of the server in this process; " +
	"those of other issuers are revoked by POST /oauth2/deny (caddy oauth2-deny)")

// withRealm lets f work with a realm of the running configuration, the root realm
// when name is "".
func (a *App) withRealm(ctx context.Context, name string, f func(*realm.Realm) (any, error)) (any, error) {
	if name == "" {
		name = defaultRealm
	}
	return a.withRealms(ctx, name, func(realms []*realm.Realm) (any, error) { return f(realms[0]) })
}

// withRealms lets f work with the realm of this name, or with all when it is "".
func (a *App) withRealms(ctx context.Context, name string, f func([]*realm.Realm) (any, error)) (any, error) {
	if len(a.config.Realms) == 0 {
		return nil, apiError(http.StatusConflict, errNoRealm)
	}
	_, release, err := a.liveBackend(ctx)
	if err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	defer release()
	server := a.serving(ctx)
	if server == nil {
		return nil, apiError(http.StatusServiceUnavailable, errNotReady)
	}
	var realms []*realm.Realm
	names := make([]string, len(a.config.Realms))
	for i := range a.config.Realms {
		names[i] = a.config.Realms[i].Name
		if r, ok := server.Realm(names[i]); ok && (name == "" || name == names[i]) {
			realms = append(realms, r)
		}
	}
	if len(realms) == 0 {
		return nil, apiError(http.StatusNotFound, fmt.Errorf("there is no such realm; there are %s", strings.Join(names, ", ")))
	}
	answer, err := f(realms)
	return answer, adminFault(err)
}

// adminFault gives an error of the libraries the status that it has here: what
// the store cannot do now is 503, and Caddy logs why.
func adminFault(err error) error {
	var api caddy.APIError
	var refused *oauth.Error
	switch {
	case err == nil || errors.As(err, &api):
		return err
	case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
		return apiError(http.StatusBadRequest, errors.New(refused.Description))
	default:
		return apiError(http.StatusServiceUnavailable, err)
	}
}

// checkName refuses what no store can hold: a name that is not text, or huge. Its
// error repeats nothing.
func checkName(what, name string) error {
	switch {
	case len(name) > maxReachName:
		return badRequest(fmt.Sprintf("%s has more than %d bytes", what, maxReachName))
	case !utf8.ValidString(name) || strings.Contains(name, "\x00"):
		return badRequest(what + " is not text in UTF-8 without NUL")
	}
	return nil
}

// checkReach does that for all names of a reach.
func checkReach(reach store.Reach) error {
	for _, part := range []struct{ what, name string }{
		{"realm", reach.Realm}, {"subject", reach.Subject}, {"client", reach.ClientID}, {"session", reach.SessionID},
	} {
		if err := checkName(part.what, part.name); err != nil {
			return err
		}
	}
	return nil
}

// wholeSecond is a time as revocations keep it.
func wholeSecond(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return time.Unix(at.Unix(), 0).UTC()
}
