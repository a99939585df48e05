package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// imported is the report of an import.
type imported struct {
	Stored  bool
	Refused int
	Fault   string
	Clients []struct {
		ID, Action, Reason, Secret string
		NewSecret                  bool `json:"new_secret"`
	}
	Switches *struct{ Action, Reason string }
	Consents *struct {
		Count, Added int
		LeftOut      int `json:"left_out"`
	}
	Notes []struct{ Client, Setting, Text string }
}

// actions are what was done with each client.
func (i *imported) actions() map[string]string {
	out := map[string]string{}
	for _, c := range i.Clients {
		out[c.ID] = c.Action
	}
	return out
}

const exportPath, importPath = "/oauth2/realms/export", "/oauth2/realms/import"

// take imports a document and gives the report.
func (o *operated) take(query string, document any) (report imported) {
	o.t.Helper()
	o.must(http.MethodPost, importPath+"?"+query, document, &report)
	return report
}

// wantActions is take for which the actions are known.
func (o *operated) wantActions(query string, document any, stored bool, want map[string]string) imported {
	o.t.Helper()
	report := o.take(query, document)
	if got := report.actions(); !reflect.DeepEqual(got, want) || report.Stored != stored {
		o.t.Errorf("%s: stored %v, %+v; want %v, %v", query, report.Stored, report, stored, want)
	}
	return report
}

// newTarget is an empty installation with users, that allows every grant type.
func newTarget(t *testing.T) *operated {
	t.Helper()
	users, err := filepath.Abs("../docs/example/users.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return newOperated(t, strings.Replace(realmOption, "grants client_credentials refresh_token\n",
		"grants authorization_code client_credentials implicit password refresh_token\nauthentication staff file "+users+
			"\ndefault_authentication staff\n", 1), setup{site: "oauth2_server\n", block: "realm /"})
}

// An installation takes over the clients of another, which has another encryption
// key: they authenticate as before, and what was switched and agreed to is there.
func TestARealmIsCarriedToAnotherInstallation(t *testing.T) {
	first := newRegistry(t)
	var made madeClient
	first.must(http.MethodPost, "/oauth2/clients", machine("id", "batch/1", "name", "Grüße <&> \u0000", "access_token", map[string]any{"lifetime": "5m"}), &made)
	var added struct{ Secret string }
	first.must(http.MethodPost, "/oauth2/clients/batch%2F1/secrets", map[string]any{"expires_in": "90d"}, &added)
	first.must(http.MethodPost, "/oauth2/clients", machine("id", "chosen", "secrets", []string{"chosen-by-an-operator"}), nil)
	first.must(http.MethodPost, "/oauth2/clients", machine("id", "off", "disabled", true), nil)
	first.must(http.MethodPost, "/oauth2/clients", map[string]any{"id": "app", "public": true, "grants": []string{"refresh_token"}}, nil)
	first.must(http.MethodPut, "/oauth2/realms/switches", map[string]any{"grants": map[string]bool{"refresh_token": false}}, nil)
	seed := first.take("", `{"format":"caddy-oauth2-realm","version":1,"consents":[
		{"subject":"staff:u-1","client":"app","scope":["read","openid"],"audience":["https://api.test"],"updated":"2026-01-02T03:04:05Z"},
		{"subject":"staff:u-1","client":"nobody","scope":["read"]}]}`)
	if seed.Consents == nil || seed.Consents.Added != 1 || seed.Consents.LeftOut != 1 {
		t.Fatalf("%+v", seed)
	}
	status, document := first.tell(http.MethodGet, exportPath, nil)
	if status != http.StatusOK || !strings.Contains(document, `"configured_clients":["fixed"]`) || !strings.Contains(document, "$argon2id$") {
		t.Fatalf("%d %s", status, document)
	}
	secrets := []string{made.Secret, added.Secret, "chosen-by-an-operator", "s3cret-of-the-configuration"}
	for _, secret := range secrets {
		first.mustNotHold(secret, document)
	}
	if _, again := first.tell(http.MethodGet, exportPath, nil); withoutTime(t, again) != withoutTime(t, document) {
		t.Errorf("a second export differs:\n%s\n%s", document, again)
	}

	second := newRegistry(t)
	all := map[string]string{"batch/1": "created", "chosen": "created", "off": "created", "app": "created"}
	second.wantActions("dry_run=true", document, false, all)
	second.wantFault("batch/1", made.Secret, "invalid_client")
	report := second.wantActions("", document, true, all)
	if report.Switches == nil || report.Switches.Action != "replaced" || report.Consents.Added != 1 {
		t.Errorf("%+v", report)
	}
	second.wantToken("batch/1", made.Secret)
	second.wantToken("batch/1", added.Secret)
	second.wantToken("chosen", "chosen-by-an-operator")
	second.wantFault("off", "x", "invalid_client")
	_, there := second.tell(http.MethodGet, exportPath, nil)
	if withoutTime(t, there) != withoutTime(t, document) {
		t.Errorf("the export of the second differs:\n%s\n%s", document, there)
	}
	for id := range all {
		all[id] = "unchanged"
	}
	report = second.wantActions("", document, true, all)
	if report.Switches.Action != "unchanged" || report.Consents.Added != 0 {
		t.Errorf("%+v", report)
	}
	_, list := second.tell(http.MethodGet, "/oauth2/consents?subject=staff:u-1", nil)
	if !strings.Contains(list, `"scope":"read openid"`) {
		t.Errorf("consents %s", list)
	}
	for _, secret := range append(secrets, "$argon2id$", "$sha256$") {
		second.mustNotHold(secret)
	}
}

// withoutTime is an export without the time at which it was made.
func withoutTime(t *testing.T, document string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &members); err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	delete(members, "exported")
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is there already is not touched unless that is said, and then secrets are
// those of the document.
func TestAnImportReplacesOnlyWhatItIsToldTo(t *testing.T) {
	o := newRegistry(t)
	var made madeClient
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "batch"), &made)
	_, document := o.tell(http.MethodGet, exportPath, nil)
	o.must(http.MethodPut, "/oauth2/clients/batch", machine("name", "changed"), nil)
	var added struct{ Secret string }
	o.must(http.MethodPost, "/oauth2/clients/batch/secrets", nil, &added)
	o.must(http.MethodPut, "/oauth2/realms/switches", map[string]any{"grants": map[string]bool{"refresh_token": false}}, nil)

	o.wantActions("", document, false, map[string]string{"batch": "refused"})
	o.wantToken("batch", added.Secret)
	o.wantActions("replace=true", document, true, map[string]string{"batch": "replaced"})
	o.wantFault("batch", added.Secret, "invalid_client")
	o.wantToken("batch", made.Secret)
	o.wantActions("", document, true, map[string]string{"batch": "unchanged"})

	other := `{"format":"caddy-oauth2-realm","version":1,"switches":{"disabled":true}}`
	if report := o.take("", other); report.Stored || report.Switches.Action != "refused" {
		t.Errorf("%+v", report)
	}
	o.wantToken("batch", made.Secret)
	if report := o.take("replace=true", other); !report.Stored || report.Switches.Action != "replaced" {
		t.Errorf("%+v", report)
	}
	o.wantFault("batch", made.Secret, "temporarily_unavailable")
}

// The documents of other servers, through the endpoint. None of the secrets in
// them is anywhere but in the digest.
func TestClientsComeFromOtherServers(t *testing.T) {
	const testdata = "../authserver/registration/importer/testdata/"
	for _, c := range []struct {
		format, file string
		want         map[string]string
		client       string // one that authenticates
		secret       string // of the document; "" is one that is made
		fault        string // what it gets all the same; "" is a token
		note         string
	}{
		{"keycloak", "keycloak-realm.json", map[string]string{"web": "refused", "spa": "created", "batch": "created", "signer": "created"}, "signer", "", "invalid_scope", "2 users are not imported"},
		{"am", "am-query.json", map[string]string{"myClient": "created", "spa": "refused"}, "myClient", "", "", "has a wildcard"},
		{"am", "am-export.json", map[string]string{"orders": "created"}, "orders", "plain and long enough", "unauthorized_client", "no scripts change tokens"},
	} {
		t.Run(c.file, func(t *testing.T) {
			o := newTarget(t)
			text, err := os.ReadFile(testdata + c.file)
			if err != nil {
				t.Fatal(err)
			}
			report := o.take("skip_bad=true&format="+c.format, string(text))
			if got := report.actions(); !reflect.DeepEqual(got, c.want) || !report.Stored {
				t.Errorf("%+v", report)
			}
			if notes := fmt.Sprint(report.Notes); !strings.Contains(notes, c.note) {
				t.Errorf("notes %s", notes)
			}
			for _, made := range report.Clients {
				if made.ID == c.client {
					secret := made.Secret
					if secret == "" {
						secret = c.secret
					}
					o.wantFault(made.ID, secret, c.fault)
					o.wantFault(made.ID, "another", "invalid_client")
					o.mustNotHold(secret)
				}
			}
			for _, secret := range []string{"plain and long enough", "Zf3pTq0wYvXbN5mK8rLcHs2dGj7eUa9x"} {
				_, exported := o.tell(http.MethodGet, exportPath, nil)
				o.mustNotHold(secret, exported)
			}
			// Again: what is there is known by its secret, too.
			for id, action := range c.want {
				if action == "created" {
					c.want[id] = "unchanged"
				}
			}
			o.wantActions("skip_bad=true&format="+c.format, string(text), true, c.want)
		})
	}
}

// Nothing is stored where one is refused, unless that is said; each reason is told.
func TestWhatAnImportRefuses(t *testing.T) {
	o := newRegistry(t)
	const secret = "canary-8c1f"
	client := func(registration, rest string) string {
		return `{"format":"caddy-oauth2-realm","version":1,"clients":[
			{"client":{"id":"good","grants":["client_credentials"],"scopes":["read"],"default_scopes":["read"]}},{"client":` + registration + rest + `}]}`
	}
	const bad = `{"id":"bad","grants":["client_credentials"]}`
	for _, c := range []struct{ document, want string }{
		{client(`{"id":"bad","grants":["password"]}`, ""), "which its realm does not"},
		{client(`{"id":"bad","grants":["client_credentials"],"secrets":["`+secret+`"]}`, ""), "stand beside it, as digests"},
		{client(`{"id":"bad","`+"x"+`":1}`, ""), "is no member"},
		{client(`{"id":"fixed","grants":["client_credentials"]}`, ""), "stands in the configuration"},
		{client(`{"id":"good","grants":["client_credentials"]}`, ""), "stands in the document 2 times"},
		{client(`{"id":"\u001b[31m\u202e","grants":["client_credentials"]}`, ""), "printable ASCII"},
		{client(`{"id":"`+strings.Repeat("x", 300)+`","grants":["client_credentials"]}`, ""), "printable ASCII"},
		{client(`{"id":"bad","grants":["client_credentials"],"id_token":{"algorithm":"ES384"}}`, ""), "no key for ES384"},
		{client(bad, `,"secrets":[{"digest":"`+secret+`"}]`), "neither an argon2id nor a bcrypt hash"},
		{client(bad, `,"secrets":[{"digest":"$hmac-sha256$`+strings.Repeat("A", 43)+`"}]`), "digest of another process"},
		{client(bad, `,"secrets":[{"digest":"$argon2id$v=19$m=4294967295,t=1,p=1$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA"}]`), "whose memory"},
		{client(bad, `,"secrets":[{"digest":"x"},{"digest":"x"},{"digest":"x"}]`), "more than 2 secrets"},
	} {
		report := o.take("", c.document)
		if text := fmt.Sprintf("%+v", report); report.Stored || report.Refused == 0 || !strings.Contains(text, c.want) || strings.Contains(text, secret) {
			t.Errorf("%s: want %q: %s", c.document, c.want, text)
		}
		o.mustRefuse(http.MethodGet, "/oauth2/clients/good", nil, http.StatusNotFound, "no client")
	}
	report := o.wantActions("skip_bad=true", client(`{"id":"bad","grants":["password"]}`, ""), true, map[string]string{"good": "created", "bad": "refused"})
	o.wantToken("good", report.Clients[0].Secret)
	o.mustNotHold(secret)
}

func TestHostileDocumentsOfARealm(t *testing.T) {
	o := newRegistry(t)
	const secret = "canary-8c1f"
	for _, c := range []struct {
		query, document string
		code            int
		want            string
	}{
		{"", "", http.StatusBadRequest, "ends before"},
		{"", `"` + secret + `"`, http.StatusBadRequest, "where it should not"},
		{"", `{"` + secret + `":1}`, http.StatusBadRequest, "members that such exports do not have"},
		{"", `{"format":"` + secret + `"}`, http.StatusBadRequest, "format=keycloak"},
		{"", `{"format":"caddy-oauth2-realm","version":2}`, http.StatusBadRequest, "reads version 1"},
		{"", strings.Repeat(`{"clients":[`, 1<<20), http.StatusBadRequest, "JSON"},
		{"format=keycloak", strings.Repeat(`[`, 8<<20), http.StatusBadRequest, "JSON"},
		{"format=am", strings.Repeat(`{"a":`, 1<<20), http.StatusBadRequest, "JSON"},
		{"", `{"format":"` + strings.Repeat("x", 16<<20) + `"}`, http.StatusRequestEntityTooLarge, "more than 16777216 bytes"},
		{"", `{"format":"caddy-oauth2-realm","version":1,"clients":[` + strings.Repeat(`{"client":{}},`, 10_000) + `{"client":{}}]}`, http.StatusBadRequest, "more than 10000 clients"},
		{"format=xml", "{}", http.StatusBadRequest, "caddy-oauth2, am or keycloak"},
		{"dry_run=perhaps", "{}", http.StatusBadRequest, "dry_run is true or false"},
		{"realm=/nope", "{}", http.StatusNotFound, "there is no realm"},
	} {
		o.mustRefuse(http.MethodPost, importPath+"?"+c.query, c.document, c.code, c.want)
	}
	o.mustRefuse(http.MethodGet, importPath, nil, http.StatusMethodNotAllowed, "POST")
	o.mustNotHold(secret)
	// Consents that no store could hold are left out, and counted.
	report := o.take("", `{"format":"caddy-oauth2-realm","version":1,"consents":[
		{"subject":"","client":"fixed","scope":["a"]},{"subject":"u\u0000","client":"fixed","scope":["a"]},
		{"subject":"u","client":"fixed","scope":["a b"]},{"subject":"u","client":"fixed"},{"subject":"u","client":"fixed","audience":["no uri"]},
		{"subject":"`+strings.Repeat("u", 2000)+`","client":"fixed","scope":["a"]},{"subject":"u","client":"fixed","scope":["a"]}]}`)
	if !report.Stored || report.Consents.Added != 1 || report.Consents.LeftOut != 6 {
		t.Errorf("%+v", report)
	}
}

// Who exported and imported what is told, without any of it.
func TestExportsAndImportsAreAudited(t *testing.T) {
	o := newOperated(t, "audit {\nstore\n}\n"+realmOption, setup{site: "oauth2_server\n", block: "realm /"})
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "batch"), nil)
	_, document := o.tell(http.MethodGet, exportPath, nil)
	o.must(http.MethodDelete, "/oauth2/clients/batch", nil, nil)
	o.take("dry_run=true", document)
	o.take("", document)
	var got []string
	for _, record := range o.records("limit=4", 4).Records {
		got = append(got, fmt.Sprintf("%s %s %s %v", record.Event, record.Actor, record.Client, record.Details["format"]+record.Details["count"]))
	}
	want := []string{"realm_imported admin  caddy-oauth21", "client_created admin batch ", "client_deleted admin batch ", "realm_exported admin  caddy-oauth21"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
