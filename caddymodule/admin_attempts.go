package caddymodule

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// attemptsReset is whose failed tries are to be forgotten. One of username and
// source is given.
type attemptsReset struct {
	// Realm is the realm. Default: the root realm.
	Realm string `json:"realm,omitempty"`

	// Username is who may sign in at once again, from everywhere, with a password and
	// with a second factor: as it is typed on the page, or the subject.
	Username string `json:"username,omitempty"`

	// Source is the address from which everybody may again.
	Source string `json:"source,omitempty"`
}

const attemptsMembers = "realm, and one of username and source"

// attemptsAnswer is what was forgotten.
type attemptsAnswer struct {
	// Realm is where.
	Realm string `json:"realm"`

	// Counters says how many counts of failures there were.
	Counters int `json:"counters"`
}

// resetAttempts answers POST /oauth2/attempts/reset.
func resetAttempts(app *App, r *http.Request) (any, error) {
	var asked attemptsReset
	if err := readBody(r, &asked, attemptsMembers); err != nil {
		return nil, err
	}
	if (asked.Username == "") == (asked.Source == "") {
		return nil, badRequest("a reset has " + attemptsMembers)
	}
	if err := checkName("username", asked.Username); err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(asked.Source); asked.Source != "" && err != nil {
		return nil, badRequest("source is no IP address such as 192.0.2.7 or 2001:db8::7")
	}
	return app.withRealm(r.Context(), asked.Realm, func(in *realm.Realm) (any, error) {
		counters, err := in.Attempts.Reset(r.Context(), asked.Username, asked.Source)
		if err == nil || counters > 0 {
			app.audit(r.Context(), audit.Record{Event: audit.AccountUnlocked, Realm: in.Name}.
				With(audit.Reason, "reset").With(audit.Count, strconv.Itoa(counters)))
		}
		if err != nil {
			return nil, fmt.Errorf("forgot %d counts of failures, and there may be more: %w", counters, err)
		}
		return attemptsAnswer{Realm: in.Name, Counters: counters}, nil
	})
}
