package caddymodule

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

func init() {
	registerCommand("oauth2-client", "list | get|create|update|delete|secret <id> [--realm <name>] [--file <path>|-] [<options>]",
		"Shows and changes the clients that are registered while the server runs",
		`
Clients of the store are registered, changed and deleted without a reload, and
every node knows within a second. Clients of the configuration are shown, too;
they are changed there.

  list                shows the clients of the realm
  get <id>            prints the registration, to be edited and given back
  create [<id>]       registers a client, from --file, from options or from both
  update <id>         replaces the registration with --file, or changes what the
                      options name
  delete <id>         deletes the client; its tokens are refused from now on
  secret <id>         shows its secrets; with --add gives it one more, with
                      --remove <secret> takes one off

A secret that the server made is printed once and never again. One that you have
chosen stands on standard input (secret <id> --add --chosen). Lists are written
with commas. --file - is standard input.`,
		2, func(flags *flagSet) {
			flags.String("realm", "/", "Name of the realm")
			flags.String("file", "", "JSON document of the client; - is standard input")
			flags.String("version", "", "Change it only if it still has this version")
			for _, option := range clientOptions {
				if option.list == nil && option.text == nil {
					flags.Bool(option.flag, false, option.help)
				} else {
					flags.String(option.flag, "", option.help)
				}
			}
			flags.Bool("add", false, "Add a secret")
			flags.Bool("chosen", false, "The secret to add, or a hash of it, stands on standard input")
			flags.String("expires-in", "", "How long the secret to add is good, such as 90d")
			flags.String("remove", "", "Take off the secret with this id")
		}, clientCommand)
}

// clientOption is an option that sets a member of a registration.
type clientOption struct {
	flag, help string
	text       func(*registration.Client) *string
	list       func(*registration.Client) *[]string
	on         func(*registration.Client) *bool
}

var clientOptions = []clientOption{
	{flag: "name", help: "What people read on the consent page", text: func(c *registration.Client) *string { return &c.Name }},
	{flag: "public", help: "It cannot keep a secret", on: func(c *registration.Client) *bool { return &c.Public }},
	{flag: "auth-method", help: "client_secret_basic or client_secret_post", text: func(c *registration.Client) *string { return &c.AuthMethod }},
	{flag: "redirect-uris", help: "Where answers may be sent", list: func(c *registration.Client) *[]string { return &c.RedirectURIs }},
	{flag: "grants", help: "Grant types", list: func(c *registration.Client) *[]string { return &c.Grants }},
	{flag: "scopes", help: "What it may ask for", list: func(c *registration.Client) *[]string { return &c.Scopes }},
	{flag: "default-scopes", help: "What it gets that asks for no scope", list: func(c *registration.Client) *[]string { return &c.DefaultScopes }},
	{flag: "resources", help: "Audiences that it may ask for", list: func(c *registration.Client) *[]string { return &c.Resources }},
	{flag: "cors-origins", help: "Web origins whose scripts may read answers", list: func(c *registration.Client) *[]string { return &c.CORSOrigins }},
	{flag: "post-logout-redirect-uris", help: "Where people may be sent who have signed out", list: func(c *registration.Client) *[]string { return &c.PostLogoutRedirectURIs }},
	{flag: "backchannel-logout-uri", help: "Where it is told that a session is over", text: func(c *registration.Client) *string { return &c.BackchannelLogoutURI }},
	{flag: "pkce-optional", help: "It may do without PKCE", on: func(c *registration.Client) *bool { return &c.PKCEOptional }},
	{flag: "skip-consent", help: "Users are not asked", on: func(c *registration.Client) *bool { return &c.SkipConsent }},
	{flag: "disabled", help: "It is out of service; --disabled=false takes it back", on: func(c *registration.Client) *bool { return &c.Disabled }},
}

func clientCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	action, id := fl.Arg(0), fl.Arg(1)
	if id == "" && action != "list" && action != "create" && action != "" {
		return exitTrouble, fmt.Errorf("name the client: caddy oauth2-client %s <id>", action)
	}
	run, ok := map[string]func(caddycmd.Flags, string) error{
		"list": c.listClients, "get": c.getClient, "create": c.createClient,
		"update": c.updateClient, "delete": c.deleteClient, "secret": c.clientSecret,
	}[action]
	if !ok {
		return exitTrouble, errors.New("say what to do: list, get, create, update, delete or secret")
	}
	return exit(run(fl, id))
}

// clientPath is the path of a client of the realm that the flags name; what may
// be a part of it.
func clientPath(fl caddycmd.Flags, id, part string) string {
	path := "/oauth2/clients"
	if id != "" {
		path += "/" + segment(id)
	}
	query := url.Values{"realm": {fl.String("realm")}}
	if version := fl.String("version"); version != "" {
		query.Set("version", version)
	}
	return path + part + "?" + query.Encode()
}

// segment is a name as a part of a path; dots alone would lead to another one.
func segment(name string) string {
	if name == "." || name == ".." {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}

func (c adminClient) listClients(fl caddycmd.Flags, id string) error {
	if id != "" {
		return fmt.Errorf("list takes no client; see caddy oauth2-client get %s", id)
	}
	return eachPage(c, "/oauth2/clients", url.Values{"realm": {fl.String("realm")}}, func(page *clientsAnswer) {
		for i := range page.Clients {
			c.client(&page.Clients[i])
		}
	})
}

// getClient prints the registration alone, so that it can be edited and given
// back.
func (c adminClient) getClient(fl caddycmd.Flags, id string) error {
	var answer clientAnswer
	printed, err := c.call(http.MethodGet, clientPath(fl, id, ""), nil, &answer)
	if err != nil || printed {
		return err
	}
	text, err := json.MarshalIndent(answer.Client, "", "  ")
	if err == nil {
		c.printf("%s\n", escaped(string(text)))
	}
	return err
}

// escaped writes what does nothing good to a terminal as JSON can, so that the
// document stays what it is.
func escaped(document string) string {
	var b strings.Builder
	for _, r := range document {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			_, _ = fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

func (c adminClient) createClient(fl caddycmd.Flags, id string) error {
	written, err := c.readClient(fl)
	if err != nil {
		return err
	}
	if id != "" && written.ID != "" && id != written.ID {
		return fmt.Errorf("the document is of the client %q, not of %q", written.ID, id)
	}
	written.ID = cmp.Or(id, written.ID)
	var made clientAnswer
	printed, err := c.call(http.MethodPost, clientPath(fl, "", ""), applyOptions(fl, written), &made)
	if err == nil && !printed {
		c.client(&made)
	}
	return err
}

func (c adminClient) updateClient(fl caddycmd.Flags, id string) error {
	path := clientPath(fl, id, "")
	written, err := c.readClient(fl)
	if err != nil {
		return err
	}
	if fl.String("file") == "" {
		var now clientAnswer
		if _, err := c.quiet().call(http.MethodGet, path, nil, &now); err != nil {
			return err
		}
		// What was read is what is changed.
		if written = now.Client; fl.String("version") == "" {
			path += "&version=" + strconv.FormatInt(now.Version, 10)
		}
		if now.Source != sourceStore {
			return fmt.Errorf("the client %q stands in the configuration: change it there", id)
		}
	}
	var changed clientAnswer
	printed, err := c.call(http.MethodPut, path, applyOptions(fl, written), &changed)
	if err == nil && !printed {
		c.client(&changed)
	}
	return err
}

func (c adminClient) deleteClient(fl caddycmd.Flags, id string) error {
	_, err := c.call(http.MethodDelete, clientPath(fl, id, ""), nil, nil)
	return err
}

func (c adminClient) clientSecret(fl caddycmd.Flags, id string) error {
	if remove := fl.String("remove"); remove != "" {
		_, err := c.call(http.MethodDelete, clientPath(fl, id, "/secrets/"+segment(remove)), nil, nil)
		return err
	}
	if !fl.Bool("add") {
		var answer clientAnswer
		printed, err := c.call(http.MethodGet, clientPath(fl, id, ""), nil, &answer)
		if err == nil && !printed {
			c.secrets(answer.Secrets)
		}
		return err
	}
	request := secretRequest{ExpiresIn: fl.String("expires-in")}
	if fl.Bool("chosen") {
		text, err := io.ReadAll(io.LimitReader(c.in, maxAdminBody))
		if err != nil {
			return err
		}
		if request.Secret = strings.TrimRight(string(text), "\r\n"); request.Secret == "" {
			return errors.New("there is no secret on standard input")
		}
	}
	var made secretAnswer
	printed, err := c.call(http.MethodPost, clientPath(fl, id, "/secrets"), request, &made)
	if err == nil && !printed {
		c.secrets([]secretAnswer{made})
	}
	return err
}

// readClient reads the document that --file names; without one it is empty.
func (c adminClient) readClient(fl caddycmd.Flags) (registration.Client, error) {
	text, err := c.readDocument(fl.String("file"))
	if text == nil || err != nil {
		return registration.Client{}, err
	}
	return registration.Parse(bytes.TrimSpace(text))
}

// applyOptions lays the options that are given over a registration.
func applyOptions(fl caddycmd.Flags, written registration.Client) registration.Client {
	for _, option := range clientOptions {
		switch {
		case !fl.Changed(option.flag):
		case option.on != nil:
			*option.on(&written) = fl.Bool(option.flag)
		case option.text != nil:
			*option.text(&written) = fl.String(option.flag)
		default:
			*option.list(&written) = strings.FieldsFunc(fl.String(option.flag), func(r rune) bool { return r == ',' })
		}
	}
	return written
}
