package ldap_test

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldap"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldaptest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// patient is what tests give a slow machine.
const patient = 30 * time.Second

// searching finds people as most directories are set up.
func searching(url string) ldap.Config {
	return ldap.Config{
		URLs:   []string{url},
		BindDN: ldaptest.Reader, Password: oauth.NewSecret(ldaptest.ReaderPassword),
		Search:   ldap.Search{Base: ldaptest.People, Filter: "(uid={username})"},
		Claims:   []ldap.Claim{{Name: "email", Attribute: "mail"}, {Name: "emails", Attribute: "mail", List: true}, {Name: "name", Attribute: "cn"}, {Name: "address", Attribute: "postalAddress"}},
		Groups:   &ldap.Groups{Claim: "groups", Base: ldaptest.Groups, Filter: "(member={dn})"},
		Disabled: "(employeeType=gone)",
		Timeout:  patient,
		Now:      time.Now,
	}
}

// naming makes the DN of people from what they type.
func naming(url string) ldap.Config {
	config := searching(url)
	config.Search, config.BindTemplate = ldap.Search{}, "uid={username},"+ldaptest.People
	return config
}

func open(t *testing.T, config ldap.Config) login.Passwords {
	t.Helper()
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	directory := ldap.New(config)
	t.Cleanup(directory.Close)
	return directory.Service("corp", slog.New(slog.NewTextHandler(t.Output(), nil)))
}

func authenticate(t *testing.T, service login.Passwords, username, password string) (login.Account, error) {
	t.Helper()
	return service.Authenticate(context.Background(), username, oauth.NewSecret(password))
}

func wantReason(t *testing.T, err error, id, reason string) {
	t.Helper()
	var refused *login.Refused
	if !errors.Is(err, login.ErrCredentials) || !errors.As(err, &refused) {
		t.Errorf("got %v, want a refusal for the reason %s", err, reason)
		return
	}
	if refused.Reason != reason || refused.Account.Service != "corp" || id != "" && refused.Account.ID != id {
		t.Errorf("refused %+v, want the reason %s", refused, reason)
	}
}

func TestWhoSignsIn(t *testing.T) {
	server := ldaptest.New(t)
	for name, config := range map[string]ldap.Config{"search": searching(server.URL()), "bind": naming(server.URL())} {
		t.Run(name, func(t *testing.T) {
			service := open(t, config)
			account, err := authenticate(t, service, "demo", ldaptest.Password)
			if err != nil {
				t.Fatal(err)
			}
			if account.Service != "corp" || account.ID != ldaptest.DemoUUID || account.Username != "demo" {
				t.Errorf("account %+v", account)
			}
			claims := map[string]any{
				"preferred_username": "demo", "email": "demo@example.org", "emails": []string{"demo@example.org", "demo.user@example.org"},
				"name": "Demo User", "address": map[string]string{"formatted": "Storgata 1\n0155 Oslo"}, "groups": []string{"admins", "staff"},
			}
			if !reflect.DeepEqual(account.Claims, claims) {
				t.Errorf("claims %v\nwant %v", account.Claims, claims)
			}
			again, err := service.Account(t.Context(), account.ID)
			if err != nil || !reflect.DeepEqual(again, account) {
				t.Errorf("Account gives %+v, %v", again, err)
			}
			_, err = authenticate(t, service, "demo", "wrong")
			wantReason(t, err, ldaptest.DemoUUID, login.WrongPassword)
			_, err = authenticate(t, service, "bob", ldaptest.Password)
			wantReason(t, err, "", login.Disabled)
			_, err = authenticate(t, service, "bob", "wrong")
			wantReason(t, err, "", login.WrongPassword)
			for _, username := range []string{"nobody", "", "*", "double", strings.Repeat("x", login.MaxUsernameBytes+1), "demo\x00", "d\xffmo"} {
				if _, err = authenticate(t, service, username, ldaptest.Password); err != login.ErrCredentials { //nolint:errorlint // nothing may be known of them
					t.Errorf("%q: %v", username, err)
				}
			}
			if _, err := service.Account(t.Context(), "22222222-2222-4222-8222-222222222222"); !errors.Is(err, login.ErrNoAccount) {
				t.Errorf("an account that is not there: %v", err)
			}
		})
	}
}

// RFC 4513 §5.1.2: a bind without a password succeeds for everybody.
func TestAnEmptyPasswordIsNotEvenTried(t *testing.T) {
	server := ldaptest.New(t)
	relay := ldaptest.NewRelay(t, server)
	for _, config := range []ldap.Config{searching(relay.URL()), naming(relay.URL())} {
		if _, err := authenticate(t, open(t, config), "demo", ""); !errors.Is(err, login.ErrCredentials) {
			t.Errorf("got %v", err)
		}
	}
	if asked := relay.Asked(); len(asked) > 0 {
		t.Errorf("the directory was asked: %v", asked)
	}
}

func TestAS62_UnknownWrongAndLockedAskTheDirectoryAlike(t *testing.T) {
	server := ldaptest.New(t)
	relay := ldaptest.NewRelay(t, server)
	for name, config := range map[string]ldap.Config{"search": searching(relay.URL()), "bind": naming(relay.URL())} {
		t.Run(name, func(t *testing.T) {
			service := open(t, config)
			_, _ = authenticate(t, service, "demo", "wrong") // the connections are there
			relay.Asked()
			_, _ = authenticate(t, service, "demo", "wrong")
			want := relay.Asked()
			if len(want) != 2 || !slices.Contains(want, ldaptest.Bind) {
				t.Errorf("a wrong password asks %v", want)
			}
			for range 8 {
				_, _ = authenticate(t, service, "alice", "wrong")
			}
			relay.Asked()
			_, err := authenticate(t, service, "alice", ldaptest.Password)
			wantReason(t, err, "", ldap.Locked)
			if got := relay.Asked(); !slices.Equal(got, want) {
				t.Errorf("a locked account asks %v, a wrong password %v", got, want)
			}
			for _, username := range []string{"nobody", "double", "*)(uid=*"} {
				_, _ = authenticate(t, service, username, "wrong")
				if got := relay.Asked(); !slices.Equal(got, want) {
					t.Errorf("%q asks %v, a wrong password %v", username, got, want)
				}
			}
		})
	}
}

func TestWhatThePasswordPolicySays(t *testing.T) {
	server := ldaptest.New(t)
	service := open(t, searching(server.URL()))
	server.Change("dn: uid=alice," + ldaptest.People + "\nchangetype: modify\nadd: pwdReset\npwdReset: TRUE\n")
	_, err := authenticate(t, service, "alice", ldaptest.Password)
	wantReason(t, err, "", ldap.PasswordExpired)
	for range 8 {
		_, _ = authenticate(t, service, "demo", "wrong")
	}
	_, err = authenticate(t, service, "demo", ldaptest.Password)
	wantReason(t, err, ldaptest.DemoUUID, ldap.Locked)
	_, err = authenticate(t, service, "nopassword", "x")
	wantReason(t, err, "", login.WrongPassword)
}

func TestAS42_AnAccountThatIsGoneOrDisabled(t *testing.T) {
	server := ldaptest.New(t)
	now := time.Now()
	config := searching(server.URL())
	config.Now = func() time.Time { return now }
	service := open(t, config)
	account, err := authenticate(t, service, "demo", ldaptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	server.Change("dn: uid=demo," + ldaptest.People + "\nchangetype: modify\nreplace: employeeType\nemployeeType: gone\n")
	if _, err := service.Account(t.Context(), account.ID); err != nil {
		t.Errorf("within recheck: %v", err)
	}
	now = now.Add(ldap.DefaultRecheck)
	if _, err := service.Account(t.Context(), account.ID); !errors.Is(err, login.ErrNoAccount) {
		t.Errorf("a disabled account: %v", err)
	}
	server.Change("dn: uid=demo," + ldaptest.People + "\nchangetype: modify\nreplace: employeeType\nemployeeType: staff\n")
	if _, err := service.Account(t.Context(), account.ID); err != nil {
		t.Errorf("enabled again: %v", err)
	}
	server.Change("dn: uid=demo," + ldaptest.People + "\nchangetype: delete\n")
	now = now.Add(ldap.DefaultRecheck)
	if _, err := service.Account(t.Context(), account.ID); !errors.Is(err, login.ErrNoAccount) {
		t.Errorf("a deleted account: %v", err)
	}
	server.Stop()
	if _, err := service.Account(t.Context(), account.ID); err == nil || errors.Is(err, login.ErrNoAccount) {
		t.Errorf("while the directory is down: %v", err)
	}
}

// Directories find DEMO where demo is; as subjects they are two.
func TestIdsAreTheSameByteForByte(t *testing.T) {
	config := searching(ldaptest.New(t).URL())
	config.IDAttribute = "uid"
	service := open(t, config)
	if account, err := authenticate(t, service, "DEMO", ldaptest.Password); err != nil || account.ID != "demo" || account.Username != "demo" {
		t.Errorf("signed in as %+v, %v", account, err)
	}
	for _, id := range []string{"DEMO", " demo", "*", "demo)(uid=*", ""} {
		if _, err := service.Account(t.Context(), id); !errors.Is(err, login.ErrNoAccount) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestOtherWaysToReadPeople(t *testing.T) {
	server := ldaptest.New(t)
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(server.CA())
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no CA", err)
	}
	for name, change := range map[string]func(*ldap.Config){
		"ldaps":     func(c *ldap.Config) { c.URLs, c.CA = []string{server.TLS()}, pool },
		"start_tls": func(c *ldap.Config) { c.StartTLS, c.CA = true, pool },
		"dn as id":  func(c *ldap.Config) { c.IDAttribute, c.Groups = "dn", nil },
		"uid as id": func(c *ldap.Config) { c.IDAttribute = "uid" },
		"one level": func(c *ldap.Config) { c.Search.OneLevel = true },
		"memberOf":  func(c *ldap.Config) { c.Groups = &ldap.Groups{Claim: "groups", MemberOf: true, Base: ldaptest.Groups} },
	} {
		t.Run(name, func(t *testing.T) {
			config := searching(server.URL())
			change(&config)
			service := open(t, config)
			account, err := authenticate(t, service, "demo", ldaptest.Password)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"dn as id": "uid=demo," + ldaptest.People, "uid as id": "demo"}[name]
			if want == "" {
				want = ldaptest.DemoUUID
			}
			if account.ID != want {
				t.Errorf("id %q, want %q", account.ID, want)
			}
			if groups, _ := account.Claims["groups"].([]string); config.Groups != nil && !slices.Equal(groups, []string{"admins", "staff"}) {
				t.Errorf("groups %v", groups)
			}
			// Without what the sign-in remembered.
			if again, err := open(t, config).Account(t.Context(), account.ID); err != nil || !reflect.DeepEqual(again, account) {
				t.Errorf("Account gives %+v, %v", again, err)
			}
		})
	}
}

var discard = slog.New(slog.DiscardHandler)
