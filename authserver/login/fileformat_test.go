package login_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

func TestFormatByNameOrContent(t *testing.T) {
	yaml := "\n# people\nusers:\n  demo:\n    password: " + argon2idHash + "\n"
	for _, test := range []struct{ file, content string }{
		{"users.yaml", yaml},
		{"users.YML", yaml},
		{"users", yaml},
		{"users", "---" + yaml},
		{"users.txt", "users: # people\n  demo: {password: '" + argon2idHash + "'}"},
		{"htpasswd", "demo:" + argon2idHash},
		{"users.htpasswd", "\n# people\nusers:" + argon2idHash + "\ndemo:" + argon2idHash + "\n"},
	} {
		service := mustOpen(t, test.file, test.content, hashing.New())
		if _, err := service.Account(t.Context(), "demo"); err != nil {
			t.Errorf("%s %q: %v", test.file, test.content, err)
		}
	}
}

func TestYAMLKeepsAliases(t *testing.T) {
	service := mustOpen(t, "users.yaml", `users:
  a:
    password: &same `+argon2idHash+`
    claims: &claims
      address: &office {country: SE}
      zoneinfo: Europe/Stockholm
  b:
    password: *same
    claims: *claims
  c:
    password: *same
    claims: {address: *office, name: 007}
`, hashing.New())
	for _, id := range []string{"a", "b", "c"} {
		account, err := service.Account(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if address, _ := account.Claims["address"].(map[string]string); address["country"] != "SE" {
			t.Errorf("%s: %v", id, account.Claims)
		}
		if id == "c" && account.Claims["name"] != "007" {
			t.Errorf("name is %v", account.Claims["name"])
		}
	}
}

// Each error names the file and the user, and says how to mend it.
func TestOpenFileRefuses(t *testing.T) {
	yaml := func(fields string) string {
		return "users:\n  demo: {password: '" + argon2idHash + "', " + fields + "}"
	}
	for _, test := range []struct {
		name, file, content string
		says                []string
	}{
		{"not YAML", "u.yaml", "users: [", []string{"line 1"}},
		{"another key", "u.yaml", "user:\n  demo: {}", []string{"line 1", `"user"`, "users"}},
		{"not a mapping", "u.yaml", "- demo", []string{"key: value"}},
		{"two documents", "u.yaml", "users: {}\n---\nusers: {}", []string{"one"}},
		{"list of users", "u.yaml", "users:\n- demo", []string{"line 2", "key: value"}},
		{"user without fields", "u.yaml", "users:\n  demo:", []string{`user "demo"`, "no password", "caddy hash-password"}},
		{"user is text", "u.yaml", "users:\n  demo: secret", []string{`user "demo"`, "key: value"}},
		{"unknown field", "u.yaml", yaml("disable: true"), []string{`user "demo"`, "line 2", "disable", "disabled"}},
		{"merge key", "u.yaml", "users:\n  a: &a {password: '" + argon2idHash + "'}\n  demo: {<<: *a}", []string{`user "demo"`, "line 3", "<<"}},
		{"same user twice", "u.yaml", "users:\n  demo: {}\n  demo: {}", []string{`"demo"`, "line 3", "line 2", "remove"}},
		{"same field twice", "u.yaml", yaml("id: a, id: b"), []string{`user "demo"`, "id", "twice"}},
		{"same id twice", "u.yaml", "users:\n  a: {id: x, password: '" + argon2idHash + "'}\n  demo: {id: x, password: '" + argon2idHash + "'}", []string{`user "demo"`, `"x"`, `user "a"`, "line 2"}},
		{"an id that is another's username", "u.yaml", "users:\n  a: {id: demo, password: '" + argon2idHash + "'}\n  demo: {password: '" + argon2idHash + "'}", []string{`user "demo"`, `user "a"`}},
		{"id is a list", "u.yaml", yaml("id: [a]"), []string{`user "demo"`, "id must be text"}},
		{"id with a colon", "u.yaml", yaml("id: 'ldap:demo'"), []string{`user "demo"`, "colon"}},
		{"id beyond ASCII", "u.yaml", yaml("id: 'grüße'"), []string{`user "demo"`, "ASCII"}},
		{"id too long", "u.yaml", yaml("id: " + strings.Repeat("a", 250)), []string{`user "demo"`, "249"}},
		{"username beyond ASCII without id", "u.yaml", "users:\n  grüße: {password: '" + argon2idHash + "'}", []string{"grüße", "set id"}},
		{"username with a control character", "u.yaml", "users:\n  \"de\\0mo\": {password: '" + argon2idHash + "'}", []string{"control"}},
		{"username too long", "u.yaml", "users:\n  " + strings.Repeat("a", 257) + ": {id: a, password: '" + argon2idHash + "'}", []string{"256"}},
		{"empty username", "u.yaml", "users:\n  '': {id: a, password: '" + argon2idHash + "'}", []string{"username"}},
		{"disabled is text", "u.yaml", yaml("disabled: never"), []string{`user "demo"`, "disabled", "true or false"}},
		{"disabled is left empty", "u.yaml", yaml("disabled: "), []string{`user "demo"`, "disabled", "true or false"}},
		{"plain password", "u.yaml", "users:\n  demo: {password: Ch4ng31t}", []string{`user "demo"`, "line 2", "caddy hash-password"}},
		{"keyed digest", "u.yaml", "users:\n  demo: {password: '$hmac-sha256$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}", []string{`user "demo"`, "caddy hash-password"}},
		{"password costs too much", "u.yaml", "users:\n  demo: {password: '" + strings.Replace(argon2idHash, "m=64", "m=9999999", 1) + "'}", []string{`user "demo"`, "262144"}},
		{"sub", "u.yaml", yaml("claims: {sub: admin}"), []string{`user "demo"`, "sub", "remove"}},
		{"issuer", "u.yaml", yaml("claims: {iss: 'https://evil.example'}"), []string{`user "demo"`, "iss", "remove"}},
		{"scope", "u.yaml", yaml("claims: {scope: write}"), []string{`user "demo"`, "scope", "remove"}},
		{"email_verified is text", "u.yaml", yaml("claims: {email_verified: maybe}"), []string{`user "demo"`, "email_verified", "true or false"}},
		{"updated_at is text", "u.yaml", yaml("claims: {updated_at: yesterday}"), []string{`user "demo"`, "updated_at", "number"}},
		{"address is text", "u.yaml", yaml("claims: {address: Main Street}"), []string{`user "demo"`, "address", "street_address"}},
		{"name is a list", "u.yaml", yaml("claims: {name: [a]}"), []string{`user "demo"`, "name", "text"}},
		{"claims are text", "u.yaml", yaml("claims: x"), []string{`user "demo"`, "claims", "key: value"}},
		{"claim twice", "u.yaml", yaml("claims: {name: a, name: b}"), []string{`user "demo"`, "name", "twice"}},
		{"claim that is no JSON", "u.yaml", yaml("claims: {limit: .inf}"), []string{`user "demo"`, "limit", "JSON"}},
		{"claim with keys that are no text", "u.yaml", yaml("claims: {limits: {1: a}}"), []string{`user "demo"`, "limits", "JSON"}},
		{"claim that holds itself", "u.yaml", yaml("claims: {self: &a [*a]}"), []string{`user "demo"`, "self"}},
		{"key that is no text", "u.yaml", "users:\n  ? [a]\n  : {}", []string{"line 2", "plain text"}},
		{"no colon", "htpasswd", "# people\ndemo", []string{"line 2", "username:hash", "caddy hash-password"}},
		{"MD5", "htpasswd", "\ndemo:$apr1$Q4k9VpQW$K1pLzrJ0pXPxEXM.pXb4X.", []string{"line 2", `user "demo"`, "caddy hash-password"}},
		{"SHA-1", "htpasswd", "demo:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", []string{"line 1", `user "demo"`, "caddy hash-password"}},
		{"no hash", "htpasswd", "demo:", []string{"line 1", `user "demo"`, "caddy hash-password"}},
		{"twice", "htpasswd", "demo:" + bcryptHash + "\nx:" + bcryptHash + "\ndemo:" + argon2idHash, []string{"line 3", `user "demo"`, "line 1"}},
		{"no username", "htpasswd", ":" + bcryptHash, []string{"line 1", "username"}},
		{"invalid UTF-8", "htpasswd", "d\xffmo:" + bcryptHash, []string{"line 1", "UTF-8"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := open(t, test.file, test.content, hashing.New())
			if err == nil {
				t.Fatal("OpenFile took it")
			}
			for _, text := range append(test.says, test.file) {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error does not say %q:\n%v", text, err)
				}
			}
			for _, secret := range []string{"Ch4ng31t", "0j8opgIqvDdgsz294rMgwA", "W6ph5Mm5Pz8GgiULbPgzG37mj9g"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error repeats a secret:\n%v", err)
				}
			}
		})
	}
}

func TestOpenFileThatIsNotThere(t *testing.T) {
	_, err := login.OpenFile("staff", "no/such/file.yaml", hashing.New(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "no/such/file.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestFileWithoutUsersWarns(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	for _, test := range []struct {
		content string
		warns   bool
	}{{"", true}, {"demo:" + bcryptHash, false}} {
		out.Reset()
		path := t.TempDir() + "/htpasswd"
		write(t, path, test.content)
		if _, err := login.OpenFile("staff", path, hashing.New(), log); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "level=WARN") != test.warns {
			t.Errorf("%q logged %q", test.content, out.String())
		}
	}
}
