package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// userPage is how many users an answer has at most.
const userPage = 500

// usersAnswer is a page of the users of a service.
type usersAnswer struct {
	// Users are those of this page, by username.
	Users []userAnswer `json:"users"`

	// Next is the `after` of the next page; absent on the last.
	Next string `json:"next,omitempty"`
}

// listUsers answers GET /oauth2/users?realm=NAME&service=NAME&prefix=P&after=USERNAME&limit=N,
// and with username=NAME the one user of that name, if there is one.
func listUsers(app *App, r *http.Request) (any, error) {
	after, limit, err := readPage(r, userPage)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	return app.withUsers(r, func(u usersOf) (any, error) {
		answer := usersAnswer{Users: []userAnswer{}}
		if query.Has("username") {
			row, err := u.Named(r.Context(), query.Get("username"))
			switch {
			case errors.Is(err, store.ErrNotFound):
				return answer, nil
			case err != nil:
				return nil, err
			}
			answer.Users = append(answer.Users, u.shown(row))
			return answer, nil
		}
		rows, err := u.List(r.Context(), query.Get("prefix"), after, limit+1)
		if err != nil {
			return nil, err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			answer.Next = rows[limit-1].Username
		}
		for i := range rows {
			answer.Users = append(answer.Users, u.shown(rows[i]))
		}
		return answer, nil
	})
}

// getUser answers GET /oauth2/users/ID?realm=NAME&service=NAME.
func getUser(app *App, r *http.Request) (any, error) {
	return app.withUsers(r, func(u usersOf) (any, error) {
		row, err := u.Get(r.Context(), r.PathValue("id"))
		if err != nil {
			return nil, userFault(err)
		}
		return u.shown(row), nil
	})
}

// createUser answers POST /oauth2/users?realm=NAME&service=NAME with the user.
func createUser(app *App, r *http.Request) (any, error) {
	var written userDocument
	if err := readBody(r, &written, userMembers); err != nil {
		return nil, err
	}
	if err := checkUserID(written.ID); err != nil {
		return nil, err
	}
	password, err := written.read()
	if err != nil {
		return nil, err
	}
	return app.withUsers(r, func(u usersOf) (any, error) {
		row, err := u.Create(r.Context(), written.row(written.ID), password)
		if err != nil {
			return nil, userFault(err)
		}
		return u.shown(row), nil
	})
}

// replaceUser answers PUT /oauth2/users/ID?realm=NAME&service=NAME&version=N with
// the user. The password stays.
func replaceUser(app *App, r *http.Request) (any, error) {
	version, err := versionOfUser(r)
	if err != nil {
		return nil, err
	}
	var written userDocument
	if err := readBody(r, &written, userMembers); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	switch {
	case written.ID != "" && written.ID != id:
		return nil, badRequest("id: a user keeps the id; delete the user and create another")
	case written.Password != "" || written.Hash != "":
		return nil, badRequest("password and hash: they are changed by POST /oauth2/users/{id}/password")
	}
	return app.withUsers(r, func(u usersOf) (any, error) {
		row := written.row(id)
		row.Version = version
		row, until, err := u.Replace(r.Context(), row)
		if err != nil {
			return nil, userFault(err)
		}
		u.settle(r.Context(), until)
		return u.shown(row), nil
	})
}

// setUserPassword answers POST /oauth2/users/ID/password?realm=NAME&service=NAME.
func setUserPassword(app *App, r *http.Request) (any, error) {
	var written passwordDocument
	if err := readBody(r, &written, "password or hash"); err != nil {
		return nil, err
	}
	password, err := written.read()
	if err != nil {
		return nil, err
	}
	if password == nil {
		return nil, badRequest("there is neither a password nor the hash of one")
	}
	return app.withUsers(r, func(u usersOf) (any, error) {
		until, err := u.SetPassword(r.Context(), r.PathValue("id"), *password)
		if err != nil {
			return nil, userFault(err)
		}
		u.settle(r.Context(), until)
		return nil, nil
	})
}

// deleteUser answers DELETE /oauth2/users/ID?realm=NAME&service=NAME&version=N.
func deleteUser(app *App, r *http.Request) (any, error) {
	version, err := versionOfUser(r)
	if err != nil {
		return nil, err
	}
	return app.withUsers(r, func(u usersOf) (any, error) {
		until, err := u.Delete(r.Context(), r.PathValue("id"), version)
		if err != nil {
			return nil, userFault(err)
		}
		u.settle(r.Context(), until)
		return nil, nil
	})
}

// row is the account that an operator wrote.
func (d *userDocument) row(id string) store.StoredAccount {
	claims := string(d.Claims)
	if claims == "" {
		claims = "{}"
	}
	return store.StoredAccount{Account: store.Account{ID: id}, Username: d.Username, Disabled: d.Disabled, Claims: claims}
}
