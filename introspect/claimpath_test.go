package introspect_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// someClaims are decoded as those of a token are.
func someClaims(t testing.TB) map[string]any {
	t.Helper()
	decoded, err := oauth.DecodeObject([]byte(`{
		"sub": "frida", "age": 7, "exact": 1.0, "admin": true, "off": false, "none": null, "empty": "", "one": "1",
		"list": ["a", "b c", 3, false, null, ["nested"], {"x": "y"}],
		"realm_access": {"roles": ["admin", "user"], "dotted.inside": "yes"},
		"a": {"b": {"c": "deep"}, "b.c": "dotted"}, "a.b": "exact name",
		"https://claims.test/region": "eu",
		"https://claims.test/app": {"role": "owner", "v1.2": {"x": "far"}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestAClaimIsFoundByItsNameAndThenByItsPath(t *testing.T) {
	for path, want := range map[string]string{
		"sub": `"frida"`, "none": "null", "a.b": `"exact name"`, "a.b.c": `"dotted"`, "realm_access.roles": `["admin","user"]`,
		"realm_access.dotted.inside": `"yes"`, "https://claims.test/region": `"eu"`, "https://claims.test/app.role": `"owner"`,
		"https://claims.test/app.v1.2.x": `"far"`,
		"":                               "", ".": "", "x": "", "sub.x": "", "list.0": "", "a.": "", ".a": "", "Sub": "", "realm_access.roles.admin": "",
		"https://claims.test/app.nothing": "", "https://claims.test": "",
	} {
		value, found := introspect.FindClaim(someClaims(t), path)
		text, _ := json.Marshal(value)
		if found != (want != "") || found && string(text) != want {
			t.Errorf("%q is %s (found %v), want %s", path, text, found, want)
		}
	}
}

func TestRS12_ClaimsAreComparedAsText(t *testing.T) {
	claims := someClaims(t)
	for _, c := range []struct {
		path, values string // values are separated by |
		want         bool
	}{
		{"sub", "frida", true}, {"sub", "x|frida", true}, {"sub", "Frida", false}, {"sub", "frid", false}, {"sub", "frida ", false},
		{"age", "7", true}, {"age", "7.0", false}, {"age", "07", false}, {"exact", "1.0", true}, {"exact", "1", false},
		{"one", "1", true}, {"admin", "true", true}, {"admin", "TRUE", false}, {"admin", "1", false}, {"off", "false", true},
		// A list has each of its elements, and is none of them.
		{"list", "a", true}, {"list", "b c", true}, {"list", "b", false}, {"list", "3", true}, {"list", "false", true},
		{"list", "nested", false}, {"list", "y", false}, {"list", `["a","b c",3]`, false}, {"list", "null", false}, {"list", "", false},
		{"realm_access.roles", "admin", true}, {"realm_access.roles", "root|user", true}, {"realm_access.roles", "root", false},
		{"https://claims.test/region", "eu", true}, {"https://claims.test/app.role", "owner", true},
		// What is not there, null or an object is no value.
		{"none", "", false}, {"none", "null", false}, {"missing", "", false}, {"missing", "null", false}, {"empty", "", true},
		{"realm_access", "", false}, {"realm_access", "map[]", false}, {"https://claims.test/app", `{"role":"owner"}`, false},
	} {
		condition := introspect.ClaimCondition{Path: c.path, Values: strings.Split(c.values, "|")}
		if got := condition.Holds(claims); got != c.want {
			t.Errorf("%s one of %s: %v", c.path, c.values, got)
		}
	}
}

// FuzzClaim: whatever a token says, a condition has an answer, and one that
// holds names a text that is in the claim.
func FuzzClaim(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":["x"]}}`, `{"a.b":"x","a":{"b":"y"}}`, `{"a":{"":{"":1}}}`, `{"a":null}`, `[]`, `{"a":{"a":{"a":{"a":true}}}}`} {
		f.Add([]byte(seed), "a.b", "x")
		f.Add([]byte(seed), "a..", "1")
		f.Add([]byte(seed), "a.a.a.a", "true")
	}
	f.Fuzz(func(t *testing.T, text []byte, path, value string) {
		claims, err := oauth.DecodeObject(text)
		if err != nil || strings.Count(path, ".") > 16 {
			return
		}
		condition := introspect.ClaimCondition{Path: path, Values: []string{value}}
		found, there := introspect.FindClaim(claims, path)
		if exact, ok := claims[path]; ok && !there {
			t.Fatalf("%s is there: %v", path, exact)
		}
		if !condition.Holds(claims) {
			return
		}
		written, _ := json.Marshal(found)
		wanted, _ := json.Marshal(value)
		if !there || !strings.Contains(string(written), strings.Trim(string(wanted), `"`)) {
			t.Fatalf("%s is said to be %q and is %s", path, value, written)
		}
	})
}
