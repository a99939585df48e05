package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	registerCommand("oauth2-keys", "list|rotate|retire|remove|rewrap [<kid>] [--realm <name>] [--purpose <purpose>] [--algorithm <alg>] [--now]",
		"Shows and replaces the keys that tokens are signed and sealed with",
		`
Keys are replaced by themselves when they are old enough. This is for looking at
them, and for when it cannot wait:

  list    Shows the keys of all realms, or of --realm: never their secrets.
  rotate  Publishes new keys, which take over by themselves when everybody knows
          them: after 11 minutes where others verify, after one where only our
          own nodes do. With --now they take over at once, and verifiers
          elsewhere may refuse their tokens until they fetch the key set again.
          Without --purpose all keys but refresh and factor are meant.
  retire  Ends a key that was replaced before its time: what it has made is
          refused. The active key is not retired; rotate first.
  remove  Ends a key at once, the active one too, in whose place the next one
          or a new one signs: for a key that somebody has stolen. Our gateways
          refuse its tokens within a second.
  rewrap  Wraps all private keys with the configured encryption_key. After that
          previous_encryption_key can go from the configuration. Run it when
          every node has both.

The realm is / unless --realm names another: identity-assertion and dpop-nonce are
the keys of a bearer_auth.`,
		2, func(flags *flagSet) {
			flags.String("realm", "", "The realm, such as /customers")
			flags.String("purpose", "", "sign, access, refresh, form, factor or nonce")
			flags.String("algorithm", "", "Only keys of this algorithm")
			flags.String("id", "", "The kid of the key to retire or remove")
			flags.Bool("now", false, "Let the new keys take over at once")
		}, keysCommand)
}

func keysCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	action, id := fl.Arg(0), fl.String("id")
	if fl.NArg() == 2 {
		if id != "" && id != fl.Arg(1) {
			return exitTrouble, errors.New("two keys are named; name one")
		}
		id = fl.Arg(1)
	}
	ends := action == "retire" || action == "remove"
	rotates := fl.String("purpose")+fl.String("algorithm") != "" || fl.Bool("now")
	switch {
	case ends && id == "":
		return exitTrouble, fmt.Errorf("name the key to %s by its kid; caddy oauth2-keys list shows them", action)
	case !ends && id != "":
		return exitTrouble, fmt.Errorf("%q names a key, which is for retire and remove", id)
	case action != "rotate" && rotates:
		return exitTrouble, errors.New("--purpose, --algorithm and --now are for rotate")
	}
	query := "?realm=" + url.QueryEscape(fl.String("realm"))
	switch action {
	case "list":
		return c.keys(http.MethodGet, "/oauth2/keys"+query, nil)
	case "rotate":
		return c.keys(http.MethodPost, "/oauth2/keys/rotate"+query,
			rotateRequest{Purpose: fl.String("purpose"), Algorithm: fl.String("algorithm"), Now: fl.Bool("now")})
	case "retire", "remove":
		return c.keys(http.MethodPost, "/oauth2/keys/"+action+query, endRequest{ID: id})
	case "rewrap":
		var answer rewrapAnswer
		printed, err := c.call(http.MethodPost, "/oauth2/keys/rewrap", nil, &answer)
		if err != nil {
			return exitTrouble, err
		}
		if !printed {
			c.printf("%d keys were wrapped anew; previous_encryption_key is not needed any more\n", answer.Rewrapped)
		}
		return caddy.ExitCodeSuccess, nil
	default:
		return exitTrouble, errors.New("say what to do: list, rotate, retire, remove or rewrap")
	}
}

// keys prints the keys of an answer, one a line.
func (c adminClient) keys(method, path string, body any) (int, error) {
	var answer keysAnswer
	printed, err := c.call(method, path, body, &answer)
	if err != nil {
		return exitTrouble, err
	}
	if printed {
		return caddy.ExitCodeSuccess, nil
	}
	for i := range answer.Keys {
		key := &answer.Keys[i]
		c.printf("%s %s %s %s %s since %s", key.Realm, key.Purpose, key.Algorithm, key.ID, key.State, moment(key.Since))
		if key.Next != "" {
			c.printf(", %s at %s", key.Next, moment(key.NextAt))
		}
		if key.External {
			c.printf(", not in the store")
		}
		c.printf("\n")
	}
	if answer.Warning != "" {
		c.printf("warning: %s\n", answer.Warning)
	}
	return caddy.ExitCodeSuccess, nil
}
