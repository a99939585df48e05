package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// defaultAuditPage is how many records an answer has when nothing is said.
const defaultAuditPage = 100

var errNoAudit = errors.New("the store keeps no audit records: add `audit { store }` to the global option oauth2 { }. " +
	"Until then they are in the log only, with the logger name oauth2.audit")

// auditAnswer is a page of audit records.
type auditAnswer struct {
	// Records are those of this page, the newest first.
	Records []audit.Record `json:"records"`

	// Next is the `before` of the next page; absent on the last.
	Next string `json:"next,omitempty"`
}

// listAudit answers GET /oauth2/audit?realm=&event=&subject=&client=&since=&limit=&before=.
func listAudit(app *App, r *http.Request) (any, error) {
	if app.auditor.keep == 0 {
		return nil, apiError(http.StatusConflict, errNoAudit)
	}
	query, err := readAuditQuery(r.URL.Query(), time.Now())
	if err != nil {
		return nil, err
	}
	records, err := app.auditRecords(r.Context(), query)
	if err != nil {
		return nil, apiError(http.StatusServiceUnavailable, err)
	}
	answer := auditAnswer{Records: records}
	if len(records) == query.Limit {
		answer.Next = records[len(records)-1].ID
	}
	if records == nil {
		answer.Records = []audit.Record{}
	}
	return answer, nil
}

// readAuditQuery reads what is asked for, strictly: a filter that is misspelt
// would show what it was to hide.
func readAuditQuery(values url.Values, now time.Time) (audit.Query, error) {
	query := audit.Query{Limit: defaultAuditPage}
	for name, given := range values {
		if len(given) != 1 {
			return query, badRequest("each parameter stands once")
		}
		value := given[0]
		if !utf8.ValidString(value) || strings.Contains(value, "\x00") {
			return query, badRequest("a parameter is UTF-8 text without NUL")
		}
		switch name {
		case "realm":
			query.Realm = value
		case "subject":
			query.Subject = value
		case "client":
			query.ClientID = value
		case "before":
			query.Before = value
		case "event":
			query.Event = audit.Event(value)
			if value != "" && !query.Event.Known() {
				return query, badRequest("there is no such event; there are " + eventNames())
			}
		case "since":
			since, err := readSince(value, now)
			if err != nil {
				return query, err
			}
			query.Since = since
		case "limit":
			limit, err := readLimit(value, listPage)
			if err != nil {
				return query, err
			}
			query.Limit = limit
		default:
			return query, badRequest("there are the parameters realm, event, subject, client, since, limit and before")
		}
	}
	return query, nil
}

// readSince reads a time, or a duration before now.
func readSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if span, err := caddy.ParseDuration(text); err == nil && span >= 0 {
		return now.Add(-span), nil
	}
	since, err := time.Parse(time.RFC3339, text)
	if err != nil || since.Before(time.Unix(0, 0)) {
		return since, badRequest("since is a duration such as 90m or 7d, or a time such as " + time.RFC3339)
	}
	return since, nil
}

// auditRecords reads from the store.
func (a *App) auditRecords(ctx context.Context, query audit.Query) ([]audit.Record, error) {
	backend, release, err := a.liveBackend(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return backend.AuditRecords(ctx, query)
}
