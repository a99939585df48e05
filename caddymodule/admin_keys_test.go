package caddymodule

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// keysAPI asks the admin API for what it says of keys.
func keysAPI(t *testing.T, app *App, method, path, body string) (keysAnswer, error) {
	t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	handlers := map[string]func(*App, *http.Request) (any, error){
		"/oauth2/keys": listKeys, "/oauth2/keys/rotate": rotateKeys, "/oauth2/keys/retire": retireKey, "/oauth2/keys/remove": removeKey,
	}
	answer, err := handlers[request.URL.Path](app, request)
	keys, _ := answer.(keysAnswer)
	return keys, err
}

func mustKeysAPI(t *testing.T, app *App, method, path, body string) keysAnswer {
	t.Helper()
	answer, err := keysAPI(t, app, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// keyIn finds the one key of a realm by purpose, algorithm and state.
func keyIn(t *testing.T, app *App, realm, purpose, algorithm, state string) keyEntry {
	t.Helper()
	var found []keyEntry
	for _, key := range mustKeysAPI(t, app, http.MethodGet, "/oauth2/keys?realm="+url.QueryEscape(realm), "").Keys {
		if key.Purpose == purpose && key.Algorithm == algorithm && key.State == state {
			found = append(found, key)
		}
	}
	if len(found) != 1 {
		t.Fatalf("realm %s has %d %s keys for %s that are %s", realm, len(found), algorithm, purpose, state)
	}
	return found[0]
}

func TestAS54_OperatorsRotateKeys(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	first := keyIn(t, app, "/", "sign", "ES256", "active")
	if age := first.NextAt.Sub(first.Since).Hours() / 24; first.Next != "replace" || age != 90 {
		t.Errorf("%s in %v days", first.Next, age)
	}
	answer := mustKeysAPI(t, app, http.MethodPost, "/oauth2/keys/rotate", `{"purpose":"sign","algorithm":"ES256"}`)
	next := keyIn(t, app, "/", "sign", "ES256", "next")
	if len(answer.Keys) != 1 || answer.Keys[0] != next || answer.Warning != "" {
		t.Errorf("the answer is %+v", answer)
	}
	if wait := next.NextAt.Sub(next.Since).Minutes(); next.Next != "promote" || wait != 11 {
		t.Errorf("%s in %v minutes", next.Next, wait)
	}
	served, _ := app.server.Load().Realm("/")
	if document, _ := served.Keys.JWKS(); !strings.Contains(string(document), next.ID) {
		t.Error("the next key is not published")
	}
	answer = mustKeysAPI(t, app, http.MethodPost, "/oauth2/keys/rotate", `{"purpose":"sign","algorithm":"ES256","now":true}`)
	if active := keyIn(t, app, "/", "sign", "ES256", "active"); active.ID != next.ID || answer.Warning != earlyWarning {
		t.Errorf("%s signs, warning %q", active.ID, answer.Warning)
	}
	if old := keyIn(t, app, "/", "sign", "ES256", "retiring"); old.ID != first.ID || old.Next != "retire" || old.NextAt.Sub(old.Since).Hours() != 25 {
		t.Errorf("the old key: %+v", old)
	}
	mustKeysAPI(t, app, http.MethodPost, "/oauth2/keys/retire", `{"kid":"`+first.ID+`"}`)
	keyIn(t, app, "/", "sign", "ES256", "retired")
	// AS57: nothing of another realm has changed.
	for _, key := range mustKeysAPI(t, app, http.MethodGet, "/oauth2/keys?realm=%2Fb", "").Keys {
		if key.State != "active" {
			t.Errorf("of realm /b: %+v", key)
		}
	}
	// Without a purpose all are meant but those that families of tokens name.
	answer = mustKeysAPI(t, app, http.MethodPost, "/oauth2/keys/rotate?realm=%2Fb", "")
	if len(answer.Keys) != 4 {
		t.Errorf("%d keys follow in /b, want ES256, RS256, access and form: %+v", len(answer.Keys), answer.Keys)
	}
}

func TestF18_ARemovedKeyIsRefusedByOurGatewayOnTheNextRequest(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	root, b, jwt, opaque := issuers(t, app)
	for _, row := range []struct {
		realm, purpose, algorithm string
		issuer                    introspect.Issuer
		text, path                string
	}{
		{"/", "sign", "ES256", root, jwt, "/oauth2"},
		{"/b", "access", "XC20P", b, opaque, "/oauth2/realms/root/realms/b"},
	} {
		found, err := introspectText(t, row.issuer, row.text)
		if err != nil || !row.issuer.Source.Current(found) {
			t.Fatalf("%s: %v", row.purpose, err)
		}
		// What adds a key keeps the cache.
		mustKeysAPI(t, app, http.MethodPost, "/oauth2/keys/rotate?realm="+url.QueryEscape(row.realm), "")
		if !row.issuer.Source.Current(found) {
			t.Errorf("%s: a rotation empties the cache", row.purpose)
		}
		active := keyIn(t, app, row.realm, row.purpose, row.algorithm, "active")
		mustKeysAPI(t, app, http.MethodPost, "/oauth2/keys/remove?realm="+url.QueryEscape(row.realm), `{"kid":"`+active.ID+`"}`)
		if row.issuer.Source.Current(found) {
			t.Errorf("%s: the cached verdict still counts", row.purpose)
		}
		if _, err := introspectText(t, row.issuer, row.text); reason(err) == "" {
			t.Errorf("%s: a token of the removed key: %v", row.purpose, err)
		}
		if _, err := introspectText(t, row.issuer, tokenFor(t, app, row.path, "a")); err != nil {
			t.Errorf("%s: a token of its successor: %v", row.purpose, err)
		}
	}
}

func TestKeysAPIErrorsSayWhatToDo(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	active := keyIn(t, app, "/", "sign", "ES256", "active").ID
	mustKeysAPI(t, app, http.MethodPost, "/oauth2/keys/rotate", `{"purpose":"form"}`)
	next := keyIn(t, app, "/", "form", "HS256", "next").ID
	for name, row := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"list of an unknown realm":    {"GET", "/oauth2/keys?realm=%2Fc", "", 404, "there is no such realm in this process"},
		"rotate in an unknown realm":  {"POST", "/oauth2/keys/rotate?realm=%2Fc", "", 404, "no active key"},
		"rotate an unknown purpose":   {"POST", "/oauth2/keys/rotate", `{"purpose":"seal"}`, 404, "no active key of this purpose"},
		"rotate with another member":  {"POST", "/oauth2/keys/rotate", `{"alg":"ES256"}`, 400, "purpose, algorithm and now"},
		"retire the active key":       {"POST", "/oauth2/keys/retire", `{"kid":"` + active + `"}`, 409, "rotate first"},
		"retire the next key":         {"POST", "/oauth2/keys/retire", `{"kid":"` + next + `"}`, 409, "was never used"},
		"retire no key":               {"POST", "/oauth2/keys/retire", ``, 400, "name the key by its kid"},
		"retire an unknown key":       {"POST", "/oauth2/keys/retire", `{"kid":"x"}`, 404, "there is no such key"},
		"remove an unknown key":       {"POST", "/oauth2/keys/remove", `{"kid":"x"}`, 404, "there is no such key"},
		"AS57 remove another realm's": {"POST", "/oauth2/keys/remove?realm=%2Fb", `{"kid":"` + active + `"}`, 404, "there is no such key"},
	} {
		_, err := keysAPI(t, app, row.method, row.path, row.body)
		var fault caddy.APIError
		if !errors.As(err, &fault) || fault.HTTPStatus != row.status || !strings.Contains(fault.Err.Error(), row.want) {
			t.Errorf("%s: %v, want %d with %q", name, err, row.status, row.want)
		}
	}
	keyIn(t, app, "/", "sign", "ES256", "active")
}

// From the file beside the database to encryption_key, to another one: each time
// with both, then rewrapped, then with the new one alone.
func TestAS53_EncryptionKeysAreReplaced(t *testing.T) {
	w := newWorld(t)
	t.Setenv("KEY_A", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	t.Setenv("KEY_B", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=")
	app := w.load(w.config("a", ""))
	kid := keyIn(t, app, "/", "sign", "ES256", "active").ID
	rewrap := func(want int) {
		t.Helper()
		answer, err := rewrapKeys(w.running(), httptest.NewRequest(http.MethodPost, "/oauth2/keys/rewrap", nil))
		if err != nil || answer != (rewrapAnswer{want}) {
			t.Fatalf("%+v, %v", answer, err)
		}
		if again := keyIn(t, w.running(), "/", "sign", "ES256", "active").ID; again != kid {
			t.Errorf("%s signs, not %s", again, kid)
		}
	}
	const all = 12 // two realms with ES256, RS256, access, refresh, form and factor
	// While the store is open.
	w.load(w.config("a", "encryption_key {env.KEY_A}"))
	rewrap(all)
	w.stop()
	if err := os.Remove(filepath.Join(w.dir, "oauth2.key")); err != nil {
		t.Fatal(err)
	}
	// And across restarts.
	w.load(w.config("a", "encryption_key {env.KEY_A}"))
	w.stop()
	w.mustFail(w.config("a", "encryption_key {env.KEY_B}"), "restore the old key")
	w.load(w.config("a", "encryption_key {env.KEY_B}\nprevious_encryption_key {env.KEY_A}"))
	tokenFor(t, w.running(), "/oauth2", "a")
	w.stop()
	// Before it is rewrapped the old one still wraps, so that one can go back.
	w.load(w.config("a", "encryption_key {env.KEY_A}"))
	w.stop()
	w.load(w.config("a", "encryption_key {env.KEY_B}\nprevious_encryption_key {env.KEY_A}"))
	mustKeysAPI(t, w.running(), http.MethodPost, "/oauth2/keys/rotate", `{"purpose":"access"}`)
	rewrap(all + 1)
	rewrap(0)
	w.stop()
	w.mustFail(w.config("a", "encryption_key {env.KEY_A}"), "restore the old key")
	w.load(w.config("a", "encryption_key {env.KEY_B}"))
	tokenFor(t, w.running(), "/oauth2", "a")
}

// AS53: an answer shows names, times and states, and nothing that is wrapped.
func TestAS53_TheKeysAPIShowsNoSecrets(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	text, err := json.Marshal(mustKeysAPI(t, app, http.MethodGet, "/oauth2/keys", ""))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Keys) != 12 {
		t.Fatalf("%d keys, %v", len(answer.Keys), err)
	}
	allowed := map[string]bool{"realm": true, "kid": true, "purpose": true, "algorithm": true, "state": true, "created": true, "since": true, "next": true, "next_at": true}
	for _, key := range answer.Keys {
		for member := range key {
			if !allowed[member] {
				t.Errorf("an answer has the member %s", member)
			}
		}
	}
}
