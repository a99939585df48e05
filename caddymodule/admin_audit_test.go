package caddymodule_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// auditRecord is what the admin API answers of a record.
type auditRecord struct {
	ID, Event, Outcome, Actor, Source, Node, Realm, Subject string
	Client                                                  string `json:"client_id"`
	Time                                                    time.Time
	Details                                                 map[string]string
}

type auditPage struct {
	Records []auditRecord
	Next    string
}

// records reads a page of the audit log once it has so many records: the store is
// given them within a second.
func (o *operated) records(query string, count int) (page auditPage) {
	o.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		page = auditPage{}
		o.must(http.MethodGet, "/oauth2/audit?"+query, nil, &page)
		if len(page.Records) >= count {
			return page
		}
		select {
		case <-tick.C:
		case <-deadline:
			o.t.Fatalf("%s: %d records, want %d", query, len(page.Records), count)
		}
	}
}

func TestAuditOfTheAdminAPI(t *testing.T) {
	o := newOperated(t, "deny_list\naudit {\nstore\n}", setup{})
	var made entry
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"sub": "u-1", "issuer": o.issuer.URL}, &made)
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"jti": "a-secret-token", "expires_in": "1h"}, nil)
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"client": "web"}, nil)
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"sid": "s-1"}, nil)
	o.must(http.MethodDelete, "/oauth2/deny/"+made.ID, nil, nil)
	// What changes nothing is told to nobody.
	o.mustRefuse(http.MethodDelete, "/oauth2/deny/"+made.ID, nil, http.StatusNotFound, "no such entry")
	o.mustRefuse(http.MethodPost, "/oauth2/deny", map[string]string{}, http.StatusBadRequest, "one of jti")

	all := o.records("", 5)
	if len(all.Records) != 5 || all.Next != "" {
		t.Fatalf("records %+v", all)
	}
	removed, added := all.Records[0], all.Records[4]
	if removed.Event != "denial_removed" || removed.Details["denial_id"] != made.ID {
		t.Errorf("the newest is %+v", removed)
	}
	if added.Event != "denial_added" || added.Outcome != "success" || added.Actor != "admin" || added.Subject != "u-1" || added.Source != "127.0.0.1" ||
		added.Node == "" || added.Details["denial_id"] != made.ID || added.Details["kind"] != "sub" || added.Details["issuer"] != o.issuer.URL ||
		time.Since(added.Time) > time.Minute {
		t.Errorf("the oldest is %+v", added)
	}
	for query, want := range map[string]int{
		"event=denial_removed": 1, "subject=u-1": 1, "client=web": 1, "realm=/": 0, "since=1h": 5, "since=0s": 0,
		"since=" + url.QueryEscape(time.Now().Add(-time.Hour).Format(time.RFC3339)): 5, "subject=" + url.QueryEscape("' OR 1=1"): 0,
	} {
		if page := o.records(query, want); len(page.Records) != want {
			t.Errorf("%s: %+v", query, page)
		}
	}
	first := o.records("limit=3", 3)
	second := o.records("limit=3&before="+first.Next, 2)
	if len(first.Records) != 3 || len(second.Records) != 2 || second.Next != "" || second.Records[1].ID != added.ID {
		t.Errorf("pages %+v, %+v", first, second)
	}
	for query, want := range map[string]string{
		"event=made_up": "there is no such event", "since=yesterday": "since is", "since=1960-01-01T00:00:00Z": "since is", "limit=0": "limit is",
		"limit=1001": "limit is", "sub=x": "there are the parameters", "realm=/&realm=/b": "stands once", "subject=%00": "without NUL", "subject=%ff": "UTF-8",
	} {
		o.mustRefuse(http.MethodGet, "/oauth2/audit?"+query, nil, http.StatusBadRequest, want)
	}
	o.mustRefuse(http.MethodPost, "/oauth2/audit", nil, http.StatusMethodNotAllowed, "there are GET")
	o.mustNotHold("a-secret-token")
	if got := o.metric(`caddy_oauth2_security_events_total{event="denial_added",realm=""}`); got < 4 {
		t.Errorf("%v additions are counted", got)
	}
	if waiting := o.metric(`caddy_oauth2_audit_records_waiting`); waiting != 0 {
		t.Errorf("%v records wait", waiting)
	}
}

// Whoever asks for what is not kept learns where it is.
func TestAuditThatIsNotKept(t *testing.T) {
	o := newOperated(t, "deny_list", setup{})
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"sub": "u-1"}, nil)
	o.mustRefuse(http.MethodGet, "/oauth2/audit", nil, http.StatusConflict, "audit { store }")
	if status, text := o.tell(http.MethodGet, "/oauth2/audit", nil); status != http.StatusConflict || !strings.Contains(text, "oauth2.audit") {
		t.Errorf("%d %s", status, text)
	}
}
