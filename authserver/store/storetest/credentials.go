package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var (
	alice = store.Account{Service: "staff", ID: "u-1"}
	bob   = store.Account{Service: "staff", ID: "u-2"}
)

func passkey(id string) store.Credential {
	return store.Credential{
		Realm: realm, Account: alice, Kind: store.CredentialPasskey, ID: id, Label: "Phone",
		Data: `{"key":"` + id + `"}`, Counter: 7, Created: at(1), LastUsed: at(2),
	}
}

func totp() store.Credential {
	c := passkey("totp")
	c.Kind = store.CredentialTOTP
	return c
}

// credentials lists those of an account as "kind id".
func credentials(t *testing.T, s store.Store, account store.Account) (list []string) {
	t.Helper()
	for _, c := range got(s.Credentials(t.Context(), realm, account))(t) {
		list = append(list, fmt.Sprintf("%d %s", c.Kind, c.ID))
	}
	return list
}

var credentialChecks = []check{
	{"are kept field by field, oldest first", func(t *testing.T, s store.Store) {
		second, first := passkey("a"), totp()
		first.Created = at(0)
		wantNoZeroField(t, second)
		must(t, s.AddCredential(t.Context(), second))
		must(t, s.AddCredential(t.Context(), first))
		wantEqual(t, got(s.Credentials(t.Context(), realm, alice))(t), []store.Credential{first, second})
		wantEqual(t, got(s.Passkey(t.Context(), realm, "a"))(t), second)
		wantEqual(t, credentials(t, s, bob), []string(nil))
	}},
	{"AS57 a passkey is one account's in a realm, and other realms do not see it", func(t *testing.T, s store.Store) {
		must(t, s.AddCredential(t.Context(), passkey("a")))
		wantError(t, s.AddCredential(t.Context(), passkey("a")), store.ErrExists)
		theirs := passkey("a")
		theirs.Account = bob
		wantError(t, s.AddCredential(t.Context(), theirs), store.ErrExists)
		_, err := s.Passkey(t.Context(), otherRealm, "a")
		wantError(t, err, store.ErrNotFound)
		theirs.Realm = otherRealm
		must(t, s.AddCredential(t.Context(), theirs))
		wantEqual(t, got(s.Passkey(t.Context(), realm, "a"))(t), passkey("a"))
		wantEqual(t, got(s.RemoveCredentials(t.Context(), otherRealm, alice))(t), 0)
		wantError(t, s.RemoveCredential(t.Context(), realm, bob, "a"), store.ErrNotFound)
		wantError(t, s.RenameCredential(t.Context(), realm, bob, "a", "mine"), store.ErrNotFound)
	}},
	{"an app takes the place of another, and its counter is not set back", func(t *testing.T, s store.Store) {
		must(t, s.AddCredential(t.Context(), totp()))
		next := totp()
		next.Label, next.Data, next.Counter, next.Created, next.LastUsed = "New", "new", 5, at(9), at(9)
		must(t, s.AddCredential(t.Context(), next))
		next.Counter = 7
		wantEqual(t, got(s.Credentials(t.Context(), realm, alice))(t), []store.Credential{next})
		next.Counter = 8
		must(t, s.AddCredential(t.Context(), next))
		wantEqual(t, got(s.Credentials(t.Context(), realm, alice))(t), []store.Credential{next})
		_, err := s.Passkey(t.Context(), realm, "totp")
		wantError(t, err, store.ErrNotFound)
	}},
	{"are so many and no more", func(t *testing.T, s store.Store) {
		must(t, s.ReplaceRecovery(t.Context(), realm, alice, []string{"r"}, start))
		for n := range store.MaxCredentials - 1 {
			must(t, s.AddCredential(t.Context(), passkey(fmt.Sprint(n))))
		}
		must(t, s.AddCredential(t.Context(), totp()))
		must(t, s.AddCredential(t.Context(), totp())) // in place of itself
		wantError(t, s.AddCredential(t.Context(), passkey("more")), store.ErrTooManyCredentials)
		wantError(t, s.AddCredential(t.Context(), passkey("0")), store.ErrExists)
		must(t, s.RemoveCredential(t.Context(), realm, alice, "totp"))
		must(t, s.AddCredential(t.Context(), passkey("more")))
		wantError(t, s.AddCredential(t.Context(), totp()), store.ErrTooManyCredentials)
		theirs := passkey("theirs")
		theirs.Account = bob
		must(t, s.AddCredential(t.Context(), theirs))
	}},
	{"a counter only grows", func(t *testing.T, s store.Store) {
		for _, c := range []store.Credential{passkey("a"), totp()} {
			must(t, s.AddCredential(t.Context(), c))
			for _, counter := range []int64{0, 6, 7} {
				wantError(t, s.UseCredential(t.Context(), c, c.Data, counter, at(9)), store.ErrNotFound)
			}
			must(t, s.UseCredential(t.Context(), c, c.Data, 8, at(9)))
			wantError(t, s.UseCredential(t.Context(), c, c.Data, 8, at(9)), store.ErrNotFound)
			used := c
			used.Data, used.Counter, used.LastUsed = "new", 9, at(10)
			must(t, s.UseCredential(t.Context(), c, "new", 9, at(10)))
			for _, each := range got(s.Credentials(t.Context(), realm, alice))(t) {
				if each.Kind == c.Kind {
					wantEqual(t, each, used)
				}
			}
			// Checked with what is not there any more.
			wantError(t, s.UseCredential(t.Context(), c, c.Data, 10, at(11)), store.ErrNotFound)
			unknown := c
			unknown.Account = bob
			wantError(t, s.UseCredential(t.Context(), unknown, "", 99, at(9)), store.ErrNotFound)
		}
	}},
	{"a passkey that does not count may go on not to, a code may not", func(t *testing.T, s store.Store) {
		for c, want := range map[store.Credential]error{passkey("a"): nil, totp(): store.ErrNotFound} {
			c.Counter = 0
			must(t, s.AddCredential(t.Context(), c))
			for range 2 {
				wantError(t, s.UseCredential(t.Context(), c, c.Data, 0, at(9)), want)
			}
		}
	}},
	{"are renamed and removed one by one, recovery codes with the last", func(t *testing.T, s store.Store) {
		must(t, s.AddCredential(t.Context(), totp()))
		must(t, s.AddCredential(t.Context(), passkey("a")))
		must(t, s.ReplaceRecovery(t.Context(), realm, alice, []string{"r"}, start))
		must(t, s.ReplaceRecovery(t.Context(), realm, bob, []string{"r"}, start))
		must(t, s.RenameCredential(t.Context(), realm, alice, "a", "Key"))
		wantEqual(t, got(s.Passkey(t.Context(), realm, "a"))(t).Label, "Key")
		wantError(t, s.RenameCredential(t.Context(), realm, alice, "r", "mine"), store.ErrNotFound)
		wantError(t, s.RemoveCredential(t.Context(), realm, alice, "r"), store.ErrNotFound)
		must(t, s.RemoveCredential(t.Context(), realm, alice, "totp"))
		wantEqual(t, credentials(t, s, alice), []string{"2 r", "3 a"})
		must(t, s.RemoveCredential(t.Context(), realm, alice, "a"))
		wantEqual(t, credentials(t, s, alice), []string(nil))
		wantEqual(t, credentials(t, s, bob), []string{"2 r"})
	}},
	{"are removed all at once", func(t *testing.T, s store.Store) {
		must(t, s.AddCredential(t.Context(), totp()))
		must(t, s.ReplaceRecovery(t.Context(), realm, alice, []string{"r", "s"}, start))
		must(t, s.ReplaceRecovery(t.Context(), realm, bob, []string{"r"}, start))
		wantEqual(t, got(s.RemoveCredentials(t.Context(), realm, alice))(t), 3)
		wantEqual(t, credentials(t, s, alice), []string(nil))
		wantEqual(t, credentials(t, s, bob), []string{"2 r"})
	}},
	{"a recovery code works once, and not when others took its place", func(t *testing.T, s store.Store) {
		must(t, s.ReplaceRecovery(t.Context(), realm, alice, []string{"r", "s", "t"}, start))
		use := func(ids ...string) (int, error) { return s.UseRecovery(t.Context(), realm, alice, ids) }
		wantEqual(t, got(use("none", "r"))(t), 2)
		for _, ids := range [][]string{{"r"}, {"none"}, {}} {
			_, err := use(ids...)
			wantError(t, err, store.ErrNotFound)
		}
		_, err := s.UseRecovery(t.Context(), realm, bob, []string{"s"})
		wantError(t, err, store.ErrNotFound)
		wantEqual(t, got(use("s", "t"))(t), 1)
		must(t, s.ReplaceRecovery(t.Context(), realm, alice, []string{"u", "v"}, start))
		wantEqual(t, credentials(t, s, alice), []string{"2 u", "2 v"})
	}},
	{"64 with one code or count have one winner", func(t *testing.T, s store.Store) {
		for round := range rounds(5) {
			for _, c := range []store.Credential{passkey(fmt.Sprint(round)), totp()} {
				c.Counter = int64(round)
				must(t, s.AddCredential(t.Context(), c))
				_, errs := race(t, func(int) (any, error) {
					return nil, s.UseCredential(t.Context(), c, c.Data, int64(round)+1, at(9))
				})
				wantOneWinner(t, errs, store.ErrNotFound)
			}
		}
	}},
	{"64 with one recovery code have one winner", func(t *testing.T, s store.Store) {
		for range rounds(5) {
			must(t, s.ReplaceRecovery(t.Context(), realm, alice, []string{"r", "s"}, start))
			_, errs := race(t, func(int) (int, error) { return s.UseRecovery(t.Context(), realm, alice, []string{"r"}) })
			wantOneWinner(t, errs, store.ErrNotFound)
		}
	}},
	{"64 that add at once do not go over the bound", func(t *testing.T, s store.Store) {
		_, errs := race(t, func(n int) (any, error) { return nil, s.AddCredential(t.Context(), passkey(fmt.Sprint(n))) })
		added := 0
		for _, err := range errs {
			if err == nil {
				added++
			} else if !errors.Is(err, store.ErrTooManyCredentials) {
				t.Fatal(err)
			}
		}
		wantEqual(t, added, store.MaxCredentials)
	}},
	{"16 that make recovery codes at once leave one set", func(t *testing.T, s store.Store) {
		_, errs := raceOf(t, inEach, func(n int) (any, error) {
			return nil, s.ReplaceRecovery(t.Context(), realm, alice, []string{fmt.Sprint("a", n), fmt.Sprint("b", n)}, start)
		})
		must(t, errors.Join(errs...))
		wantEqual(t, len(credentials(t, s, alice)), 2)
	}},
}
