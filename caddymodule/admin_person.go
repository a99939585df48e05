package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// person is whom a call speaks of: by the subject, which tokens bear as sub, or by
// the username, which people know. One of the two is given at most.
type person struct{ subject, username string }

func (p person) check() error {
	if p.subject != "" && p.username != "" {
		return badRequest("name the user by one of subject and username, not by both")
	}
	if err := checkName("username", p.username); err != nil {
		return err
	}
	return checkName("subject", p.subject)
}

// in is the subject of a person in a realm, "" when nobody is named.
func (p person) in(ctx context.Context, in *realm.Realm) (string, error) {
	if p.username == "" {
		return p.subject, nil
	}
	subjects, err := in.Named(ctx, p.username)
	switch {
	case err != nil:
		return "", apiError(http.StatusServiceUnavailable, fmt.Errorf("%w; name the user by the subject in place of the username", err))
	case len(subjects) == 0:
		return "", apiError(http.StatusNotFound, fmt.Errorf("realm %s has no user of that username. Who was deleted, or signs in with another provider, "+
			"is named by the subject: the sub of the tokens, which the audit log has, too", in.Name))
	case len(subjects) > 1:
		return "", apiError(http.StatusConflict, fmt.Errorf("realm %s has several users of that username: name one by the subject, which is one of %s",
			in.Name, strings.Join(subjects, ", ")))
	}
	return subjects[0], nil
}

// withPerson lets f work with the realm and the subject that the parameters of a
// call name. what is what is asked for.
func (a *App) withPerson(r *http.Request, what string, f func(in *realm.Realm, subject string) (any, error)) (any, error) {
	query := r.URL.Query()
	whose := person{query.Get("subject"), query.Get("username")}
	if whose == (person{}) {
		return nil, badRequest("whose " + what + "? give subject or username")
	}
	if err := whose.check(); err != nil {
		return nil, err
	}
	return a.withRealm(r.Context(), query.Get("realm"), func(in *realm.Realm) (any, error) {
		subject, err := whose.in(r.Context(), in)
		if err != nil {
			return nil, err
		}
		return f(in, subject)
	})
}

// unknown says that nothing at all is known of a subject. It is asked when a call
// found nothing, for then somebody else may be meant.
func unknown(ctx context.Context, in *realm.Realm, subject string) bool {
	return subject != "" && in.Unknown(ctx, subject)
}
