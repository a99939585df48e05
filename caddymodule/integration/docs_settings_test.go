package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// What the gateway can be told stands in a Caddyfile of the documents.
func TestEverySettingOfTheGatewayIsInADocument(t *testing.T) {
	used := map[string]bool{}
	for _, path := range documents(t) {
		for _, block := range blocks(t, path, "caddyfile") {
			noteSettings(adapted(t, block), used)
		}
	}
	for name, settings := range map[string]reflect.Type{
		"bearer_auth": reflect.TypeFor[caddymodule.BearerAuth](), "issuer": reflect.TypeFor[caddymodule.ForeignIssuer](),
		"token_scope": reflect.TypeFor[caddymodule.MatchTokenScope](), "token_claim": reflect.TypeFor[caddymodule.MatchTokenClaim](),
	} {
		for _, setting := range settingsOf(settings) {
			if !used[setting] {
				t.Errorf("no document has the setting %s of %s", setting, name)
			}
		}
	}
	if !used["deny_list"] {
		t.Error("no document has deny_list")
	}
}

// adapted is the JSON of a Caddyfile.
func adapted(t *testing.T, caddyfile string) any {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, t.TempDir(), "adapt", "--adapter", "caddyfile", "--config", path).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, caddyfile)
	}
	var config any
	if err := json.Unmarshal(out, &config); err != nil {
		t.Fatal(err)
	}
	return config
}

// noteSettings notes every member of a configuration as "in.member", where in is
// the member that it stands in.
func noteSettings(value any, used map[string]bool) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			noteSettings(element, used)
		}
	case map[string]any:
		for name, member := range value {
			used[name] = true
			if inner, ok := member.(map[string]any); ok {
				for below := range inner {
					used[name+"."+below] = true
				}
			}
			if list, ok := member.([]any); ok {
				for _, element := range list {
					inner, _ := element.(map[string]any)
					for below := range inner {
						used[name+"."+below] = true
					}
				}
			}
			noteSettings(member, used)
		}
	}
}

// settingsOf are the members that a type has in JSON: those of its own by name,
// those of types within it as "in.member".
func settingsOf(settings reflect.Type) []string {
	var names []string
	for field := range settings.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		names = append(names, name)
		inner := field.Type
		for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice}, inner.Kind()) {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			for _, below := range settingsOf(inner) {
				if !strings.Contains(below, ".") {
					below = name + "." + below
				}
				names = append(names, below)
			}
		}
	}
	return names
}
