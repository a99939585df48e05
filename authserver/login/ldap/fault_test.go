package ldap_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldap"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldaptest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// wantFault holds an error to be no verdict on a password or an account.
func wantFault(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil || errors.Is(err, login.ErrCredentials) || errors.Is(err, login.ErrNoAccount) {
		t.Errorf("got %v, want a fault", err)
		return
	}
	if status := oauth.AsError(err).Status; status != 503 || oauth.AsError(err).RetryAfter == 0 {
		t.Errorf("%v is answered with %d", err, status)
	}
	for _, text := range append(says, "authentication corp") {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error does not say %q: %v", text, err)
		}
	}
}

func nobodyListens(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "ldap://" + listener.Addr().String()
}

func TestADirectoryThatCannotAnswerIsAFault(t *testing.T) {
	server := ldaptest.New(t)
	for name, test := range map[string]struct {
		change func(*ldap.Config)
		says   string
	}{
		"down":                 {func(c *ldap.Config) { c.URLs = []string{nobodyListens(t)} }, "connect"},
		"reader is not let in": {func(c *ldap.Config) { c.Password = oauth.NewSecret("wrong") }, "bind_dn"},
		"another CA":           {func(c *ldap.Config) { c.URLs, c.CA = []string{server.TLS()}, x509.NewCertPool() }, "certificate"},
		"another CA, later":    {func(c *ldap.Config) { c.StartTLS, c.CA = true, x509.NewCertPool() }, "certificate"},
		"no such base":         {func(c *ldap.Config) { c.Search.Base = "ou=nowhere," + ldaptest.Base }, "base"},
		"no such id":           {func(c *ldap.Config) { c.IDAttribute = "employeeNumber" }, "id_attribute"},
		"several ids":          {func(c *ldap.Config) { c.IDAttribute = "mail" }, "id_attribute"},
		"a referral":           {func(c *ldap.Config) { c.Search.Base = "uid=elsewhere," + ldaptest.People }, "referrals are not followed"},
		"no such groups":       {func(c *ldap.Config) { c.Groups.Base = "ou=nowhere," + ldaptest.Base }, "groups"},
	} {
		t.Run(name, func(t *testing.T) {
			config := searching(server.URL())
			test.change(&config)
			_, err := authenticate(t, open(t, config), "demo", ldaptest.Password)
			wantFault(t, err, test.says)
		})
	}
}

func TestReferralsAreNotFollowed(t *testing.T) {
	server := ldaptest.New(t)
	// The search meets a referral on its way, and knows no user of that name.
	if _, err := authenticate(t, open(t, searching(server.URL())), "elsewhere", ldaptest.Password); !errors.Is(err, login.ErrCredentials) {
		t.Errorf("search: %v", err)
	}
	_, err := authenticate(t, open(t, naming(server.URL())), "elsewhere", ldaptest.Password)
	wantFault(t, err, "referrals are not followed")
}

func TestIdsThatCannotBeSubjects(t *testing.T) {
	server := ldaptest.New(t, "\ndn: cn=colon,"+ldaptest.People+"\nobjectClass: inetOrgPerson\ncn: colon\nsn: x\nuid: other:demo\nuserPassword: "+ldaptest.Password+"\n")
	config := searching(server.URL())
	config.IDAttribute = "uid"
	if _, err := authenticate(t, open(t, config), "other:demo", ldaptest.Password); err != login.ErrCredentials { //nolint:errorlint // nothing more may be known
		t.Errorf("got %v", err)
	}
}

// Nobody hears that the password is wrong while the directory is slow, and nobody
// waits for long.
func TestASlowDirectoryIsAFault(t *testing.T) {
	server := ldaptest.New(t)
	relay := ldaptest.NewRelay(t, server)
	config := searching(relay.URL())
	config.Timeout, config.Pool = 500*time.Millisecond, 2
	service := open(t, config)
	relay.Hold()
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			_, err := authenticate(t, service, "demo", ldaptest.Password)
			wantFault(t, err)
		})
	}
	group.Wait()
	relay.Flow()
	eventually(t, "it is back", func() bool {
		_, err := authenticate(t, service, "demo", ldaptest.Password)
		return err == nil
	})
}

// Of several servers the next is asked, and asked first from then on.
func TestFailOver(t *testing.T) {
	server := ldaptest.New(t)
	first, second := ldaptest.NewRelay(t, server), ldaptest.NewRelay(t, server)
	config := searching(nobodyListens(t))
	config.URLs = append(config.URLs, first.URL(), second.URL())
	service := open(t, config)
	if _, err := authenticate(t, service, "demo", ldaptest.Password); err != nil {
		t.Fatal(err)
	}
	if len(first.Asked()) == 0 || len(second.Asked()) > 0 {
		t.Error("the first server that is there was not the one asked")
	}
	// One that takes connections and says nothing is left for the next.
	config.URLs, config.Timeout = []string{first.URL(), second.URL()}, 2*time.Second
	service = open(t, config)
	first.Hold()
	eventually(t, "the second answers", func() bool {
		_, err := authenticate(t, service, "demo", ldaptest.Password)
		return err == nil
	})
}

// A connection that died while nobody used it costs nobody a sign-in.
func TestDeadConnectionsAreReplaced(t *testing.T) {
	server := ldaptest.New(t)
	relay := ldaptest.NewRelay(t, server)
	service := open(t, searching(relay.URL()))
	for range 5 {
		if _, err := authenticate(t, service, "demo", ldaptest.Password); err != nil {
			t.Fatal(err)
		}
		relay.Cut()
	}
}

// A directory that restarts makes faults while it is away, never a wrong password,
// and all is well after that.
func TestADirectoryThatRestartsUnderLoad(t *testing.T) {
	server := ldaptest.New(t)
	service := open(t, searching(server.URL()))
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				if _, err := authenticate(t, service, "demo", ldaptest.Password); err != nil {
					wantFault(t, err)
				}
				if _, err := authenticate(t, service, "nobody", ldaptest.Password); !errors.Is(err, login.ErrCredentials) {
					wantFault(t, err)
				}
			}
		})
	}
	for range 3 {
		server.Stop()
		server.Start()
	}
	cancel()
	group.Wait()
	if _, err := authenticate(t, service, "demo", ldaptest.Password); err != nil {
		t.Errorf("after the restarts: %v", err)
	}
}

// Those who wait for a slow directory wait here, and not on connections of their own.
func TestASlowDirectoryHasNoMoreConnections(t *testing.T) {
	relay := ldaptest.NewRelay(t, ldaptest.New(t))
	config := searching(relay.URL())
	config.Timeout, config.Pool = patient, 2
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	directory := ldap.New(config)
	service := directory.Service("corp", discard)
	relay.Hold()
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if _, err := authenticate(t, service, "demo", ldaptest.Password); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "two are served, and nobody else is on the way", func() bool {
		return ldap.Waiting(directory) == 6 && relay.Open() == 2
	})
	// Counted while nobody gives up: a connection that is closed on this side may
	// still be open on the other for a moment.
	if most := relay.Most(); most > 2 {
		t.Errorf("%d connections at once, of a pool of 2", most)
	}
	relay.Flow()
	group.Wait()
	directory.Close()
}

func TestConnectionsAreBounded(t *testing.T) {
	server := ldaptest.New(t)
	relay := ldaptest.NewRelay(t, server)
	config := searching(relay.URL())
	config.Pool = 3
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	directory := ldap.New(config)
	service := directory.Service("corp", discard)
	var group sync.WaitGroup
	for i := range 30 {
		group.Go(func() {
			password := ldaptest.Password
			if i%2 == 0 {
				password = "wrong"
			}
			_, err := service.Authenticate(context.Background(), []string{"twin", "twain", "bob"}[i%3], oauth.NewSecret(password))
			if err != nil && !errors.Is(err, login.ErrCredentials) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	// One that is closed on this side may still be open on the other for a moment.
	if most := relay.Most(); most > 2*config.Pool {
		t.Errorf("%d connections at once", most)
	}
	eventually(t, "no more connections rest than the pool has room for", func() bool { return relay.Open() <= config.Pool })
	directory.Close()
	eventually(t, "none is left", func() bool { return relay.Open() == 0 })
	if _, err := authenticate(t, service, "demo", ldaptest.Password); err == nil {
		t.Error("a closed directory answers")
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", patient, what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
