package storetest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// auditEntry is an entry with every field set, of so many seconds after start.
func auditEntry(seconds int) audit.Entry {
	return audit.Entry{
		Record: audit.Record{
			ID: audit.FirstID(at(seconds)), Time: at(seconds).Add(250 * time.Millisecond),
			Event: audit.TokenIssued, Outcome: audit.Success, Actor: audit.ByClient,
			Realm: "/", ClientID: "web", Subject: "demo", GrantID: "grant", SessionID: "session",
			GrantType: "password", Scope: "read write", Source: "192.0.2.1", Node: "node-1",
			Details: audit.Details{{Key: audit.Method, Value: "client_secret_basic"}, {Key: audit.Reason, Value: `"quoted"`}},
		},
		Expires: at(seconds + 100),
	}
}

// audited reads records and gives the seconds after start that they were made at.
func audited(t *testing.T, s store.Store, query audit.Query) []int {
	t.Helper()
	if query.Limit == 0 {
		query.Limit = 1000
	}
	records := got(s.AuditRecords(t.Context(), query))(t)
	seconds := make([]int, 0, len(records))
	for _, record := range records {
		seconds = append(seconds, int(record.Time.Sub(start)/time.Second))
	}
	return seconds
}

var auditChecks = []check{
	{"records are kept as they were told", func(t *testing.T, s store.Store) {
		full := auditEntry(1)
		wantNoZeroField(t, full)
		wantNoZeroField(t, full.Record)
		least := audit.Entry{
			Record:  audit.Record{ID: audit.FirstID(at(2)), Time: at(2), Event: audit.KeyCreated, Outcome: audit.Success},
			Expires: at(3),
		}
		must(t, s.AppendAudit(t.Context(), []audit.Entry{full, least}))
		wantEqual(t, got(s.AuditRecords(t.Context(), audit.Query{Limit: 10}))(t), []audit.Record{least.Record, full.Record})
	}},
	{"batches of every size are kept whole", func(t *testing.T, s store.Store) {
		made := 0
		for _, size := range []int{0, 1, 2, 3, 63, 64, 65, 127, 300} {
			batch := make([]audit.Entry, size)
			for i := range batch {
				batch[i] = auditEntry(made)
				made++
			}
			must(t, s.AppendAudit(t.Context(), batch))
		}
		want := make([]int, made)
		for i := range want {
			want[i] = made - 1 - i
		}
		wantEqual(t, audited(t, s, audit.Query{}), want)
	}},
	{"a batch may be sent again", func(t *testing.T, s store.Store) {
		batch := []audit.Entry{auditEntry(1), auditEntry(2)}
		must(t, s.AppendAudit(t.Context(), batch))
		must(t, s.AppendAudit(t.Context(), slices.Concat(batch, []audit.Entry{auditEntry(3)})))
		wantEqual(t, audited(t, s, audit.Query{}), []int{3, 2, 1})
	}},
	{"records are found by what they say", findAudited},
	{"records are read in pages, newest first", func(t *testing.T, s store.Store) {
		for n := range 5 {
			must(t, s.AppendAudit(t.Context(), []audit.Entry{auditEntry(n)}))
		}
		wantEqual(t, audited(t, s, audit.Query{Limit: 2}), []int{4, 3})
		wantEqual(t, audited(t, s, audit.Query{Limit: 2, Before: audit.FirstID(at(3))}), []int{2, 1})
		wantEqual(t, audited(t, s, audit.Query{Limit: 2, Before: audit.FirstID(at(1))}), []int{0})
		wantEqual(t, audited(t, s, audit.Query{Since: at(3)}), []int{4, 3})
	}},
	{"records go when they have expired, in batches", func(t *testing.T, s store.Store) {
		for n := range 5 {
			must(t, s.AppendAudit(t.Context(), []audit.Entry{auditEntry(n)}))
		}
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(102), 2))(t), 2)
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(102), 2))(t), 1)
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(102), 2))(t), 0)
		wantEqual(t, audited(t, s, audit.Query{}), []int{4, 3})
	}},
}

func findAudited(t *testing.T, s store.Store) {
	changes := []func(*audit.Entry){
		func(*audit.Entry) {},
		func(e *audit.Entry) { e.Realm = "/customers" },
		func(e *audit.Entry) { e.Subject = "other" },
		func(e *audit.Entry) { e.ClientID = "other" },
		func(e *audit.Entry) { e.Event = audit.SignIn },
	}
	for n, change := range changes {
		entry := auditEntry(n)
		change(&entry)
		must(t, s.AppendAudit(t.Context(), []audit.Entry{entry}))
	}
	for want, query := range map[int]audit.Query{
		1: {Realm: "/customers"}, 2: {Subject: "other"}, 3: {ClientID: "other"}, 4: {Event: audit.SignIn},
	} {
		wantEqual(t, audited(t, s, query), []int{want})
	}
	all := audit.Query{Realm: "/", Subject: "demo", ClientID: "web", Event: audit.TokenIssued, Since: start}
	wantEqual(t, audited(t, s, all), []int{0})
	all.Since = at(1)
	wantEqual(t, audited(t, s, all), []int{})
	if left := audited(t, s, audit.Query{Event: audit.Event("' OR '1'='1" + strconv.Quote("x"))}); !slices.Equal(left, []int{}) {
		t.Errorf("a hostile filter finds %v", left)
	}
}
