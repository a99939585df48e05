package realmtest

import (
	"context"
	"errors"
	"sync"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// User is one account of Users.
type User struct {
	ID       string
	Password string
	Claims   map[string]any
}

// Users is an authentication service in memory.
type Users struct {
	name string

	mu    sync.Mutex
	users map[string]User // by username
	fault error
	calls int
}

// NewUsers makes the authentication service of a name.
func NewUsers(name string, users map[string]User) *Users {
	return &Users{name: name, users: users}
}

// Authenticate checks a username and a password.
func (u *Users) Authenticate(_ context.Context, username string, password oauth.Secret) (login.Account, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls++
	user, ok := u.users[username]
	switch {
	case u.fault != nil:
		return login.Account{}, u.fault
	case !ok:
		return login.Account{}, login.ErrCredentials
	case user.Password != password.Reveal():
		return login.Account{}, &login.Refused{Account: u.account(username, user).Account, Reason: login.WrongPassword}
	}
	return u.account(username, user), nil
}

// Account is what an account is like now.
func (u *Users) Account(_ context.Context, id string) (login.Account, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fault != nil {
		return login.Account{}, u.fault
	}
	for username, user := range u.users {
		if user.ID == id {
			return u.account(username, user), nil
		}
	}
	return login.Account{}, login.ErrNoAccount
}

func (u *Users) account(username string, user User) login.Account {
	return login.Account{
		Account:  store.Account{Service: u.name, ID: user.ID},
		Username: username,
		Claims:   user.Claims,
	}
}

// Named implements login.Roll.
func (u *Users) Named(_ context.Context, username string) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	user, ok := u.users[username]
	switch {
	case u.fault != nil:
		return "", u.fault
	case !ok:
		return "", login.ErrNoAccount
	}
	return user.ID, nil
}

// Has implements login.Roll.
func (u *Users) Has(ctx context.Context, id string) (bool, error) {
	_, err := u.Account(ctx, id)
	if errors.Is(err, login.ErrNoAccount) {
		return false, nil
	}
	return err == nil, err
}

// Remove takes an account away.
func (u *Users) Remove(username string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.users, username)
}

// Fail makes the service fail with err from now on; nil ends that.
func (u *Users) Fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fault = err
}

// Calls counts password checks.
func (u *Users) Calls() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.calls
}
