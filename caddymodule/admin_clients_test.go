package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden documents anew")

// realmOption is a realm with a client of its own, for newRegistry.
const realmOption = `deny_list
	realm / {
		issuer http://localhost/oauth2
		resource ` + apiAudience + `
		grants client_credentials refresh_token
		client fixed {
			secret s3cret-of-the-configuration
			grants client_credentials
		}
	}`

// newRegistry is a gateway that takes the tokens of a realm which stands in the
// same site.
func newRegistry(t *testing.T) *operated {
	t.Helper()
	return newOperated(t, realmOption, setup{site: "oauth2_server\n", block: "realm /"})
}

// machine is a registration of a client of machines, with members of its own.
func machine(pairs ...any) map[string]any {
	out := map[string]any{"grants": []string{"client_credentials"}, "scopes": []string{"read"}, "default_scopes": []string{"read"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

// madeClient is what the admin API answers.
type madeClient struct {
	Version int64
	Source  string
	Secret  string
	Problem string
	Client  struct {
		ID       string
		Scopes   []string
		Disabled bool
	}
	Secrets []struct{ ID string }
}

// tokenOf asks for a token of a client's own and gives it, or the error.
func (o *operated) tokenOf(id, secret string) (token, fault string) {
	o.t.Helper()
	body := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()
	answer := o.raw(fmt.Sprintf("POST /oauth2/access_token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", o.address, len(body), body))
	var document struct {
		AccessToken string `json:"access_token"`
		Error       string
	}
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil {
		o.t.Fatal(err)
	}
	return document.AccessToken, document.Error
}

// wantToken is tokenOf for what must work.
func (o *operated) wantToken(id, secret string) string {
	o.t.Helper()
	token, fault := o.tokenOf(id, secret)
	if fault != "" {
		o.t.Fatalf("%s gets %s", id, fault)
	}
	return token
}

// wantFault is tokenOf for what must not.
func (o *operated) wantFault(id, secret, want string) {
	o.t.Helper()
	if _, fault := o.tokenOf(id, secret); fault != want {
		o.t.Errorf("%s gets %q, want %q", id, fault, want)
	}
}

// golden compares what the admin API answers with testdata/admin/name. What is
// another each time has its name in its place.
func (o *operated) golden(name, method, path string, body any) {
	o.t.Helper()
	status, text := o.tell(method, path, body)
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(text), "", "\t"); err != nil {
		o.t.Fatalf("%v: %s", err, text)
	}
	got := fmt.Sprintf("%s %s: %d\n%s", method, path, status, &indented)
	for pattern, name := range map[string]string{
		`"20\d\d-[0-9T:.-]+Z"`: `"TIME"`, `"secret": "[A-Za-z0-9_-]{43}"`: `"secret": "SECRET"`, `"id": "[a-z0-9]{12}"`: `"id": "SECRET-ID"`,
	} {
		got = regexp.MustCompile(pattern).ReplaceAllString(got, name)
	}
	file := filepath.Join("testdata", "admin", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		o.t.Fatal(err)
	}
	if got != string(want) {
		o.t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// A client is registered, changed and deleted without a reload, and what it may
// do follows at once.
func TestClientsComeAndGoWithoutAReload(t *testing.T) {
	o := newRegistry(t)
	var made madeClient
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "batch/1"), &made)
	if made.Source != "store" || made.Version == 0 || len(made.Secret) != 43 || len(made.Secrets) != 1 {
		t.Fatalf("%+v", made)
	}
	o.mustNotHold(made.Secret)
	token := "Authorization: Bearer " + o.wantToken("batch/1", made.Secret)
	wantStatus(t, o.send("GET /", token), http.StatusOK)
	wantStatus(t, o.send("GET /", token), http.StatusOK)

	path := "/oauth2/clients/batch%2F1"
	var shown madeClient
	o.must(http.MethodGet, path, nil, &shown)
	if shown.Secret != "" || shown.Version != made.Version {
		t.Errorf("%+v", shown)
	}
	next := fmt.Sprintf("%s?version=%d", path, made.Version)
	o.must(http.MethodPut, next, machine("disabled", true), &shown)
	wantStatus(t, o.send("GET /", token), http.StatusUnauthorized)
	o.wantFault("batch/1", made.Secret, "invalid_client")
	o.mustRefuse(http.MethodPut, next, machine(), http.StatusConflict, "changed meanwhile")
	o.mustRefuse(http.MethodDelete, next, nil, http.StatusConflict, "changed meanwhile")
	o.must(http.MethodPut, path, machine(), &shown)
	wantStatus(t, o.send("GET /", token), http.StatusOK)

	// A reload keeps it.
	if err := reload(strings.Replace(o.caddyfile, "admin off", "admin "+o.admin, 1) + "\n# again\n"); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, o.send("GET /", token), http.StatusOK)
	o.wantToken("batch/1", made.Secret)

	o.must(http.MethodDelete, path, nil, nil)
	wantStatus(t, o.send("GET /", token), http.StatusUnauthorized)
	o.wantFault("batch/1", made.Secret, "invalid_client")
	o.mustRefuse(http.MethodDelete, path, nil, http.StatusNotFound, "no client")
}

// CL4, CL5: the next secret is added, the old one taken off; one that was made
// is shown once, one that was chosen never.
func TestCL4_SecretsAreReplacedOneByOne(t *testing.T) {
	o := newRegistry(t)
	var made madeClient
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "batch", "secrets", []string{"chosen-by-an-operator"}), &made)
	if made.Secret != "" {
		t.Error("a secret that was chosen is shown")
	}
	o.wantToken("batch", "chosen-by-an-operator")
	const secrets = "/oauth2/clients/batch/secrets"
	var added struct{ ID, Secret, Expires string }
	o.must(http.MethodPost, secrets, map[string]any{"expires_in": "90d"}, &added)
	if len(added.Secret) != 43 || added.Expires == "" {
		t.Fatalf("%+v", added)
	}
	o.wantToken("batch", added.Secret)
	o.wantToken("batch", "chosen-by-an-operator")
	o.mustRefuse(http.MethodPost, secrets, nil, http.StatusConflict, "has 2 secrets")
	o.must(http.MethodDelete, secrets+"/"+made.Secrets[0].ID, nil, nil)
	o.wantFault("batch", "chosen-by-an-operator", "invalid_client")
	o.wantToken("batch", added.Secret)
	o.mustRefuse(http.MethodDelete, secrets+"/"+made.Secrets[0].ID, nil, http.StatusNotFound, "has no secret")
	const hash = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"
	o.must(http.MethodPost, secrets, map[string]any{"secret": hash}, nil)
	o.wantToken("batch", "Ch4ng31t")

	for _, c := range []struct {
		body map[string]any
		want string
	}{
		{map[string]any{"expires_in": "-1d"}, "ends in the future"},
		{map[string]any{"expires_in": "soon"}, "expires_in as a duration"},
		{map[string]any{"expires": "2001-01-01T00:00:00Z"}, "ends in the future"},
		{map[string]any{"secret": "{env.SECRET}"}, "is a placeholder"},
		{map[string]any{"secret": "$2a$04$short"}, "cannot be used as one"},
		{map[string]any{"digest": "x"}, "no other members than secret"},
	} {
		o.mustRefuse(http.MethodPost, secrets, c.body, http.StatusBadRequest, c.want)
	}
	o.must(http.MethodPost, "/oauth2/clients", map[string]any{
		"id": "app", "public": true, "grants": []string{"refresh_token"},
	}, nil)
	o.mustRefuse(http.MethodPost, "/oauth2/clients/app/secrets", nil, http.StatusBadRequest, "is public")
	for _, secret := range []string{"chosen-by-an-operator", added.Secret, "s3cret-of-the-configuration"} {
		_, list := o.tell(http.MethodGet, "/oauth2/clients", nil)
		o.mustNotHold(secret, list)
	}
	// One that was public is given a secret with its registration.
	o.must(http.MethodPut, "/oauth2/clients/app", machine(), &made)
	o.wantToken("app", made.Secret)
}

func TestWhatTheAdminAPIRefusesOfClients(t *testing.T) {
	o := newRegistry(t)
	with := func(pairs ...any) map[string]any { return machine(append([]any{"id", "batch"}, pairs...)...) }
	good := with()
	for _, c := range []struct {
		body any
		code int
		want string
	}{
		{with("id", "fixed"), http.StatusConflict, "the configuration has a client"},
		{with("id", "."), http.StatusBadRequest, "choose another"},
		{with("id", ".."), http.StatusBadRequest, "choose another"},
		{with("id", "/"), http.StatusBadRequest, "choose another"},
		{with("grants", []string{"password"}), http.StatusBadRequest, "add it to the realm's grants"},
		{with("grants", nil), http.StatusBadRequest, "lists no grants"},
		{with("public", true), http.StatusBadRequest, "proves nothing without a secret"},
		{with("redirect_uri", "x"), http.StatusBadRequest, "redirect_uri"},
		{with("access_token", map[string]any{"lifetime": "100d"}), http.StatusBadRequest, "the limit here is 24h"},
		{with("id_token", map[string]any{"algorithm": "ES384"}), http.StatusBadRequest, "no key for ES384"},
		{with("rate_limit", map[string]any{"requests": 0, "per": "1m"}), http.StatusBadRequest, "rate_limit"},
		{with("secrets", []string{"a", "b", "c"}), http.StatusBadRequest, "more than two secrets"},
		{"{", http.StatusBadRequest, "ends before"},
		{with("name", strings.Repeat("x", 70_000)), http.StatusRequestEntityTooLarge, "larger than"},
	} {
		o.mustRefuse(http.MethodPost, "/oauth2/clients", c.body, c.code, c.want)
	}
	o.must(http.MethodPost, "/oauth2/clients", good, nil)
	o.mustRefuse(http.MethodPost, "/oauth2/clients", good, http.StatusConflict, "already")
	o.mustRefuse(http.MethodPost, "/oauth2/clients?realm=/nope", good, http.StatusNotFound, "there are /")
	o.mustRefuse(http.MethodPut, "/oauth2/clients/batch", with("id", "other"), http.StatusBadRequest, "keeps its id")
	o.mustRefuse(http.MethodPut, "/oauth2/clients/batch", with("secrets", []string{"x"}), http.StatusBadRequest, "/secrets")
	o.mustRefuse(http.MethodPut, "/oauth2/clients/batch?version=x", good, http.StatusBadRequest, "version is the number")
	o.mustRefuse(http.MethodPut, "/oauth2/clients/fixed", with("id", "fixed"), http.StatusConflict, "change it there")
	o.mustRefuse(http.MethodPut, "/oauth2/clients/nobody", with("id", "nobody"), http.StatusNotFound, "no client")
	o.mustRefuse(http.MethodDelete, "/oauth2/clients/fixed", nil, http.StatusConflict, "change it there")
	o.mustRefuse(http.MethodPost, "/oauth2/clients/fixed/secrets", nil, http.StatusConflict, "change it there")
	o.mustRefuse(http.MethodPatch, "/oauth2/clients/batch", nil, http.StatusMethodNotAllowed, "PUT")
	o.mustRefuse(http.MethodGet, "/oauth2/clients?limit=0", nil, http.StatusBadRequest, "limit")
	// PostgreSQL keeps no NUL, and 503 would say to try again.
	for method, path := range map[string]string{
		http.MethodGet: "/oauth2/clients?after=%00", http.MethodPut: "/oauth2/clients/%00", http.MethodPost: "/oauth2/clients/%ff/secrets",
		http.MethodDelete: "/oauth2/clients/batch/secrets/%00",
	} {
		o.mustRefuse(method, path, good, http.StatusBadRequest, "UTF-8 without NUL")
	}
	o.mustRefuse(http.MethodDelete, "/oauth2/deny/%00", nil, http.StatusBadRequest, "UTF-8 without NUL")
}

func TestClientsAreListedPageByPage(t *testing.T) {
	o := newRegistry(t)
	for _, id := range []string{"a", "b", "g", "z"} {
		o.must(http.MethodPost, "/oauth2/clients", machine("id", id), nil)
	}
	var all []string
	for after := ""; ; {
		var page struct {
			Clients []madeClient
			Next    string
		}
		o.must(http.MethodGet, "/oauth2/clients?limit=2&after="+after, nil, &page)
		for _, c := range page.Clients {
			all = append(all, c.Source+":"+c.Client.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if got := strings.Join(all, " "); got != "store:a store:b config:fixed store:g store:z" {
		t.Errorf("listed %s", got)
	}
}

func TestTheAnswersOfTheAdminAPI(t *testing.T) {
	o := newRegistry(t)
	o.golden("client_created.json", http.MethodPost, "/oauth2/clients", `{"id":"orders","grants":["client_credentials"],"scopes":["read"],
		"access_token":{"lifetime":"5m"},"rate_limit":{"requests":100,"per":"1m"},"token_quota":{"tokens":10000,"per":"24h"}}`)
	o.golden("client_replaced.json", http.MethodPut, "/oauth2/clients/orders?version=1", `{"grants":["client_credentials"],"disabled":true}`)
	o.golden("clients.json", http.MethodGet, "/oauth2/clients", nil)
	o.golden("secret_added.json", http.MethodPost, "/oauth2/clients/orders/secrets", `{"expires_in":"90d"}`)
	o.golden("client_unknown.json", http.MethodGet, "/oauth2/clients/nobody", nil)
	o.golden("realms.json", http.MethodGet, "/oauth2/realms", nil)
	o.golden("realm_switched.json", http.MethodPut, "/oauth2/realms/switches", `{"disabled":true,"grants":{"refresh_token":false}}`)
	o.golden("realm_conflict.json", http.MethodPut, "/oauth2/realms/switches?version=7", `{}`)
}

// A realm is taken out of service and back by its operator.
func TestRealmsAreSwitchedWithoutAReload(t *testing.T) {
	o := newRegistry(t)
	var made madeClient
	o.must(http.MethodPost, "/oauth2/clients", machine("id", "batch"), &made)
	token := "Authorization: Bearer " + o.wantToken("batch", made.Secret)
	wantStatus(t, o.send("GET /", token), http.StatusOK)
	o.must(http.MethodPut, "/oauth2/realms/switches", map[string]any{"disabled": true}, nil)
	wantStatus(t, o.send("GET /", token), http.StatusUnauthorized)
	o.wantFault("batch", made.Secret, "temporarily_unavailable")
	// A call without a body does not take it back into service.
	o.mustRefuse(http.MethodPut, "/oauth2/realms/switches", nil, http.StatusBadRequest, "how all switches")
	o.mustRefuse(http.MethodPut, "/oauth2/realms/switches", "null", http.StatusBadRequest, "how all switches")
	wantStatus(t, o.send("GET /", token), http.StatusUnauthorized)
	o.must(http.MethodPut, "/oauth2/realms/switches", map[string]any{"grants": map[string]bool{"client_credentials": false}}, nil)
	wantStatus(t, o.send("GET /", token), http.StatusOK)
	o.wantFault("batch", made.Secret, "unsupported_grant_type")
	if err := reload(strings.Replace(o.caddyfile, "admin off", "admin "+o.admin, 1) + "\n# again\n"); err != nil {
		t.Fatal(err)
	}
	o.wantFault("batch", made.Secret, "unsupported_grant_type")
	o.must(http.MethodPut, "/oauth2/realms/switches", "{}", nil)
	o.wantToken("batch", made.Secret)
	o.mustRefuse(http.MethodPut, "/oauth2/realms/switches", map[string]any{"grants": map[string]bool{"magic": true}}, http.StatusBadRequest, "unknown grant")
	o.mustRefuse(http.MethodPut, "/oauth2/realms/switches", map[string]any{"json_authenticate": true}, http.StatusBadRequest, "declare one with")
	o.mustRefuse(http.MethodPut, "/oauth2/realms/switches", map[string]any{"clients": 1}, http.StatusBadRequest, "no other members than disabled")
	o.mustRefuse(http.MethodPut, "/oauth2/realms/switches?realm=/nope", "{}", http.StatusNotFound, "there is no realm")
}

func TestWithoutARealmThereAreNoClients(t *testing.T) {
	o := newOperated(t, "deny_list", setup{})
	o.mustRefuse(http.MethodGet, "/oauth2/clients", nil, http.StatusConflict, "this process has no realm")
	_, text := o.tell(http.MethodGet, "/oauth2/realms", nil)
	if strings.TrimSpace(text) != `{"realms":[]}` {
		t.Errorf("realms %s", text)
	}
}
