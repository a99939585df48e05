package realmtest

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden documents anew")

// Answer is what a handler answered.
type Answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// Do sends a request to a handler.
func Do(t testing.TB, handler http.Handler, request *http.Request) Answer {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return Answer{recorder, t}
}

// Form makes a POST of a form by a client, which authenticates by Basic when it
// has a secret and names itself otherwise.
func Form(clientID string, form url.Values) *http.Request {
	body := url.Values{}
	for name, values := range form {
		body[name] = values
	}
	if clientID == "spa" {
		body.Set("client_id", clientID)
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/endpoint", strings.NewReader(body.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if clientID != "spa" && clientID != "" {
		r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(Secret(clientID)))
	}
	return r
}

// Values makes a form of name, value, name, value.
func Values(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// Document is the JSON object that was answered.
func (a Answer) Document() map[string]any {
	a.t.Helper()
	var document map[string]any
	if err := json.Unmarshal(a.Body.Bytes(), &document); err != nil {
		a.t.Fatalf("status %d with %q: %v", a.Code, a.Body, err)
	}
	return document
}

// Text is a member of the document that is a string, "" when it is not there.
func (a Answer) Text(name string) string {
	a.t.Helper()
	text, _ := a.Document()[name].(string)
	return text
}

// Want fails the test unless the answer has this status and this error code (""
// for a success), and may not be stored by anyone.
func (a Answer) Want(status int, code string) Answer {
	a.t.Helper()
	if a.Code != status || a.Text("error") != code {
		a.t.Fatalf("answered %d %s, want %d %s", a.Code, strings.TrimSpace(a.Body.String()), status, code)
	}
	if a.Header().Get("Cache-Control") != "no-store" {
		a.t.Errorf("Cache-Control is %q", a.Header().Get("Cache-Control"))
	}
	if status == http.StatusServiceUnavailable && a.Header().Get("Retry-After") == "" {
		a.t.Error("a 503 without Retry-After")
	}
	return a
}

// Golden compares a document with testdata/name. Run the test with -update to
// write it anew.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\ngot  %s\nwant %s", path, got, want)
	}
}
