package login_test

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Made by `caddy hash-password`: the first two of "Ch4ng31t", then of
// "wonderland" and of 72 times "a".
const (
	argon2idHash = "$argon2id$v=19$m=64,t=3,p=2$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA"
	bcryptHash   = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"
	aliceHash    = "$2a$04$b7IOW6HBDsG0UeYWcqQxquEiEew4eAZ5kBYTl9YYn5z1QnI/YRDB."
	longHash     = "$2a$04$PSfLrXHiBx6nf0rw81vlOOqmqrduEHVLHM3UX7MpYnegQsQso2bve"
)

const staffYAML = `# who works here
users:
  demo:
    id: "1001"
    password: ` + argon2idHash + `
    claims:
      name: Demo User
      email: demo@example.com
      email_verified: true
      birthdate: 1990-01-31
      phone_number: +15551234
      updated_at: 1700000000
      address:
        postal_code: 01234
        country: NO
      preferred_username:
      roles: [admin, ops]
      hired: 2020-02-03
  Demo:
    password: ` + aliceHash + `
  left:
    password: ` + argon2idHash + `
    disabled: true
`

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, file, content string, hasher *hashing.Hasher) (login.Passwords, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	write(t, path, content)
	return login.OpenFile("staff", path, hasher, slog.New(slog.DiscardHandler))
}

func mustOpen(t *testing.T, file, content string, hasher *hashing.Hasher) login.Passwords {
	t.Helper()
	service, err := open(t, file, content, hasher)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func TestSignIn(t *testing.T) {
	htpasswd := "demo:" + argon2idHash + "\nDemo:" + aliceHash + "\n"
	for _, service := range []login.Passwords{
		mustOpen(t, "staff.yaml", staffYAML, hashing.New()),
		mustOpen(t, "htpasswd", htpasswd, hashing.New()),
	} {
		for _, test := range []struct {
			username, password string
			want               error
		}{
			{"demo", "Ch4ng31t", nil},
			{"Demo", "wonderland", nil},
			{"Demo", "Ch4ng31t", login.ErrCredentials},
			{"demo", "ch4ng31t", login.ErrCredentials},
			{"demo", "", login.ErrCredentials},
			{"demo ", "Ch4ng31t", login.ErrCredentials},
			{"DEMO", "Ch4ng31t", login.ErrCredentials},
			{"left", "Ch4ng31t", login.ErrCredentials},
			{"nobody", "Ch4ng31t", login.ErrCredentials},
			{"", "Ch4ng31t", login.ErrCredentials},
		} {
			account, err := service.Authenticate(t.Context(), test.username, oauth.NewSecret(test.password))
			if !errors.Is(err, test.want) {
				t.Errorf("%q with %q: %v, want %v", test.username, test.password, err, test.want)
			}
			if err == nil && account.Username != test.username || err != nil && account.ID != "" {
				t.Errorf("%q with %q gave account %+v", test.username, test.password, account)
			}
		}
	}
}

// Operators know people by their usernames, those too who may not sign in.
func TestWhomAUsernameOfAFileNames(t *testing.T) {
	roll := mustOpen(t, "staff.yaml", staffYAML, hashing.New()).(login.Roll)
	for username, want := range map[string]string{"demo": "1001", "Demo": "Demo", "left": "left", "1001": "", "DEMO": "", "": ""} {
		if id, err := roll.Named(t.Context(), username); id != want || errors.Is(err, login.ErrNoAccount) != (want == "") {
			t.Errorf("%q names %q, %v; want %q", username, id, err, want)
		}
	}
	for id, want := range map[string]bool{"1001": true, "left": true, "demo": false, "": false} {
		if has, err := roll.Has(t.Context(), id); has != want || err != nil {
			t.Errorf("%q is there: %v, %v", id, has, err)
		}
	}
}

func TestAccountOfYAML(t *testing.T) {
	service := mustOpen(t, "staff.yaml", staffYAML, hashing.New())
	want := login.Account{
		Account:  store.Account{Service: "staff", ID: "1001"},
		Username: "demo",
		Claims: map[string]any{
			"name": "Demo User", "email": "demo@example.com", "email_verified": true,
			"birthdate": "1990-01-31", "phone_number": "+15551234", "updated_at": int64(1700000000),
			"address":            map[string]string{"postal_code": "01234", "country": "NO"},
			"preferred_username": "demo",
			"roles":              []any{"admin", "ops"}, "hired": "2020-02-03",
		},
	}
	signedIn, err := service.Authenticate(t.Context(), "demo", oauth.NewSecret("Ch4ng31t"))
	if err != nil || !reflect.DeepEqual(signedIn, want) {
		t.Errorf("Authenticate = %+v, %v\nwant %+v", signedIn, err, want)
	}
	maps.DeleteFunc(signedIn.Claims, func(string, any) bool { return true })
	now, err := service.Account(t.Context(), "1001")
	if err != nil || !reflect.DeepEqual(now, want) {
		t.Errorf("Account = %+v, %v\nwant %+v", now, err, want)
	}
	if other, err := service.Account(t.Context(), "Demo"); err != nil || other.Username != "Demo" {
		t.Errorf("without id the username is the id: got %+v, %v", other, err)
	}
	for _, id := range []string{"demo", "left", "nobody", ""} {
		if _, err := service.Account(t.Context(), id); !errors.Is(err, login.ErrNoAccount) {
			t.Errorf("Account(%q): %v, want ErrNoAccount", id, err)
		}
	}
}

func TestAccountOfHtpasswd(t *testing.T) {
	content := "\r\n# made with htpasswd -B\r\ndemo:$2y" + bcryptHash[3:] + "\r\n"
	service := mustOpen(t, ".htpasswd", content, hashing.New())
	want := login.Account{
		Account:  store.Account{Service: "staff", ID: "demo"},
		Username: "demo",
		Claims:   map[string]any{"preferred_username": "demo"},
	}
	account, err := service.Authenticate(t.Context(), "demo", oauth.NewSecret("Ch4ng31t"))
	if err != nil || !reflect.DeepEqual(account, want) {
		t.Errorf("got %+v, %v\nwant %+v", account, err, want)
	}
}

// Unknown, wrong and disabled look alike and cost alike: one hash of the kind
// that the file is made of.
func TestAS62_A32_EqualCost(t *testing.T) {
	for name, test := range map[string]struct {
		hash string
		kind hashing.Kind
	}{
		"argon2id": {argon2idHash, hashing.Argon2id},
		"bcrypt":   {bcryptHash, hashing.Bcrypt},
	} {
		t.Run(name, func(t *testing.T) {
			hasher := hashing.New()
			service := mustOpen(t, "users.yaml", `users: {
				demo: {password: "`+test.hash+`"},
				left: {password: "`+test.hash+`", disabled: true}}`, hasher)
			for _, try := range []struct{ username, password string }{
				{"demo", "wrong"}, {"left", "wrong"}, {"left", "Ch4ng31t"}, {"nobody", "wrong"},
				{"nobody", "Ch4ng31t"}, {"", "wrong"}, {strings.Repeat("a", 5000), "wrong"},
			} {
				var calls [3]int64
				for kind := range calls {
					calls[kind] = -hasher.Calls(hashing.Kind(kind))
				}
				_, err := service.Authenticate(t.Context(), try.username, oauth.NewSecret(try.password))
				if !errors.Is(err, login.ErrCredentials) {
					t.Errorf("%.10q: %v, want ErrCredentials", try.username, err)
				}
				for kind := range calls {
					calls[kind] += hasher.Calls(hashing.Kind(kind))
				}
				want := [3]int64{}
				want[test.kind] = 1
				if calls != want {
					t.Errorf("%.10q: calls %v, want %v", try.username, calls, want)
				}
			}
		})
	}
}

// Where hashes differ in cost, an unknown name costs what some user costs, and
// always the same.
func TestAS62_UnknownNameCostsTheSameEachTime(t *testing.T) {
	hasher := hashing.New()
	service := mustOpen(t, "htpasswd", "a:"+argon2idHash+"\nb:"+bcryptHash+"\nc:"+argon2idHash+"\nd:"+bcryptHash, hasher)
	seen := map[hashing.Kind]bool{}
	for i := range 40 {
		name := "nobody" + strings.Repeat("x", i)
		cost := func() hashing.Kind {
			before := hasher.Calls(hashing.Bcrypt)
			if _, err := service.Authenticate(t.Context(), name, oauth.NewSecret("wrong")); !errors.Is(err, login.ErrCredentials) {
				t.Fatal(err)
			}
			if hasher.Calls(hashing.Bcrypt) > before {
				return hashing.Bcrypt
			}
			return hashing.Argon2id
		}
		first := cost()
		seen[first] = true
		if again := cost(); again != first {
			t.Errorf("%s cost kind %d, then %d", name, first, again)
		}
	}
	if len(seen) != 2 {
		t.Errorf("40 unknown names cost only the kinds %v", seen)
	}
}

func TestAS62_FileWithoutUsersCostsTheSame(t *testing.T) {
	hasher := hashing.New()
	for file, content := range map[string]string{"a.yaml": "", "b.yaml": "users:\n", "c": "# nobody yet\n", "d.yaml": "# nobody yet\n"} {
		before := hasher.Calls(hashing.Argon2id)
		_, err := mustOpen(t, file, content, hasher).Authenticate(t.Context(), "demo", oauth.NewSecret("x"))
		if !errors.Is(err, login.ErrCredentials) || hasher.Calls(hashing.Argon2id) != before+1 {
			t.Errorf("%s: %v after %d hashes", file, err, hasher.Calls(hashing.Argon2id)-before)
		}
	}
}

func TestA57_LoginIsBounded(t *testing.T) {
	hasher := hashing.New()
	service := mustOpen(t, "htpasswd", "demo:"+bcryptHash+"\nlong:"+longHash, hasher)
	as := strings.Repeat("a", 72)
	for _, test := range []struct {
		name, username, password string
		want                     error
	}{
		{"72 bytes", "long", as, nil},
		{"73 bytes, the same 72 first", "long", as + "b", login.ErrCredentials},
		{"10 MB", "demo", strings.Repeat("a", 10<<20), login.ErrCredentials},
		{"NUL and repetition", "demo", "Ch4ng31t\x00Ch4ng31t", login.ErrCredentials},
		{"SQL", "' OR 1=1--", "' OR 1=1--", login.ErrCredentials},
		{"LDAP", "*)(uid=*", "*", login.ErrCredentials},
		{"endless username", strings.Repeat("a", 1<<20), "x", login.ErrCredentials},
	} {
		if _, err := service.Authenticate(t.Context(), test.username, oauth.NewSecret(test.password)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}
