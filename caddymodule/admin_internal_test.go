package caddymodule

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// status is that of an error of the admin API.
func status(err error) int {
	var api caddy.APIError
	if errors.As(err, &api) {
		return api.HTTPStatus
	}
	return 0
}

// deny puts an entry on the list of an app.
func deny(app *App, body string) error {
	_, err := addDenial(app, httptest.NewRequest(http.MethodPost, "/oauth2/deny", strings.NewReader(body)))
	return err
}

// With realms there is a deny-list, and it outlives the process.
func TestDenyListSurvivesARestart(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	if err := errors.Join(deny(app, `{"sub":"a","issuer":"https://auth.example.com/oauth2"}`), deny(app, `{"jti":"j"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := removeDenial(app, httptest.NewRequest(http.MethodDelete, "/oauth2/deny", strings.NewReader(`{"jti":"j"}`))); err != nil {
		t.Fatal(err)
	}
	old := app.denyList()
	w.stop()
	app = w.load(w.config("a", ""))
	if app.denyList() == old {
		t.Fatal("the list was not read anew")
	}
	list := app.denyList().List()
	if len(list) != 1 || list[0].Kind != introspect.DenySubject || list[0].Value != "a" || list[0].Issuer == "" || list[0].NotBefore.IsZero() {
		t.Errorf("the list is %+v", list)
	}
}

// RS28: a list that was not read is not an empty one, and nothing can be put on it.
func TestDenyListBeforeTheStoreIsOpen(t *testing.T) {
	app := &App{DenyList: true, backend: &pooledBackend{resource: "test", denied: introspect.NewDenyList(time.Now)}}
	if err := deny(app, `{"jti":"j"}`); status(err) != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestDenyListIsBounded(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	entries := make([]introspect.Denial, maxDenials)
	for i := range entries {
		entries[i] = introspect.Denial{ID: strconv.Itoa(i), Kind: introspect.DenyToken, Value: strconv.Itoa(i), Expires: time.Now().Add(time.Hour)}
	}
	known := denial{JTI: "0"}
	entry, err := known.entry(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	entries[0] = enforced(entry)
	app.denyList().Apply(entries)
	if err := deny(app, `{"jti":"one too many"}`); status(err) != http.StatusInsufficientStorage || !strings.Contains(err.Error(), "100000 entries") {
		t.Errorf("got %v", err)
	}
	if err := deny(app, `{"jti":"0"}`); err != nil {
		t.Errorf("an entry that is there cannot be replaced: %v", err)
	}
}

// fakeRemote is an issuer that fails or not.
type fakeRemote struct {
	url   string
	err   error
	asked atomic.Int64
}

func (f *fakeRemote) Status() introspect.Status { return introspect.Status{Issuer: f.url} }

func (f *fakeRemote) RefreshNow(context.Context) error {
	f.asked.Add(1)
	return f.err
}

func TestRefreshAllAsksEachAndNamesThoseThatFail(t *testing.T) {
	good, bad := &fakeRemote{url: "https://good.example"}, &fakeRemote{url: "https://bad.example", err: errors.New("connection refused")}
	err := refreshAll(t.Context(), []remoteIssuer{bad, good})
	if err == nil || err.Error() != "issuer https://bad.example: connection refused" || good.asked.Load() != 1 || bad.asked.Load() != 1 {
		t.Errorf("got %v", err)
	}
	if err := refreshAll(t.Context(), []remoteIssuer{good}); err != nil {
		t.Errorf("got %v", err)
	}
	if list := statuses([]remoteIssuer{good, bad}); list[0].Issuer != bad.url || list[1].Issuer != good.url {
		t.Errorf("not sorted: %v", list)
	}
}

// Realms stand beside the foreign issuers.
func TestAdminListsRealms(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	answer, err := listIssuers(app, httptest.NewRequest(http.MethodGet, "/oauth2/issuers", nil))
	if err != nil {
		t.Fatal(err)
	}
	got := answer.(issuersAnswer)
	want := realmStatus{Name: "/", Issuer: "https://auth.example.com/oauth2", Ready: true}
	if len(got.Issuers) != 0 || len(got.Realms) != 2 || got.Realms[0] != want {
		t.Errorf("got %+v", got)
	}
}

// Whoever is woken by a reason finds help for it.
func TestEveryReasonHasHelp(t *testing.T) {
	found := 0
	for _, dir := range []string{".", "../introspect"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(node ast.Node) bool {
				spec, ok := node.(*ast.ValueSpec)
				if !ok || len(spec.Values) != 1 || !strings.HasPrefix(strings.ToLower(spec.Names[0].Name), "reason") || spec.Names[0].Name == "reasonNone" {
					return true
				}
				literal, ok := spec.Values[0].(*ast.BasicLit)
				if !ok {
					return true
				}
				found++
				if reason, err := strconv.Unquote(literal.Value); err != nil || help[reason] == "" {
					t.Errorf("%s has no help", spec.Names[0].Name)
				}
				return true
			})
		}
	}
	if found < 20 {
		t.Errorf("found %d reasons: the test does not look where they are", found)
	}
}

// What a token or an issuer says can do nothing to the terminal of who reads it.
func TestCommandsPrintNothingThatATerminalObeys(t *testing.T) {
	var out strings.Builder
	client := adminClient{out: &out}
	client.explained(&explained{
		Decision: "refused", Detail: "a\x1b[2Jb\u009bc\u202e", Rule: "allow * /ä*",
		Token: &explainedToken{Claims: []explainedClaim{{Name: "\x1b]0;x\a", Type: "string"}, {Name: "sub", Type: "string", Value: "\u009b1m"}, {Name: "exp", Type: "number", Value: 1.8e9}}},
	})
	for _, r := range out.String() {
		if r != '\n' && !strconv.IsPrint(r) {
			t.Errorf("%q is printed", r)
		}
	}
	for _, want := range []string{"a?[2Jb?c?", "allow * /ä*", `"exp": 2027-01-15T08:00:00Z`, "anybody may have written them"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &out)
		}
	}
}
