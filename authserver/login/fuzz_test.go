package login

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
)

// Whatever a file holds, reading it ends without a panic, and every user that
// comes of it has a slow hash and a name and id of their own.
func FuzzUsersFile(f *testing.F) {
	const hash = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"
	for _, seed := range []string{
		"", "users:", "demo:" + hash, "# x\r\n\r\ndemo:" + hash + "\r\n",
		"users:\n  demo: {id: a, password: '" + hash + "', disabled: no, claims: {name: x, address: {country: NO}, r: [1, 2.5, null]}}",
		"users: &a\n  demo: *a", "users: {a: {claims: &c {x: [*c]}}}", "---\nusers: {? [a] : b}", "users: {a: &p {password: '" + hash + "'}, b: *p}",
	} {
		f.Add(seed)
	}
	hasher := hashing.New()
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func([]byte) ([]user, error){parseYAML, parseHtpasswd} {
			users, err := parse([]byte(text))
			if err != nil {
				continue
			}
			service, err := newUsers("staff", users, hasher)
			if err != nil {
				continue
			}
			if len(service.byID) != len(users) || len(service.byUsername) != len(users) || len(service.digests) != len(users) {
				t.Errorf("%d users, %d ids, %d usernames", len(users), len(service.byID), len(service.byUsername))
			}
			for _, u := range users {
				if kind, err := hasher.Check(u.password); err != nil || kind == hashing.Fast || u.username == "" || u.id == "" {
					t.Errorf("user %q with id %q: kind %d, %v", u.username, u.id, kind, err)
				}
			}
		}
	})
}
