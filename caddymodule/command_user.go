package caddymodule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	registerCommand("oauth2-user", "list | show|create|set|disable|enable|delete|password <username> [--id <id>] [--service <name>] [--realm <name>] [<options>]",
		"Shows and changes the users of the server's own database",
		`
Users of an authentication service of the kind store are created, changed and
deleted without a reload, and every node knows within a second.

  list                  shows the users, with --prefix those whose username
                        begins so
  show <username>       shows one user
  create <username>     creates a user; --id chooses the id, which never changes
  set <username>        gives another name (--username) or other claims (--claims)
  disable, enable       keeps a user out, lets in again
  password <username>   sets another password
  delete <username>     deletes a user

A user who is disabled, deleted or gets another password is signed out everywhere,
and the tokens are refused from now on. A password is asked for at a terminal;
else it is the first line of standard input, or with --hash an argon2id hash
of it, as caddy hash-password --algorithm argon2id makes it. --id names the user
by the id in the place of the username. --claims - is standard input.`,
		2, func(flags *flagSet) {
			flags.String("realm", "/", "Name of the realm")
			flags.String("service", "", "Name of the authentication service (default: the only one with users)")
			flags.String("id", "", "Id of the user")
			flags.String("prefix", "", "Only users whose username begins so")
			flags.String("username", "", "Another username")
			flags.String("claims", "", "JSON object with all claims of the user; - is standard input")
			flags.Bool("disabled", false, "The new user cannot sign in yet")
			flags.Bool("no-password", false, "The new user has no password")
			flags.Bool("hash", false, "A hash of the password stands on standard input")
			flags.String("version", "", "Change it only if it still has this version")
		}, userCommand)
}

func userCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	action, username := fl.Arg(0), fl.Arg(1)
	if username == "" && fl.String("id") == "" && action != "list" && action != "" {
		return exitTrouble, fmt.Errorf("name the user: caddy oauth2-user %s <username>", action)
	}
	run, ok := map[string]func(caddycmd.Flags, string) error{
		"list": c.listUsers, "show": c.showUser, "create": c.createUser, "delete": c.deleteUser, "password": c.userPassword,
		"set": c.setUser, "disable": c.switchUser(true), "enable": c.switchUser(false),
	}[action]
	if !ok {
		return exitTrouble, errors.New("say what to do: list, show, create, set, disable, enable, password or delete")
	}
	return exit(run(fl, username))
}

// ofUsers are the parameters for the realm and service that the flags name.
func ofUsers(fl caddycmd.Flags) url.Values {
	query := url.Values{"realm": {fl.String("realm")}}
	if service := fl.String("service"); service != "" {
		query.Set("service", service)
	}
	return query
}

// userPath is the path of a user, or of all, of the realm and service that the
// flags name, or of a part of it, with more parameters: name, value, name, value.
func userPath(fl caddycmd.Flags, id, part string, more ...string) string {
	path := "/oauth2/users"
	if id != "" {
		path += "/" + segment(id)
	}
	query := ofUsers(fl)
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return path + part + "?" + query.Encode()
}

func (c adminClient) listUsers(fl caddycmd.Flags, username string) error {
	if username != "" {
		return fmt.Errorf("list takes no user; see caddy oauth2-user show %s", username)
	}
	query := ofUsers(fl)
	query.Set("prefix", fl.String("prefix"))
	return eachPage(c, "/oauth2/users", query, func(page *usersAnswer) {
		for i := range page.Users {
			c.user(&page.Users[i])
		}
	})
}

// findUser reads the user that is named by id or username, and prints nothing.
func (c adminClient) findUser(fl caddycmd.Flags, username string) (userAnswer, error) {
	quiet := c.quiet()
	if id := fl.String("id"); id != "" {
		var user userAnswer
		_, err := quiet.call(http.MethodGet, userPath(fl, id, ""), nil, &user)
		if err == nil && username != "" && username != user.Username {
			err = fmt.Errorf("the user with the id %q is %q, not %q", id, user.Username, username)
		}
		return user, err
	}
	var page usersAnswer
	if _, err := quiet.call(http.MethodGet, userPath(fl, "", "", "username", username), nil, &page); err != nil {
		return userAnswer{}, err
	}
	if len(page.Users) != 1 {
		return userAnswer{}, fmt.Errorf("there is no user %q; caddy oauth2-user list shows those that there are", username)
	}
	return page.Users[0], nil
}

func (c adminClient) showUser(fl caddycmd.Flags, username string) error {
	found, err := c.findUser(fl, username)
	if err != nil {
		return err
	}
	var user userAnswer
	printed, err := c.call(http.MethodGet, userPath(fl, found.ID, ""), nil, &user)
	if err == nil && !printed {
		c.user(&user)
	}
	return err
}

func (c adminClient) createUser(fl caddycmd.Flags, username string) error {
	written := userDocument{ID: fl.String("id"), Username: cmp.Or(fl.String("username"), username), Disabled: fl.Bool("disabled")}
	var err error
	if written.Claims, err = c.readClaims(fl); err != nil {
		return err
	}
	if !fl.Bool("no-password") {
		if fl.String("claims") == "-" {
			return errors.New("standard input has the claims, so that no password can be read: say --no-password, and set one with caddy oauth2-user password")
		}
		if written.passwordDocument, err = c.readPassword(fl.Bool("hash")); err != nil {
			return err
		}
	}
	var made userAnswer
	printed, err := c.call(http.MethodPost, userPath(fl, "", ""), written, &made)
	if err == nil && !printed {
		c.user(&made)
	}
	return err
}

func (c adminClient) setUser(fl caddycmd.Flags, username string) error {
	if fl.String("username") == "" && fl.String("claims") == "" {
		return errors.New("say what to set: --username or --claims")
	}
	claims, err := c.readClaims(fl)
	if err != nil {
		return err
	}
	return c.changeUser(fl, username, func(written *userDocument) {
		written.Username = cmp.Or(fl.String("username"), written.Username)
		if claims != nil {
			written.Claims = claims
		}
	})
}

func (c adminClient) switchUser(disabled bool) func(caddycmd.Flags, string) error {
	return func(fl caddycmd.Flags, username string) error {
		return c.changeUser(fl, username, func(written *userDocument) { written.Disabled = disabled })
	}
}

// changeUser changes what was read, if nobody was quicker.
func (c adminClient) changeUser(fl caddycmd.Flags, username string, change func(*userDocument)) error {
	found, err := c.findUser(fl, username)
	if err != nil {
		return err
	}
	written := userDocument{Username: found.Username, Claims: found.Claims, Disabled: found.Disabled}
	change(&written)
	version := cmp.Or(fl.String("version"), strconv.FormatInt(found.Version, 10))
	var changed userAnswer
	printed, err := c.call(http.MethodPut, userPath(fl, found.ID, "", "version", version), written, &changed)
	if err == nil && !printed {
		c.user(&changed)
	}
	return err
}

func (c adminClient) deleteUser(fl caddycmd.Flags, username string) error {
	found, err := c.findUser(fl, username)
	if err != nil {
		return err
	}
	version := cmp.Or(fl.String("version"), strconv.FormatInt(found.Version, 10))
	printed, err := c.call(http.MethodDelete, userPath(fl, found.ID, "", "version", version), nil, nil)
	if err == nil && !printed {
		c.printf("%s is deleted; sign-ins and tokens are over\n", found.Username)
	}
	return err
}

func (c adminClient) userPassword(fl caddycmd.Flags, username string) error {
	found, err := c.findUser(fl, username)
	if err != nil {
		return err
	}
	password, err := c.readPassword(fl.Bool("hash"))
	if err != nil {
		return err
	}
	printed, err := c.call(http.MethodPost, userPath(fl, found.ID, "/password"), password, nil)
	if err == nil && !printed {
		c.printf("%s has another password; sign-ins and tokens of before are over\n", found.Username)
	}
	return err
}

// readClaims reads the document that --claims names; nil when it names none.
func (c adminClient) readClaims(fl caddycmd.Flags) (text json.RawMessage, err error) {
	text, err = c.readDocument(fl.String("claims"))
	if err == nil && text != nil && !json.Valid(text) {
		err = errors.New("--claims: this is no JSON document")
	}
	return text, err
}

// user prints one user.
func (c adminClient) user(u *userAnswer) {
	state := ""
	if u.Disabled {
		state = ", DISABLED"
	}
	c.printf("%s\n  id %s, of the service %s, realm %s%s\n", u.Username, u.ID, u.Service, u.Realm, state)
	if u.Subject == "" {
		c.printf("  PROBLEM: a client of the realm has the id that would be the user's subject, so the user cannot sign in\n")
	} else {
		c.printf("  subject %s\n", u.Subject)
	}
	c.printf("  password %s\n", cmp.Or(moment(u.PasswordChanged), "none"))
	c.printf("  version %d of %s\n", u.Version, moment(u.Updated))
	if claims := string(u.Claims); claims != "{}" {
		c.printf("  claims %s\n", claims)
	}
}
