package caddymodule

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

func init() {
	registerCommand("oauth2-audit", "[--since <duration>|<time>] [--event <event>] [--realm <name>] [--subject <sub>] [--client <id>] [--limit <n>]",
		"Shows the audit records that the store keeps",
		`
Shows security events from the store, the newest first: sign-ins, consents,
tokens, revocations, changes of keys and clients. The store keeps them with
`+"`audit { store }`"+` in the global option oauth2; without it they are in the log.

--since is how far back to look, such as 1h or 7d, or a time such as
2026-01-31T08:00:00Z. The others choose among the records.`,
		0, func(flags *flagSet) {
			flags.String("since", "", "How far back, such as 1h or 7d, or since when")
			flags.String("event", "", "Only this event, such as sign_in_failed")
			flags.String("realm", "", "Only this realm, such as /customers")
			flags.String("subject", "", "Only this subject")
			flags.String("client", "", "Only this client")
			flags.Int("limit", defaultAuditPage, "How many at most; 0 is all")
		}, auditCommand)
}

func auditCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	left := fl.Int("limit")
	if left < 0 {
		return exitTrouble, errors.New("--limit is a number; 0 is all")
	}
	all := left == 0
	query := url.Values{}
	for _, name := range []string{"since", "event", "realm", "subject", "client"} {
		if value := fl.String(name); value != "" {
			query.Set(name, value)
		}
	}
	for all || left > 0 {
		limit := listPage
		if !all {
			limit = min(limit, left)
		}
		query.Set("limit", strconv.Itoa(limit))
		var page auditAnswer
		printed, err := c.call(http.MethodGet, "/oauth2/audit?"+query.Encode(), nil, &page)
		if err != nil {
			return exitTrouble, err
		}
		if !printed {
			for i := range page.Records {
				c.auditRecord(&page.Records[i])
			}
		}
		if page.Next == "" {
			break
		}
		query.Set("before", page.Next)
		left -= limit
	}
	return caddy.ExitCodeSuccess, nil
}

// auditRecord prints one record as one line, by the names that it has elsewhere.
func (c adminClient) auditRecord(r *audit.Record) {
	c.printf("%s %-8s%s", moment(r.Time), r.Outcome, r.Event)
	for _, part := range []struct{ name, text string }{
		{"actor", string(r.Actor)}, {"realm", r.Realm}, {"client_id", r.ClientID}, {"subject", r.Subject}, {"grant_id", r.GrantID},
		{"session_id", r.SessionID}, {"grant_type", r.GrantType}, {"scope", r.Scope}, {"source", r.Source}, {"node", r.Node},
	} {
		if part.text != "" {
			c.printf(" %s=%q", part.name, part.text)
		}
	}
	for _, detail := range r.Details {
		c.printf(" %s=%q", detail.Key, detail.Value)
	}
	c.printf("\n")
}
