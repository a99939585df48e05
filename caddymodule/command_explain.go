package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func init() {
	registerCommand("oauth2-explain", "[--method <method>] [--path <path>] [--audience <audience>] [<token>|-]",
		"Says what the running bearer_auth handlers make of an access token",
		`
Says for each bearer_auth of the running configuration whether it would let a
request with the token pass, and if not, why, which claim is to blame, and how
to mend it. Nothing is counted or logged, and no proof of possession is checked.

The token is read from standard input, unless it is given as an argument: then
your shell's history and the list of processes hold it.

The exit code is 0 when one of them lets the request pass, 1 when none does, and
2 when there is no answer.`,
		1, func(flags *flagSet) {
			flags.String("method", http.MethodGet, "Method of the request")
			flags.String("path", "/", "Path of the request")
			flags.String("audience", "", "Ask only those that take this audience")
		}, explainCommand)
}

func explainCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	token := fl.Arg(0)
	if token == "" || token == "-" {
		text, err := io.ReadAll(io.LimitReader(c.in, oauth.MaxTokenBytes+1024))
		if err != nil {
			return exitTrouble, err
		}
		token = strings.TrimSpace(string(text))
	}
	if token == "" {
		return exitTrouble, errors.New("there is no token on standard input")
	}
	var answer explainAnswer
	printed, err := c.call(http.MethodPost, "/oauth2/explain", explainRequest{
		Token: token, Method: fl.String("method"), Path: fl.String("path"), Audience: fl.String("audience"),
	}, &answer)
	if err != nil {
		return exitTrouble, err
	}
	if !printed {
		for i := range answer.Results {
			c.explained(&answer.Results[i])
		}
	}
	if !answer.Allowed {
		return 1, errors.New("no bearer_auth lets the request pass with this token")
	}
	return caddy.ExitCodeSuccess, nil
}

// explained prints one verdict.
func (c adminClient) explained(e *explained) {
	c.printf("bearer_auth %s\n", strings.Join(append(e.Issuers, e.Realms...), " "))
	row := func(name, format string, args ...any) {
		c.printf("  %-10s %s\n", name, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n"+strings.Repeat(" ", 13)))
	}
	row("audience", "%s", strings.Join(e.Audience, " "))
	if e.Matcher {
		row("matcher", "it has one, which is not asked here: requests outside it pass")
	}
	if e.Mode == modeReportOnly {
		row("mode", "report_only: what is refused here passes all the same, without an identity")
	}
	verdict := e.Decision
	if e.Reason != "" {
		verdict += ": " + e.Reason
	}
	row("decision", "%s", verdict)
	for _, line := range []struct{ name, text string }{{"detail", e.Detail}, {"help", e.Help}, {"rule", e.Rule}, {"needs", e.RequiredScope}} {
		if line.text != "" {
			row(line.name, "%s", line.text)
		}
	}
	if e.Issuer != "" {
		row("issuer", "%s%s", e.Issuer, map[bool]string{true: ", from the cache"}[e.Cached])
	}
	row("proof", "%s", e.ProofOfPossession)
	if e.Token == nil {
		return
	}
	row("claims", "%s", map[bool]string{true: "vouched for by the issuer", false: "not verified: anybody may have written them"}[e.Token.Verified])
	for _, claim := range e.Token.Claims {
		c.printf("    %q: %s\n", claim.Name, claim.text())
	}
	c.printf("\n")
}

// text is a claim for people: quoted, and times readable.
func (c explainedClaim) text() string {
	if c.Value == nil {
		return "(" + c.Type + ")"
	}
	if seconds, isNumber := c.Value.(float64); isNumber && seconds >= 0 && seconds < 1e11 {
		return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
	}
	text, err := json.Marshal(c.Value)
	if err != nil {
		return "(" + c.Type + ")"
	}
	return fmt.Sprintf("%.400s", string(text))
}
