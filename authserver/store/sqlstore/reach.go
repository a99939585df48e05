package sqlstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// reach is how the grants of a store.Reach are found. Pages go from the newest
// id down, each by an index that ends with the id.
type reach struct {
	grants, grantsAfter string // whole rows
	ids, idsAfter       string
	// end ends those of a page that began up to a second.
	end string
}

func reachOf(where, began string, spared ...string) reach {
	page := func(columns, after string) string {
		return `SELECT ` + columns + ` FROM grants WHERE ` + where + after + ` ORDER BY id DESC LIMIT ?`
	}
	return reach{
		grants: page(grantColumns, ""), grantsAfter: page(grantColumns, ` AND id < ?`),
		ids: page(`id`, ""), idsAfter: page(`id`, ` AND id < ?`),
		end: `UPDATE grants SET state = 2
			WHERE ` + where + ` AND id >= ? AND id <= ? AND state <> 2 AND ` + began + ` <= ?` + strings.Join(spared, "") + `
			RETURNING id, CASE WHEN created < auth_time THEN auth_time ELSE created END, purge_at`,
	}
}

// reaches has them by what an entry of the revocation log speaks of; 0 is all of
// a realm. What a subject has rests on a sign-in, all else on when it was granted.
// The one that is said not to be empty has the index: schema/3.sql.
var reaches = map[store.RevocationKind]reach{
	0:                    reachOf(`realm = ?`, `created`),
	store.RevokedSubject: reachOf(`realm = ? AND subject = ? AND subject <> ''`, `CASE WHEN auth_time > 0 THEN auth_time ELSE created END`),
	store.RevokedClient:  reachOf(`realm = ? AND client_id = ? AND client_id <> ''`, `created`),
	store.RevokedSession: reachOf(`realm = ? AND session_id = ? AND session_id <> ''`, `created`, outlives),
	store.RevokedConsent: reachOf(`realm = ? AND subject = ? AND subject <> '' AND client_id = ?`, `created`),
}

// outlives spares the grants that Grant.Outlives says outlive their session. A
// scope is a list of texts in JSON, and a scope token has no quotes in it.
const outlives = ` AND REPLACE(scope, '"offline_access"', '') = scope`

// statements gives the statements of a reach and their first arguments.
func statementsOf(r store.Reach) (reach, []any, error) {
	kind := r.Kind()
	args := []any{r.Realm}
	for _, text := range []string{r.Subject, r.ClientID, r.SessionID} {
		if text != "" {
			args = append(args, text)
		}
	}
	if kind == 0 && len(args) > 1 {
		return reach{}, nil, fmt.Errorf("a session has neither a subject nor a client beside it: %+v", r)
	}
	return reaches[kind], args, nil
}

// joinPair makes one text of a subject and a client that no other pair makes,
// splitPair takes it apart.
func joinPair(subject, clientID string) string {
	return strconv.Itoa(len(subject)) + ":" + subject + clientID
}

func splitPair(item string) (subject, clientID string) {
	length, rest, _ := strings.Cut(item, ":")
	if n, err := strconv.Atoi(length); err == nil && n >= 0 && n <= len(rest) {
		return rest[:n], rest[n:]
	}
	return item, "" // not of our making: it speaks of nothing
}
