package integration

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// listed is what oauth2-keys says of a key.
type listed struct {
	Realm, KID, Purpose, Algorithm, State string
}

// keys gives the keys of the root realm by what they are for and their state.
func (w *world) keys() map[string]string {
	w.t.Helper()
	raw := w.operate("", "oauth2-keys", "list", "--realm", "/", "--json")
	raw.must(w.t, 0)
	var answer struct{ Keys []listed }
	if err := json.Unmarshal([]byte(raw.stdout), &answer); err != nil {
		w.t.Fatalf("%v: %s", err, raw.stdout)
	}
	out := map[string]string{}
	for _, key := range answer.Keys {
		out[key.Purpose+" "+key.Algorithm+" "+key.State] = key.KID
	}
	return out
}

// F18 and AS54 by the commands that operators have.
func TestF18_OperatorsRotateAndRemoveKeys(t *testing.T) {
	w := startExample(t)
	before := w.clientToken("write")
	first := w.keys()["sign ES256 active"]

	w.operate("", "oauth2-keys", "list").must(t, 0, "/ sign ES256 "+first+" active since ", ", replace at ", "/customers sign ES256 ")
	w.operate("", "oauth2-keys", "rotate", "--purpose", "sign", "--algorithm", "ES256").must(t, 0, " next since ", ", promote at ")
	next := w.keys()["sign ES256 next"]
	if set := w.keySet(); !strings.Contains(set, next) || !strings.Contains(set, first) {
		t.Errorf("published is %s, want %s and %s", set, first, next)
	}
	w.operate("", "oauth2-keys", "retire", first).must(t, 2, "rotate first")
	w.operate("", "oauth2-keys", "rotate", "--purpose", "sign", "--algorithm", "ES256", "--now").must(t, 0, next+" active since ", "warning: the new keys sign from now on")
	if status := w.calls(before); status != http.StatusOK {
		t.Errorf("status %d of a token of the key before", status)
	}
	after := w.clientToken("write")
	if status := w.calls(after); status != http.StatusOK {
		t.Errorf("status %d of a token of the new key", status)
	}

	// Removed, whether its verdict is cached or not, it is over on the next request.
	w.operate("", "oauth2-keys", "remove", next).must(t, 0, next+" retired since ", "refused from now on")
	if status := w.calls(after); status != http.StatusUnauthorized {
		t.Errorf("status %d of a token of a removed key", status)
	}
	if status := w.calls(before); status != http.StatusOK {
		t.Errorf("status %d of a token of another key", status)
	}
	if status := w.calls(w.clientToken("write")); status != http.StatusOK {
		t.Errorf("status %d of a token of its successor", status)
	}
	w.restart()
	if status := w.calls(after); status != http.StatusUnauthorized {
		t.Errorf("status %d of a token of a removed key after a restart", status)
	}
	if status := w.calls(before); status != http.StatusOK {
		t.Errorf("status %d of a token of a retiring key after a restart", status)
	}
	w.operate("", "oauth2-keys", "retire", "--id", first).must(t, 0, first+" retired since ")
	if status := w.calls(before); status != http.StatusUnauthorized {
		t.Errorf("status %d of a token of a retired key", status)
	}
	w.operate("", "oauth2-keys", "rewrap").must(t, 0, "0 keys were wrapped anew")

	for args, want := range map[string]string{
		"":                          "say what to do: list, rotate, retire, remove or rewrap",
		"renew":                     "say what to do",
		"remove":                    "name the key to remove by its kid",
		"list x":                    "is for retire and remove",
		"list --now":                "are for rotate",
		"remove x --id y":           "two keys are named",
		"remove nothing":            "there is no such key",
		"rotate --realm /nowhere":   "no active key",
		"rotate --purpose password": "no active key",
	} {
		w.operate("", append([]string{"oauth2-keys"}, strings.Fields(args)...)...).must(t, 2, want)
	}
}

// keySet is the key set of the root realm as published.
func (w *world) keySet() string {
	w.t.Helper()
	_, body := ask(w.t, func() (*http.Request, error) {
		return http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.auth+"/oauth2/connect/jwk_uri", nil)
	})
	return body
}
