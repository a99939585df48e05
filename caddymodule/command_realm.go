package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	registerCommand("oauth2-realm", "list | switch|export|import [--realm <name>] [<options>]",
		"Shows, switches, exports and imports realms",
		`
  list     shows the realms
  switch   changes what --disabled, --grants and --json-authenticate name
  export   prints the realm as JSON: its clients of the store, its switches and
           what users have agreed to
  import   takes a realm or clients from standard input, by default as export
           prints them; see what would be done with --dry-run

Switches hold on every node within a second, without a reload, until they are
switched again; config gives a switch back to the configuration. Deleting is not
meant: a realm that is disabled answers 503 and its tokens are refused, and
when it is back they are good again until they expire.

An export has digests of secrets and no keys, so clients go on with the secrets
that they have, and users sign in again. Clients are read from other servers,
too: --format am for a realm-config export of AM, --format keycloak for a realm
file of Keycloak. A client without a secret in the document gets one, which is
printed once. Unless --skip-bad is given, nothing is stored where anything is
refused; run again, an import changes only what differs.`,
		1, func(flags *flagSet) {
			flags.String("realm", "/", "Name of the realm")
			flags.String("disabled", "", "Take the realm out of service, or back: on or off")
			flags.String("grants", "", "Switch grant types, such as password=on,implicit=off")
			flags.String("json-authenticate", "", "Switch /json/authenticate: on, off or config")
			flags.Bool("no-consents", false, "Export without what users have agreed to")
			flags.String("format", formatOwn, "What to import: "+formatOwn+", "+formatAM+" or "+formatKeycloak)
			flags.Bool("dry-run", false, "Say what an import would do, and do nothing")
			flags.Bool("replace", false, "Replace clients and switches that are there and differ")
			flags.Bool("skip-bad", false, "Import the others where some are refused")
		}, realmCommand)
}

func realmCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	var err error
	switch fl.Arg(0) {
	case "list":
		err = c.listRealms()
	case "switch":
		err = c.switchRealm(fl)
	case "export":
		err = c.exportRealm(fl)
	case "import":
		return c.importRealm(fl)
	default:
		err = errors.New("say what to do: list, switch, export or import")
	}
	if err != nil {
		return exitTrouble, err
	}
	return caddy.ExitCodeSuccess, nil
}

func (c adminClient) listRealms() error {
	var answer realmsAnswer
	printed, err := c.call(http.MethodGet, "/oauth2/realms", nil, &answer)
	for i := 0; err == nil && !printed && i < len(answer.Realms); i++ {
		c.realm(&answer.Realms[i])
	}
	return err
}

// switchRealm changes the switches that the flags name and leaves the others.
func (c adminClient) switchRealm(fl caddycmd.Flags) error {
	quiet := c.quiet()
	var all realmsAnswer
	if _, err := quiet.call(http.MethodGet, "/oauth2/realms", nil, &all); err != nil {
		return err
	}
	name := fl.String("realm")
	at := slices.IndexFunc(all.Realms, func(r realmAnswer) bool { return r.Name == name })
	if at < 0 {
		return fmt.Errorf("there is no realm %q; see caddy oauth2-realm list", name)
	}
	switches, err := switchesOf(&all.Realms[at], fl)
	if err != nil {
		return err
	}
	query := url.Values{"realm": {name}}
	if version := all.Realms[at].Version; version != 0 {
		query.Set("version", strconv.FormatInt(version, 10))
	}
	var answer realmAnswer
	printed, err := c.call(http.MethodPut, "/oauth2/realms/switches?"+query.Encode(), switches, &answer)
	if err == nil && !printed {
		c.realm(&answer)
	}
	return err
}

// switchesOf are the switches of a realm as they shall be.
func switchesOf(now *realmAnswer, fl caddycmd.Flags) (realmSwitches, error) {
	out := realmSwitches{Disabled: now.Disabled, Grants: map[string]bool{}}
	for grant, is := range now.Grants {
		if is.Source == sourceStore {
			out.Grants[grant] = is.On
		}
	}
	if now.JSONAuthenticate.Source == sourceStore {
		out.JSONAuthenticate = &now.JSONAuthenticate.On
	}
	disabled, grants, json := fl.String("disabled"), fl.String("grants"), fl.String("json-authenticate")
	if disabled+grants+json == "" {
		return out, errors.New("say what to switch: --disabled, --grants or --json-authenticate")
	}
	if disabled != "" {
		on, err := onOffOrConfig("--disabled", disabled)
		if err != nil {
			return out, err
		}
		out.Disabled = on != nil && *on
	}
	for _, pair := range strings.FieldsFunc(grants, func(r rune) bool { return r == ',' }) {
		grant, word, _ := strings.Cut(pair, "=")
		on, err := onOffOrConfig("--grants "+grant, word)
		if err != nil {
			return out, err
		}
		if delete(out.Grants, grant); on != nil {
			out.Grants[grant] = *on
		}
	}
	if json != "" {
		on, err := onOffOrConfig("--json-authenticate", json)
		if err != nil {
			return out, err
		}
		out.JSONAuthenticate = on
	}
	return out, nil
}

// onOffOrConfig reads how a switch shall stand; nil is as the configuration says.
func onOffOrConfig(what, word string) (*bool, error) {
	switch word {
	case "on", "off":
		on := word == "on"
		return &on, nil
	case "config":
		return nil, nil
	}
	return nil, fmt.Errorf("%s is on, off or config, not %q", what, word)
}

// realm prints one realm.
func (c adminClient) realm(r *realmAnswer) {
	c.printf("%s\n  issuer %s\n", r.Name, r.Issuer)
	if r.Disabled {
		c.printf("  DISABLED: it answers 503 and its tokens are refused\n")
	}
	show := func(name string, s switchAnswer) {
		state := "off"
		if s.On {
			state = "on"
		}
		if s.Source == sourceStore {
			state += ", switched by an operator"
		}
		c.printf("  %-18s %s\n", name, state)
	}
	for _, grant := range slices.Sorted(maps.Keys(r.Grants)) {
		show(grant, r.Grants[grant])
	}
	show("json_authenticate", r.JSONAuthenticate)
}
