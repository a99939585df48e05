package caddymodule

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

func init() {
	registerCommand("oauth2-token", "(issue --client <id> [--scope <scope>] [--audience <uri>] | inspect [<file>] | "+
		"revoke (--token-stdin|--user|--subject|--client|--session|--grant) [<value>] | grants [--user|--subject|--client|--session <value>] | "+
		"sessions (--user|--subject) <value>) [--realm <name>]",
		"Issues, inspects, lists and revokes tokens of the running server",
		`
issue makes an access token of a client's own without the client's secret: what
the grant client_credentials would give it. The token is printed once, and
nothing else.

inspect says everything that the server knows of a token of its own, of any kind:
whose it is, what it came of, whether it is good, and if not, why. The token is
read from standard input, or from a file, and never from an argument, which your
shell's history and the list of processes would hold. The exit code is 0 when the
token is good, 1 when it is not, and 2 when there is no answer.

revoke ends a token (--token-stdin), one grant with its tokens (--grant), all
that came of a session (--session), all that a client was given until now
(--client), or all that rests on a sign-in of a user until now, sessions included
(--user, --subject). It counts here at once and on other nodes within a second,
and what is issued when the command is done is good again. It says how much it
has ended.

grants lists what clients were granted, and sessions the live sessions of a user,
newest first.

A user is named by the username, or by the subject: what tokens bear as sub, and
caddy oauth2-user show says. Where nothing is known of a subject, a line on standard
error says so.

The realm is / unless --realm names another; a token is looked for in all.`,
		2, func(flags *flagSet) {
			flags.String("realm", "", "Name of the realm, such as /customers")
			flags.String("client", "", "A client, by its id")
			personFlags(flags)
			flags.String("session", "", "A session, by its sid")
			flags.String("grant", "", "A grant, by its id (gid)")
			flags.String("scope", "", "Scope of the token to issue, separated by spaces")
			flags.String("audience", "", "Resources that the token to issue is for, separated by spaces")
			flags.Bool("token-stdin", false, "Revoke the token on standard input")
		}, tokenCommand)
}

func tokenCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	run, known := map[string]func(caddycmd.Flags) (int, error){
		"issue": c.issueToken, "inspect": c.inspectToken, "revoke": c.revokeTokens, "grants": c.listGrants, "sessions": c.listSessions,
	}[fl.Arg(0)]
	switch {
	case !known:
		return exitTrouble, errors.New("say what to do first: issue, inspect, revoke, grants or sessions")
	case fl.NArg() > 1 && fl.Arg(0) != "inspect":
		return exitTrouble, errors.New("there are too many arguments; see caddy help oauth2-token")
	}
	return run(fl)
}

func (c adminClient) issueToken(fl caddycmd.Flags) (int, error) {
	var answer issueAnswer
	printed, err := c.call(http.MethodPost, "/oauth2/tokens", issueRequest{
		Realm: fl.String("realm"), Client: fl.String("client"), Scope: fl.String("scope"), Audience: strings.Fields(fl.String("audience")),
	}, &answer)
	if err != nil {
		return exitTrouble, err
	}
	if !printed {
		c.printf("%s\n", answer.AccessToken)
	}
	return caddy.ExitCodeSuccess, nil
}

func (c adminClient) inspectToken(fl caddycmd.Flags) (int, error) {
	token, err := c.readToken(fl.Arg(1))
	if err != nil {
		return exitTrouble, err
	}
	var answer inspected
	printed, err := c.call(http.MethodPost, "/oauth2/tokens/inspect", inspectRequest{Realm: fl.String("realm"), Token: token}, &answer)
	if err != nil {
		return exitTrouble, err
	}
	if !printed {
		c.inspected(&answer)
	}
	if answer.State != string(realm.TokenActive) {
		return 1, errors.New("the token is not good")
	}
	return caddy.ExitCodeSuccess, nil
}

// readToken reads a token from a file, or from standard input when that is "" or
// -. Its errors do not repeat the file's name: it may be a token, in the wrong
// place.
func (c adminClient) readToken(file string) (string, error) {
	in := c.in
	if file != "" && file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return "", errors.New("there is no such file, or it cannot be read; a token itself does not belong there: give it on standard input")
		}
		defer func() { _ = opened.Close() }()
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, oauth.MaxTokenBytes+1024))
	if err != nil {
		return "", errors.New("the token cannot be read")
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", errors.New("there is no token on standard input")
	}
	return token, nil
}

func (c adminClient) revokeTokens(fl caddycmd.Flags) (int, error) {
	asked := revocation{
		Realm: fl.String("realm"), Subject: fl.String("subject"), Username: fl.String("user"), Client: fl.String("client"),
		Session: fl.String("session"), Grant: fl.String("grant"),
	}
	if fl.Bool("token-stdin") {
		var err error
		if asked.Token, err = c.readToken(""); err != nil {
			return exitTrouble, err
		}
	}
	var answer revokedAnswer
	printed, err := c.call(http.MethodPost, "/oauth2/tokens/revoke", asked, &answer)
	if err != nil {
		return exitTrouble, err
	}
	if !printed {
		c.revoked(&answer)
		c.noteUnknown(answer.Unknown, fl)
	}
	return caddy.ExitCodeSuccess, nil
}

// revoked prints how much was ended.
func (c adminClient) revoked(answer *revokedAnswer) {
	c.printf("realm %s: ended %d grants", answer.Realm, answer.Grants)
	for _, part := range []struct {
		count int
		what  string
	}{{answer.Sessions, "sessions"}, {answer.Consents, "consents"}, {answer.Tokens, "access tokens"}} {
		if part.count > 0 {
			c.printf(", %d %s", part.count, part.what)
		}
	}
	if answer.Subject != "" {
		c.printf(" of the subject %q", answer.Subject)
	}
	if !answer.NotBefore.IsZero() {
		c.printf("; what began until %s is refused", moment(answer.NotBefore))
	}
	c.printf("\n")
}

// listGrants prints the grants of a reach.
func (c adminClient) listGrants(fl caddycmd.Flags) (int, error) {
	query := url.Values{"username": {fl.String("user")}}
	for _, name := range []string{"realm", "subject", "client", "session"} {
		query.Set(name, fl.String(name))
	}
	return exit(eachPage(c, "/oauth2/grants", query, func(page *grantsAnswer) {
		for i := range page.Grants {
			c.grant(&page.Grants[i])
		}
		c.noteUnknown(page.Unknown, fl)
	}))
}

// listSessions prints the sessions of a user.
func (c adminClient) listSessions(fl caddycmd.Flags) (int, error) {
	query, err := ofPerson(fl)
	if err != nil {
		return exitTrouble, err
	}
	var all []shownSession
	err = eachPage(c, "/oauth2/sessions", query, func(page *sessionsAnswer) {
		all = append(all, page.Sessions...)
		c.noteUnknown(page.Unknown, fl)
	})
	c.sessions(all)
	return exit(err)
}
