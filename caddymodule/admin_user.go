package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// userDocument is a user as an operator writes it.
type userDocument struct {
	// ID never changes and becomes a part of `sub`. Default: a random one.
	ID string `json:"id,omitempty"`

	// Username is what the user signs in with. It may change. Required.
	Username string `json:"username"`

	// Claims are OpenID Connect standard claims and any others.
	Claims json.RawMessage `json:"claims,omitempty"`

	// Disabled keeps the user out. Default: false.
	Disabled bool `json:"disabled,omitempty"`

	passwordDocument
}

const userMembers = "id, username, claims, disabled, password and hash"

// passwordDocument is a password, in one of two forms.
type passwordDocument struct {
	// Password is what the user types.
	Password string `json:"password,omitempty"`

	// Hash is an argon2id hash of it in PHC form, made elsewhere: it tells nothing of
	// how good the password is.
	Hash string `json:"hash,omitempty"`
}

// read gives the password; nil when there is none.
func (p passwordDocument) read() (*realm.Password, error) {
	switch {
	case p.Password != "" && p.Hash != "":
		return nil, badRequest("a user has either a password or the hash of one")
	case p.Password == "" && p.Hash == "":
		return nil, nil
	}
	return &realm.Password{Plain: oauth.NewSecret(p.Password), Hash: store.SecretDigest(p.Hash)}, nil
}

// userAnswer is a user as operators see it: without its password.
type userAnswer struct {
	// Realm is the realm that the user belongs to.
	Realm string `json:"realm"`

	// Service is the authentication service that signs the user in.
	Service string `json:"service"`

	// ID never changes.
	ID string `json:"id"`

	// Subject is the `sub` of the user; absent when a client has it, and then the
	// user cannot sign in.
	Subject string `json:"subject,omitempty"`

	// Username is what the user signs in with.
	Username string `json:"username"`

	// Disabled says that the user cannot sign in.
	Disabled bool `json:"disabled"`

	// Claims are OpenID Connect standard claims and any others.
	Claims json.RawMessage `json:"claims"`

	// Version is another one after each replacement.
	Version int64 `json:"version"`

	// Created is when the user was created.
	Created time.Time `json:"created"`

	// Updated is when the user was last replaced.
	Updated time.Time `json:"updated"`

	// PasswordChanged is when the password was set; absent when the user has none.
	PasswordChanged time.Time `json:"password_changed,omitzero"`
}

// usersOf are the users of one service of a realm, for one call of the admin API.
type usersOf struct {
	realm.Accounts
	realm *realm.Realm
}

// withUsers lets f work with the users of the realm and service that a call names:
// by default the root realm, and the only service that has some.
func (a *App) withUsers(r *http.Request, f func(usersOf) (any, error)) (any, error) {
	query := r.URL.Query()
	for what, name := range map[string]string{
		"id": r.PathValue("id"), "service": query.Get("service"), "username": query.Get("username"), "prefix": query.Get("prefix"),
	} {
		if err := checkName(what, name); err != nil {
			return nil, err
		}
	}
	return a.withRealm(r.Context(), query.Get("realm"), func(in *realm.Realm) (any, error) {
		accounts, err := in.Accounts(query.Get("service"))
		if errors.Is(err, realm.ErrNoKeeper) {
			return nil, apiError(http.StatusConflict, err)
		}
		if err != nil {
			return nil, err
		}
		return f(usersOf{accounts, in})
	})
}

// shown is a user as operators see it.
func (u usersOf) shown(row store.StoredAccount) userAnswer {
	answer := userAnswer{
		Realm: row.Realm, Service: row.Service, ID: row.ID, Username: row.Username, Disabled: row.Disabled, Claims: json.RawMessage(row.Claims),
		Version: row.Version, Created: row.Created, Updated: row.Updated, PasswordChanged: row.PasswordChanged,
	}
	if subject, ok := u.realm.Subject(row.Account); ok {
		answer.Subject = subject
	}
	return answer
}

// settle waits until what is begun next is not taken for what ended up to a second.
func (u usersOf) settle(ctx context.Context, until time.Time) {
	if !until.IsZero() {
		u.realm.Settle(ctx, until)
	}
}

// userFault says what went wrong with a user; what it does not know is a fault of
// the store.
func userFault(err error) error {
	var weak *login.WeakPassword
	switch {
	case errors.Is(err, realm.ErrBadAccount), errors.As(err, &weak):
		return badRequest(err.Error())
	case errors.Is(err, realm.ErrSubjectTaken):
		return apiError(http.StatusConflict, errors.New("a client of the realm has the id that would be the user's subject: choose another id"))
	case errors.Is(err, store.ErrNotFound):
		return apiError(http.StatusNotFound, errors.New("there is no such user in the store; GET /oauth2/users (caddy oauth2-user list) lists those that there are"))
	case errors.Is(err, store.ErrConflict):
		return apiError(http.StatusConflict, errors.New("the user was changed meanwhile: the version is another; read the user again"))
	case errors.Is(err, store.ErrExists):
		return apiError(http.StatusConflict, errors.New("there is a user of this username or id already: choose another, or replace that user with PUT /oauth2/users/{id} (caddy oauth2-user set, password)"))
	}
	return err
}

// versionOfUser reads which version a change is meant for; 0 is any.
func versionOfUser(r *http.Request) (int64, error) {
	version, err := versionOf(r)
	if err != nil {
		err = badRequest("version is the number that the user was shown with")
	}
	return version, err
}

// checkUserID refuses ids that are not themselves in a path.
func checkUserID(id string) error {
	switch id {
	case ".", "..", "/":
		return badRequest(fmt.Sprintf("id: %q is not itself in a path, which users are changed and deleted by: choose another", id))
	}
	return nil
}
