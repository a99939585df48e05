package realm_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const cheapArgon2id store.SecretDigest = "$argon2id$v=19$m=64,t=3,p=2$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA"

// withBook is a realm over a book that holds rows.
func withBook(t *testing.T, rows ...store.StoredClient) *realm.Realm {
	t.Helper()
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	return withBookAt(t, &now, rows...)
}

// withBookAt is withBook with a clock that can be set.
func withBookAt(t *testing.T, now *time.Time, rows ...store.StoredClient) *realm.Realm {
	t.Helper()
	settings := good()
	defaults, err := registration.RealmTokens{Issuer: settings.Issuer}.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	settings.Defaults = defaults
	hasher := hashing.New()
	book := realm.NewBook(hasher)
	book.Replace(rows)
	return realm.New(settings, realm.Parts{Hasher: hasher, Book: book, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return *now }})
}

func row(id, members string, digests ...store.SecretDigest) store.StoredClient {
	out := store.StoredClient{Realm: "/customers", ID: id, Registration: `{"id":"` + id + `","grants":["client_credentials"]` + members + `}`}
	for i, digest := range digests {
		out.Secrets = append(out.Secrets, store.StoredSecret{ID: string(rune('a' + i)), Digest: digest})
	}
	return out
}

// CL5: what was made of a client while its secret was good does not outlive it.
func TestCL5_ASecretExpiresInAClientThatIsInUse(t *testing.T) {
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	_, expiring := hashing.Generate()
	_, lasting := hashing.Generate()
	stored := row("stored", "", expiring, lasting)
	stored.Secrets[0].Expires = now.Add(time.Hour)
	r := withBookAt(t, &now, stored)
	for _, want := range [][]store.SecretDigest{{expiring, lasting}, {lasting}} {
		client, ok := r.Client("stored")
		if !ok {
			t.Fatal("the client is gone")
		}
		if !slices.Equal(client.Secrets, want) {
			t.Errorf("at %v it has %d secrets, want %d", now, len(client.Secrets), len(want))
		}
		now = now.Add(time.Hour)
	}
}

// The token path pays nothing for clients that live in the store.
func TestFindingAClientAllocatesNothing(t *testing.T) {
	_, digest := hashing.Generate()
	r := withBook(t, row("stored", "", digest))
	for _, id := range []string{"orders", "stored"} {
		if client, ok := r.Client(id); !ok || client.ID != id {
			t.Fatalf("%s is not found", id)
		}
		if n := testing.AllocsPerRun(100, func() { r.Client(id) }); n != 0 {
			t.Errorf("%s: %v allocations", id, n)
		}
	}
	if _, ok := r.Client("nobody"); ok {
		t.Error("nobody is found")
	}
}

// A32: an unknown client costs what the dearest costs, wherever that one lives.
func TestA32_TheDearestClientMayLiveInTheStore(t *testing.T) {
	r := withBook(t, row("slow", "", cheapArgon2id))
	form, err := oauth.ParseForm("client_id=nobody&client_secret=wrong")
	if err != nil {
		t.Fatal(err)
	}
	cost := func() int64 { return r.HashCalls(hashing.Argon2id) }
	before := cost()
	if _, err := r.ClientAuth.Authenticate(t.Context(), nil, form); err == nil {
		t.Fatal("nobody authenticates")
	}
	if cost() != before+1 {
		t.Errorf("%d slow hashes, want 1", cost()-before)
	}
	removed := row("slow", "")
	removed.Removed = true
	r.Book.Apply([]store.StoredClient{removed})
	if _, err := r.ClientAuth.Authenticate(t.Context(), nil, form); err == nil || cost() != before+1 {
		t.Errorf("%v, %d slow hashes for a client that is gone", err, cost()-before-1)
	}
}

func TestAS16_OriginsOfStoredClientsAreAllowedWhileTheyAreInService(t *testing.T) {
	r := withBook(t, row("spa", `,"cors_origins":["https://spa.test"]`), row("off", `,"cors_origins":["https://off.test"],"disabled":true`))
	for origin, want := range map[string]bool{"https://spa.test": true, "https://off.test": false, "https://evil.test": false} {
		if r.AllowsOrigin(origin) != want {
			t.Errorf("%s: %v", origin, !want)
		}
	}
	r.Book.Apply([]store.StoredClient{row("spa", "")})
	if r.AllowsOrigin("https://spa.test") {
		t.Error("an origin that was taken away is allowed")
	}
}

// What cannot be read, or no longer fits its realm, is refused and not guessed.
func TestAStoredClientThatCannotWorkIsNoClient(t *testing.T) {
	other := row("other", "")
	other.ID = "stolen"
	r := withBook(t, store.StoredClient{ID: "rubbish", Registration: "{"}, other, row("long", `,"access_token":{"lifetime":"90d"}`), row("fine", ""))
	for id, want := range map[string]bool{"rubbish": false, "stolen": false, "other": false, "long": false, "fine": true} {
		if _, ok := r.Client(id); ok != want {
			t.Errorf("%s is there: %v", id, ok)
		}
	}
	// Nor may an account take its name.
	if subject, ok := r.Subject(store.Account{Service: "staff", ID: "rubbish"}); ok {
		t.Errorf("an account is %s", subject)
	}
}

func TestTheAlgorithmsOfStoredClientsAreKnown(t *testing.T) {
	r := withBook(t, row("a", `,"id_token":{"algorithm":"ES384"}`), row("b", `,"id_token":{"lifetime":"1m"}`))
	if got := r.Book.Algorithms(); !slices.Equal(got, []string{"ES384"}) {
		t.Errorf("algorithms %v", got)
	}
}

func TestARegistrationIsCheckedAgainstTheRealmAsItIsSwitched(t *testing.T) {
	r := withBook(t)
	password := registration.Client{ID: "x", Grants: []string{oauth.GrantPassword}}
	if _, err := r.CheckClient(&password, 1); err == nil || !strings.Contains(err.Error(), "add it to the realm's grants") {
		t.Errorf("got %v", err)
	}
	r.Book.Switch(store.Switches{Grants: map[string]bool{oauth.GrantPassword: true}})
	if client, err := r.CheckClient(&password, 1); err != nil || client.AccessTokenLifetime != 10*time.Minute {
		t.Errorf("%+v, %v", client, err)
	}
	if _, err := r.CheckClient(&password, 0); err == nil || !strings.Contains(err.Error(), "has no secret") {
		t.Errorf("got %v", err)
	}
}

// somebody is an authentication service with one user.
type somebody struct{ nobody }

func (somebody) Account(_ context.Context, id string) (login.Account, error) {
	if id != "demo" {
		return login.Account{}, login.ErrNoAccount
	}
	return login.Account{Account: store.Account{ID: id}}, nil
}

// DESIGN.md section 3, rule 13: no client bears the subject of an account.
func TestTheSubjectsOfAccountsAreKnown(t *testing.T) {
	for name, c := range map[string]struct {
		service string
		shared  bool
		want    bool
	}{"default": {"staff", false, true}, "other": {"ldap", false, false}, "shared": {"ldap", true, true}} {
		settings := good()
		settings.SharedAccounts = c.shared
		settings.Services[c.service] = somebody{}
		r := realm.New(settings, realm.Parts{Hasher: hashing.New()})
		if got := r.AccountNamed(t.Context(), "demo"); got != c.want || r.AccountNamed(t.Context(), "else") {
			t.Errorf("%s: an account is named demo: %v", name, got)
		}
		if got := r.AccountNamed(t.Context(), c.service+":demo"); got != (name == "other") {
			t.Errorf("%s: an account is named %s:demo: %v", name, c.service, got)
		}
	}
}

// Requests read a book while it is written; -race watches.
func TestABookIsReadWhileItIsWritten(t *testing.T) {
	_, digest := hashing.Generate()
	r := withBook(t, row("stored", "", digest))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				client, ok := r.Client("stored")
				if !ok || len(client.Secrets) != 1 {
					t.Error("the client is gone for a moment")
					return
				}
				form, err := oauth.ParseForm("client_id=stored&client_secret=wrong")
				if err != nil {
					t.Error(err)
				}
				_, _ = r.ClientAuth.Authenticate(t.Context(), nil, form)
				r.AllowsOrigin("https://spa.test")
				r.AllowsGrantType(oauth.GrantPassword)
				if giveBack, err := r.Admit(client, r.Now()); err == nil {
					giveBack()
				}
			}
		})
	}
	for i := range 100 {
		r.Book.Apply([]store.StoredClient{row("stored", `,"rate_limit":{"requests":9,"per":"1m"}`, digest)})
		r.Book.Switch(store.Switches{Version: int64(i), Grants: map[string]bool{oauth.GrantPassword: i%2 == 0}})
	}
	all.Wait()
}
