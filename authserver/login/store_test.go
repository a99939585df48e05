package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// kept is the service store over a database, with what happens while a hash is
// computed.
type kept struct {
	store.Store
	login.Keeper
	hasher *hashing.Hasher
	// found runs after an account was found by its username.
	found func()
	fault error
}

func (k *kept) AccountByUsername(ctx context.Context, realm, service, username string) (store.StoredAccount, error) {
	if k.fault != nil {
		return store.StoredAccount{}, k.fault
	}
	row, err := k.Store.AccountByUsername(ctx, realm, service, username)
	if k.found != nil {
		k.found()
	}
	return row, err
}

func (k *kept) StoredAccount(ctx context.Context, realm string, account store.Account) (store.StoredAccount, error) {
	if k.fault != nil {
		return store.StoredAccount{}, k.fault
	}
	return k.Store.StoredAccount(ctx, realm, account)
}

func newKept(t *testing.T, adjust ...func(*login.Binding)) *kept {
	t.Helper()
	db, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	k := &kept{Store: db, hasher: hashing.New()}
	binding := login.Binding{
		Realm: "/customers", Issuer: "https://auth.rabbithole.com/oauth2", Store: k, Hasher: k.hasher,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return start },
	}
	for _, change := range adjust {
		change(&binding)
	}
	unbound := login.NewKeeper(login.PasswordPolicy{})
	k.Keeper = unbound.(login.Bound).Bind("shop", binding).(login.Keeper)
	return k
}

// add stores an account with the password Ch4ng31t.
func (k *kept) add(t *testing.T, id, username string, adjust ...func(*store.StoredAccount)) store.Account {
	t.Helper()
	row := store.StoredAccount{
		Realm: "/customers", Account: store.Account{Service: "shop", ID: id}, Username: username,
		Password: argon2idHash, Claims: "{}", Created: start, Updated: start,
	}
	for _, change := range adjust {
		change(&row)
	}
	if _, err := k.CreateAccount(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	return row.Account
}

func disabled(row *store.StoredAccount)   { row.Disabled = true }
func noPassword(row *store.StoredAccount) { row.Password = "" }
func elsewhere(row *store.StoredAccount)  { row.Realm = "/partners" }

func (k *kept) try(username, password string) (login.Account, error) {
	return k.Authenticate(context.Background(), username, oauth.NewSecret(password))
}

func TestSignInToTheStore(t *testing.T) {
	k := newKept(t)
	k.add(t, "c1", "zoë@example.com", func(row *store.StoredAccount) { row.Claims = `{"name":"Zoë","level":12345678901234567890}` })
	k.add(t, "c2", "left", disabled)
	k.add(t, "c3", "bare", noPassword)
	k.add(t, "c4", "away", elsewhere)
	want := login.Account{
		Account: store.Account{Service: "shop", ID: "c1"}, Username: "zoë@example.com",
		Claims: map[string]any{"name": "Zoë", "level": json.Number("12345678901234567890"), "preferred_username": "zoë@example.com"},
	}
	signedIn, err := k.try("zoë@example.com", "Ch4ng31t")
	if err != nil || !reflect.DeepEqual(signedIn, want) {
		t.Errorf("%+v, %v\nwant %+v", signedIn, err, want)
	}
	if now, err := k.Account(t.Context(), "c1"); err != nil || !reflect.DeepEqual(now, want) {
		t.Errorf("%+v, %v\nwant %+v", now, err, want)
	}
	for _, test := range []struct{ username, password, reason string }{
		{"zoë@example.com", "ch4ng31t", login.WrongPassword},
		{"zoë@example.com", "", login.WrongPassword},
		{"ZOË@example.com", "Ch4ng31t", ""},
		{"left", "Ch4ng31t", login.Disabled},
		{"left", "ch4ng31t", login.WrongPassword},
		{"bare", "", login.WrongPassword},
		{"bare", "Ch4ng31t", login.WrongPassword},
		{"away", "Ch4ng31t", ""},
		{"nobody", "Ch4ng31t", ""},
		{"", "Ch4ng31t", ""},
		{strings.Repeat("\x00\xff", 3000), "Ch4ng31t", ""},
	} {
		account, err := k.try(test.username, test.password)
		var refused *login.Refused
		if !errors.Is(err, login.ErrCredentials) || account.ID != "" {
			t.Errorf("%.20q with %q: %+v, %v", test.username, test.password, account, err)
		}
		if known := errors.As(err, &refused); known != (test.reason != "") || known && refused.Reason != test.reason {
			t.Errorf("%.20q with %q: %+v, want %q", test.username, test.password, refused, test.reason)
		}
	}
	for id, there := range map[string]bool{"c2": true, "c4": false, "zoë@example.com": false, "": false} {
		if _, err := k.Account(t.Context(), id); !errors.Is(err, login.ErrNoAccount) {
			t.Errorf("account %q: %v", id, err)
		}
		if has, err := k.Has(t.Context(), id); has != there || err != nil {
			t.Errorf("account %q is there: %v, %v", id, has, err)
		}
	}
	for username, want := range map[string]string{"zoë@example.com": "c1", "left": "c2", "bare": "c3", "away": "", "c1": "", "": ""} {
		if id, err := k.Named(t.Context(), username); id != want || errors.Is(err, login.ErrNoAccount) != (want == "") {
			t.Errorf("%q names %q, %v; want %q", username, id, err, want)
		}
	}
}

func TestAS62_EqualCostInTheStore(t *testing.T) {
	k := newKept(t)
	k.add(t, "c1", "demo")
	k.add(t, "c2", "left", disabled)
	k.add(t, "c3", "bare", noPassword)
	for _, try := range []struct{ username, password string }{
		{"demo", "wrong"}, {"demo", "Ch4ng31t"}, {"left", "wrong"}, {"left", "Ch4ng31t"}, {"bare", "Ch4ng31t"},
		{"nobody", "wrong"}, {"nobody", "Ch4ng31t"}, {"", "wrong"}, {strings.Repeat("a", 5000), "wrong"},
	} {
		var calls [3]int64
		for kind := range calls {
			calls[kind] = -k.hasher.Calls(hashing.Kind(kind))
		}
		_, _ = k.try(try.username, try.password)
		for kind := range calls {
			calls[kind] += k.hasher.Calls(hashing.Kind(kind))
		}
		if want := ([3]int64{hashing.Argon2id: 1}); calls != want {
			t.Errorf("%.10q with %q: calls %v, want %v", try.username, try.password, calls, want)
		}
	}
	// What nobody can have costs nothing, whoever it is tried for.
	before := k.hasher.Calls(hashing.Argon2id)
	for _, username := range []string{"demo", "nobody"} {
		_, _ = k.try(username, strings.Repeat("a", hashing.MaxSecretBytes+1))
	}
	if k.hasher.Calls(hashing.Argon2id) != before {
		t.Error("a password that is too long is hashed")
	}
}

// AS41: a password that was changed while it was verified signs nobody in, and
// neither does an account that was disabled, renamed or deleted.
func TestAS41_ChangesWhileThePasswordIsVerified(t *testing.T) {
	for name, change := range map[string]func(k *kept, a store.StoredAccount) error{
		"password": func(k *kept, a store.StoredAccount) error {
			return k.SetAccountPassword(t.Context(), a.Realm, a.Account, aliceHash, "", start)
		},
		"disabled": func(k *kept, a store.StoredAccount) error {
			a.Disabled = true
			_, err := k.ReplaceAccount(t.Context(), a, "", start)
			return err
		},
		"renamed": func(k *kept, a store.StoredAccount) error {
			a.Username = "another"
			_, err := k.ReplaceAccount(t.Context(), a, "", start)
			return err
		},
		"deleted": func(k *kept, a store.StoredAccount) error {
			return k.DeleteAccount(t.Context(), a.Realm, a.Account, 0, "", start)
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t)
			account := k.add(t, "c1", "demo")
			k.found = func() {
				k.found = nil
				row, err := k.Store.StoredAccount(t.Context(), "/customers", account)
				if err == nil {
					err = change(k, row)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if _, err := k.try("demo", "Ch4ng31t"); !errors.Is(err, login.ErrCredentials) {
				t.Errorf("signed in: %v", err)
			}
		})
	}
}

func TestPasswordsAreChangedInTheStore(t *testing.T) {
	k := newKept(t)
	account := k.add(t, "c1", "alice.liddell")
	change := func(id, password string) error {
		return k.ChangePassword(t.Context(), id, "shop:"+id, oauth.NewSecret(password), start.Add(time.Minute))
	}
	for password, want := range map[string]string{
		"vexing otters": login.PasswordShort, "password12345678": login.PasswordCommon,
		"alice liddell 1865": login.PasswordNamesAccount, "rabbithole 123456": login.PasswordNamesAccount, "customers-1234567": login.PasswordNamesAccount,
	} {
		var weak *login.WeakPassword
		if err := change("c1", password); !errors.As(err, &weak) || weak.Reason != want {
			t.Errorf("%q: %v, want %s", password, err, want)
		}
	}
	if _, err := k.try("alice.liddell", "Ch4ng31t"); err != nil {
		t.Errorf("what was refused has changed something: %v", err)
	}
	if err := change("c1", "vexing otters at dawn"); err != nil {
		t.Fatal(err)
	}
	if _, err := k.try("alice.liddell", "Ch4ng31t"); !errors.Is(err, login.ErrCredentials) {
		t.Errorf("the password of before still signs in: %v", err)
	}
	if _, err := k.try("alice.liddell", "vexing otters at dawn"); err != nil {
		t.Errorf("the password of now does not: %v", err)
	}
	row, err := k.Store.StoredAccount(t.Context(), "/customers", account)
	if kind, known := k.hasher.Check(row.Password); err != nil || known != nil || kind != hashing.Argon2id || !row.PasswordChanged.Equal(start.Add(time.Minute).Truncate(time.Second)) {
		t.Errorf("stored %+v, %v", row, err)
	}
	entries, _, err := k.Revocations(t.Context(), 0, start)
	if err != nil || len(entries) != 1 || entries[0].Kind != store.RevokedSubject || entries[0].Key != "shop:c1" {
		t.Errorf("revoked %+v, %v", entries, err)
	}
	if err := change("nobody", "vexing otters at dusk"); !errors.Is(err, login.ErrNoAccount) {
		t.Errorf("of an account that is not there: %v", err)
	}
}

// AS63: eight characters are enough where no password signs in alone.
func TestAS63_TheLeastLengthFollowsTheRealm(t *testing.T) {
	for second, want := range map[bool]int{false: login.LeastPasswordAlone, true: login.LeastPassword} {
		k := newKept(t, func(to *login.Binding) { to.SecondFactor = second })
		var weak *login.WeakPassword
		if err := k.CheckPassword("demo", oauth.NewSecret("otters")); !errors.As(err, &weak) || weak.Least != want {
			t.Errorf("second factor %v: %+v, want %d", second, weak, want)
		}
	}
	chosen := login.NewKeeper(login.PasswordPolicy{Least: 20}).(login.Bound).Bind("shop", login.Binding{SecondFactor: true}).(login.Keeper)
	if err := chosen.CheckPassword("demo", oauth.NewSecret("vexing otters 1234")); err == nil {
		t.Error("the operator's own length does not count")
	}
}

// A store that cannot answer is no wrong password.
func TestAFaultOfTheStoreIsNoWrongPassword(t *testing.T) {
	k := newKept(t)
	k.add(t, "c1", "demo")
	k.found = func() { k.fault = errors.New("database is gone") }
	for range 2 {
		_, errSignIn := k.try("demo", "Ch4ng31t")
		_, errAccount := k.Account(t.Context(), "c1")
		_, errHas := k.Has(t.Context(), "c1")
		for _, err := range []error{errSignIn, errAccount, errHas, k.ChangePassword(t.Context(), "c1", "", oauth.NewSecret("vexing otters at dawn"), start)} {
			if !errors.Is(err, k.fault) || errors.Is(err, login.ErrCredentials) || errors.Is(err, login.ErrNoAccount) {
				t.Errorf("got %v", err)
			}
		}
	}
	unbound := login.NewKeeper(login.PasswordPolicy{})
	if _, err := unbound.Account(t.Context(), "c1"); err == nil || errors.Is(err, login.ErrNoAccount) {
		t.Errorf("without a realm: %v", err)
	}
	if _, err := unbound.Authenticate(t.Context(), "demo", oauth.NewSecret("x")); err == nil || errors.Is(err, login.ErrCredentials) {
		t.Errorf("without a realm: %v", err)
	}
}
