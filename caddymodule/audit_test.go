package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// auditLines reads the lines of the audit log from a log file, without those of
// the keys that a first start makes.
func (w world) auditLines(file string) (lines []map[string]any) {
	w.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			w.t.Fatalf("%v: %s", err, line)
		}
		if fields["logger"] == "oauth2.audit" && fields["event"] != string(audit.KeyCreated) {
			lines = append(lines, fields)
		}
	}
	return lines
}

func (w world) log() string { return filepath.Join(w.dir, "log") }

// kept reads the audit records of the test's database, which nobody has open,
// without those of the keys that a first start makes.
func (w world) kept(query audit.Query) []audit.Record {
	w.t.Helper()
	st, err := sqlstore.OpenSQLite(w.t.Context(), w.database())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	query.Limit = 10_000
	records, err := st.AuditRecords(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(records, func(record audit.Record) bool { return record.Event == audit.KeyCreated })
}

// freshAllowance gives the test bursts of its own, at a time that stands still.
func freshAllowance(t *testing.T) (pass func(time.Duration)) {
	t.Helper()
	now, before := time.Now(), auditLines
	auditLines = newLineLimit(func() time.Time { return now })
	t.Cleanup(func() { auditLines = before })
	return func(d time.Duration) { now = now.Add(d) }
}

// A record is one line, whatever is in it, and the same in the store.
func TestF29_AnAuditRecordIsOneLine(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", "audit {\nstore\n}"))
	hostile := "x\n{\"logger\":\"oauth2.audit\",\"event\":\"forged\"}\x00\x1b[2J" + strings.Repeat("y", 1<<16)
	ctx := context.WithValue(t.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "192.0.2.7"})
	app.auditor.Record(ctx, audit.Record{
		Time: time.UnixMilli(1_900_000_000_123), Event: audit.SignInFailed, Actor: audit.ByUser, Realm: "/", ClientID: hostile, Subject: hostile,
		Details: audit.Details{{Key: audit.Reason, Value: hostile}},
	})
	w.stop()
	lines := w.auditLines(w.log())
	if len(lines) != 1 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	line := lines[0]
	for name, want := range map[string]any{
		"level": "warn", "msg": "audit", "event": "sign_in_failed", "outcome": "failure", "actor": "user",
		"realm": "/", "source": "192.0.2.7",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if at, _ := line["ts"].(float64); int64(at*1000) != 1_900_000_000_123 {
		t.Errorf("at %v", line["ts"])
	}
	node, _ := os.Hostname()
	if text, _ := json.Marshal(line); len(text) > 2000 || line["node"] != node || line["grant_id"] != nil {
		t.Errorf("the line is %s", text)
	}
	records := w.kept(audit.Query{})
	if len(records) != 1 || records[0].Subject != line["subject"] || records[0].Source != "192.0.2.7" || records[0].Time.UnixMilli() != 1_900_000_000_123 {
		t.Errorf("kept %+v", records)
	}
}

// Whoever asks for tokens, and then stops the process at once, finds every one of
// them in the store.
func TestF17_AGracefulStopLosesNoRecord(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", "audit {\nstore\nkeep 1d\n}"))
	for range 300 {
		tokenFor(t, app, "/oauth2", "a")
	}
	w.stop()
	if lines := w.auditLines(w.log()); len(lines) != 300 {
		t.Errorf("%d lines", len(lines))
	}
	records := w.kept(audit.Query{Event: audit.TokenIssued, Realm: "/", ClientID: "a", Subject: "a"})
	if len(records) != 300 || records[0].GrantType != "client_credentials" || records[0].Actor != audit.ByClient || records[0].Scope != "write" {
		t.Errorf("%d records are kept, the last %+v", len(records), records[:min(1, len(records))])
	}
}

// Requests of an older configuration are told to the log of the newest: their own
// may be closed.
func TestF17_AReloadLosesNoRecord(t *testing.T) {
	w := newWorld(t)
	config := w.config("a", "")
	before := w.load(config)
	other := filepath.Join(w.dir, "other")
	after := w.load(bytes.ReplaceAll(config, []byte(w.log()+`"`), []byte(other+`"`)))
	tokenFor(t, before, "/oauth2", "a")
	tokenFor(t, after, "/oauth2", "a")
	// A configuration that fails takes nothing along.
	w.mustFail(w.config("b", "", "no_such_app"), "no_such_app")
	tokenFor(t, before, "/oauth2", "a")
	w.stop()
	if lines := w.auditLines(other); len(lines) != 3 {
		t.Errorf("%d lines in the new log, %d in the old", len(lines), len(w.auditLines(w.log())))
	}
}

// What strangers cause is bounded in the log and in the store, and counted.
func TestF29_AFloodOfFailuresIsBounded(t *testing.T) {
	pass := freshAllowance(t)
	w := newWorld(t)
	app := w.load(w.config("a", "audit {\nstore\n}"))
	fail := func() {
		ask(t, app, post("/oauth2/access_token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"a"}, "client_secret": {"wrong"}}))
	}
	before := counted(t, audit.ClientAuthFailed)
	for range 1000 {
		fail()
	}
	tokenFor(t, app, "/oauth2", "a")
	pass(time.Second)
	fail()
	if failures := counted(t, audit.ClientAuthFailed) - before; failures != 1001 {
		t.Errorf("%v failures are counted", failures)
	}
	w.stop()
	failed := slices.DeleteFunc(w.auditLines(w.log()), func(line map[string]any) bool { return line["event"] != "client_auth_failed" })
	if len(failed) != 101 || failed[100]["details"].(map[string]any)["not_recorded"] != "900" {
		t.Errorf("%d lines, the last %v", len(failed), failed[len(failed)-1])
	}
	if kept := w.kept(audit.Query{Event: audit.ClientAuthFailed}); len(kept) != 101 || kept[0].Details.Get(audit.NotRecorded) != "900" {
		t.Errorf("%d records are kept", len(kept))
	}
	if kept := w.kept(audit.Query{Event: audit.TokenIssued}); len(kept) != 1 {
		t.Errorf("%d tokens are kept beside the flood", len(kept))
	}
}

func TestAuditOff(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", "audit {\nstore\noff token_issued\n}"))
	before := counted(t, audit.TokenIssued)
	tokenFor(t, app, "/oauth2", "a")
	app.audit(t.Context(), audit.Record{Event: audit.KeyPromoted, Realm: "/"})
	w.stop()
	if lines := w.auditLines(w.log()); len(lines) != 1 || lines[0]["event"] != "key_promoted" || lines[0]["actor"] != "system" {
		t.Errorf("lines %v", lines)
	}
	if after := counted(t, audit.TokenIssued); after != before+1 {
		t.Error("what is not recorded is not counted either")
	}
	if records := w.kept(audit.Query{}); len(records) != 1 {
		t.Errorf("kept %v", records)
	}
}

func TestAuditSettingsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	for lines, want := range map[string]string{
		"audit {\nkeep 1d\n}":                        "audit: keep is for records in the store",
		"audit {\noff sign_in sign_in\n}":            "audit: event sign_in is switched off twice",
		"audit {\nstore\noff code_issued sign_in\n}": "",
	} {
		if want == "" {
			w.load(w.config("a", lines))
			continue
		}
		w.mustFail(w.config("a", lines), want)
	}
	for member, want := range map[string]string{
		`"off":["made_up"]`:      `audit: there is no event "made_up"`,
		`"store":true,"keep":-1`: "audit: keep is a time over zero",
	} {
		w.mustFail(bytes.Replace(w.config("a", ""), []byte(`"oauth2":{`), []byte(`"oauth2":{"audit":{`+member+`},`), 1), want)
	}
}

// Without realms the store is opened for the records alone.
func TestAGatewayWithoutRealmsKeepsRecords(t *testing.T) {
	w := newWorld(t)
	app := w.load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}},"apps":{"oauth2":{"storage":{"module":"sqlite","path":` +
		strconv.Quote(w.database()) + `},"audit":{"store":true}}}}`))
	app.audit(t.Context(), audit.Record{Event: audit.DenialAdded})
	w.stop()
	if records := w.kept(audit.Query{}); len(records) != 1 || records[0].Event != audit.DenialAdded {
		t.Errorf("kept %v", records)
	}
}

// The store may be full or closed: requests go on, and it is counted.
func TestARecordThatFindsNoRoomIsCounted(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", "audit {\nstore\n}"))
	w.stop()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(auditLostTotal)
	lost := func() float64 { return gathered(t, registry)["caddy_oauth2_audit_records_lost_total"] }
	before := lost()
	app.audit(t.Context(), audit.Record{Event: audit.KeyPromoted})
	if after := lost(); after != before+1 {
		t.Errorf("lost %v records", after-before)
	}
	if waiting := waitingRecords(); waiting != 0 {
		t.Errorf("%v records wait", waiting)
	}
}

func TestOnlyRequestsToTheAdminAPIAreByAdmins(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for remote, want := range map[string]string{"192.0.2.1:4711": "192.0.2.1", "[2001:db8::1]:80": "2001:db8::1", "@": "", "": ""} {
		r.RemoteAddr = remote
		if source, isAdmin := adminSource(byAdmin(r).Context()); !isAdmin || source != want {
			t.Errorf("%q: %q, %v", remote, source, isAdmin)
		}
	}
	if _, isAdmin := adminSource(t.Context()); isAdmin {
		t.Error("anybody is an operator")
	}
}

func BenchmarkAuditRecord(b *testing.B) {
	app := &App{}
	lines := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zapcore.InfoLevel)
	app.auditor = &auditor{app: app, log: zap.New(lines), node: "node-1"}
	record := audit.Record{
		Time: time.Now(), Event: audit.TokenIssued, Actor: audit.ByClient, Realm: "/", ClientID: "machine", Subject: "machine",
		GrantType: "client_credentials", Scope: "read write",
	}
	ctx := context.WithValue(b.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "192.0.2.7"})
	runningStorages.mu.Lock()
	runningStorages.all = append(runningStorages.all, &runningStorage{app: app})
	runningStorages.mu.Unlock()
	b.Cleanup(func() { keepOut(app) })
	b.ReportAllocs()
	for b.Loop() {
		app.auditor.Record(ctx, record)
	}
}
