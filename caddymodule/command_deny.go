package caddymodule

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	registerCommand("oauth2-deny", "(--jti|--sub|--sid|--client) <value> [--issuer <url>] [--expires-in <duration>] [--remove] | --list",
		"Revokes access tokens before their time, whoever issued them",
		`
Puts an entry on the deny-list of the running gateway: one token (--jti), the
tokens of a session (--sid), or all tokens that a subject (--sub) or a client
(--client) was given until now; newer ones pass. Without --issuer the tokens of
every issuer are meant. It counts from the next request on, and ends after
--expires-in, 24h by default: make that longer than the tokens live.

With --remove the entry is taken off, and --list shows all.`,
		0, func(flags *flagSet) {
			flags.String("jti", "", "One token, by its jti")
			flags.String("sub", "", "All tokens of a subject until now")
			flags.String("sid", "", "All tokens of a session")
			flags.String("client", "", "All tokens of a client until now")
			flags.String("issuer", "", "Only tokens of this issuer identifier")
			flags.String("expires-in", "", "How long the entry holds (default 24h)")
			flags.Bool("remove", false, "Take the entry off")
			flags.Bool("list", false, "Show the list")
		}, denyCommand)
}

func denyCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	if fl.Bool("list") {
		return c.listDenials()
	}
	entry := denial{
		JTI: fl.String("jti"), Subject: fl.String("sub"), SessionID: fl.String("sid"), Client: fl.String("client"),
		Issuer: fl.String("issuer"), ExpiresIn: fl.String("expires-in"),
	}
	if entry.JTI+entry.Subject+entry.SessionID+entry.Client == "" {
		return exitTrouble, errors.New("name what is to be denied: --jti, --sub, --sid or --client; or --list")
	}
	if fl.Bool("remove") {
		if _, err := c.call(http.MethodDelete, "/oauth2/deny", entry, nil); err != nil {
			return exitTrouble, err
		}
		return caddy.ExitCodeSuccess, nil
	}
	var made denial
	printed, err := c.call(http.MethodPost, "/oauth2/deny", entry, &made)
	if err != nil {
		return exitTrouble, err
	}
	if !printed {
		c.denial(&made)
	}
	return caddy.ExitCodeSuccess, nil
}

// listDenials prints the list.
func (c adminClient) listDenials() (int, error) {
	return exit(eachPage(c, "/oauth2/deny", url.Values{}, func(page *denialsAnswer) {
		for i := range page.Entries {
			c.denial(&page.Entries[i])
		}
	}))
}

// denial prints one entry.
func (c adminClient) denial(d *denial) {
	c.printf("%s", d.ID)
	for _, part := range []struct{ name, text string }{
		{"jti", d.JTI}, {"sub", d.Subject}, {"sid", d.SessionID}, {"client", d.Client}, {"issuer", d.Issuer},
	} {
		if part.text != "" {
			c.printf(" %s %q", part.name, part.text)
		}
	}
	if !d.NotBefore.IsZero() {
		c.printf(", issued until %s", moment(d.NotBefore))
	}
	c.printf(", denied until %s\n", moment(d.Expires))
	if d.Warning != "" {
		c.printf("  warning: %s\n", d.Warning)
	}
}
