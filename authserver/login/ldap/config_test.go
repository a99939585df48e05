package ldap

import (
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func sound() Config {
	return Config{
		URLs: []string{"ldaps://ldap.example.com"}, BindDN: "cn=reader,dc=example", Password: oauth.NewSecret("x"),
		Search: Search{Base: "ou=people,dc=example", Filter: "(uid={username})"}, Now: time.Now,
	}
}

func TestDefaults(t *testing.T) {
	config := sound()
	config.Search.Filter = "(&(objectClass=user)(sAMAccountName={username}))"
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	if config.Timeout != 3*time.Second || config.Pool != 8 || config.Recheck != 5*time.Minute {
		t.Errorf("timeout %s, pool %d, recheck %s", config.Timeout, config.Pool, config.Recheck)
	}
	if config.IDAttribute != "entryUUID" || config.UsernameAttribute != "sAMAccountName" {
		t.Errorf("id %s, username %s", config.IDAttribute, config.UsernameAttribute)
	}
}

func TestWhichServersAreReached(t *testing.T) {
	for _, test := range []struct {
		url                string
		startTLS, insecure bool
		address            string // "" for an error
		says               string
	}{
		{"ldaps://ldap.example.com", false, false, "ldap.example.com:636", ""},
		{"ldaps://ldap.example.com:6360/", false, false, "ldap.example.com:6360", ""},
		{"ldap://ldap.example.com", true, false, "ldap.example.com:389", ""},
		{"ldap://ldap.example.com", false, true, "ldap.example.com:389", ""},
		{"ldap://localhost", false, false, "localhost:389", ""},
		{"ldap://127.0.0.1:3890", false, false, "127.0.0.1:3890", ""},
		{"ldap://[::1]", false, false, "[::1]:389", ""},
		{"ldap://ldap.example.com", false, false, "", "passwords in the clear"},
		{"ldap://127.0.0.1.example.com", false, false, "", "passwords in the clear"},
		{"ldaps://ldap.example.com", true, false, "", "TLS from the start"},
		{"https://ldap.example.com", false, false, "", "ldaps://"},
		{"ldap.example.com", false, false, "", "ldaps://"},
		{"ldaps://", false, false, "", "ldaps://"},
		{"ldaps://ldap.example.com/dc=example", false, false, "", "ldaps://"},
		{"ldaps://user@ldap.example.com", false, false, "", "ldaps://"},
	} {
		config := sound()
		config.URLs, config.StartTLS, config.Insecure = []string{test.url}, test.startTLS, test.insecure
		err := config.Check()
		if test.address == "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: error %v does not say %q", test.url, err, test.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		address, tls := config.server(test.url)
		if address != test.address || (tls == nil) != (strings.HasPrefix(test.url, "ldap:") && !test.startTLS) {
			t.Errorf("%s leads to %s with TLS %v", test.url, address, tls != nil)
		}
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	for says, change := range map[string]func(*Config){
		"needs a url":          func(c *Config) { c.URLs = nil },
		"belong together":      func(c *Config) { c.Password = oauth.Secret{} },
		"write anonymous":      func(c *Config) { c.BindDN, c.Password = "", oauth.Secret{} },
		"take one away":        func(c *Config) { c.Anonymous = true },
		"bind and search":      func(c *Config) { c.BindTemplate = "uid={username},dc=example" },
		"how people are found": func(c *Config) { c.Search = Search{} },
		"search base":          func(c *Config) { c.Search.Base = "people" },
		"same for everybody":   func(c *Config) { c.Search.Filter = "(uid=demo)" },
		"cannot be read":       func(c *Config) { c.Search.Filter = "(uid={username}" },
		"is no DN such as":     func(c *Config) { c.Search, c.BindTemplate = Search{}, "{username}@example.com" },
		"in its first part":    func(c *Config) { c.Search, c.BindTemplate = Search{}, "uid=x,ou={username},dc=example" },
		"id_attribute":         func(c *Config) { c.IDAttribute = "entry)UUID" },
		"username_attribute":   func(c *Config) { c.UsernameAttribute = "*" },
		"claim sub belongs":    func(c *Config) { c.Claims = []Claim{{Name: "sub", Attribute: "uid"}} },
		"claim email is there twice": func(c *Config) {
			c.Claims = []Claim{{Name: "email", Attribute: "mail"}, {Name: "email", Attribute: "uid"}}
		},
		"claim email: an attribute": func(c *Config) { c.Claims = []Claim{{Name: "email", Attribute: "mail=x"}} },
		"groups: claim groups is there": func(c *Config) {
			c.Claims = []Claim{{Name: "groups", Attribute: "o"}}
			c.Groups = &Groups{Claim: "groups", MemberOf: true}
		},
		"groups: needs a base":    func(c *Config) { c.Groups = &Groups{Claim: "groups"} },
		"groups: base":            func(c *Config) { c.Groups = &Groups{Claim: "groups", Base: "x", Filter: "(member={dn})"} },
		"groups: filter":          func(c *Config) { c.Groups = &Groups{Claim: "groups", Base: "dc=x", Filter: "(objectClass=group)"} },
		"groups: member_of needs": func(c *Config) { c.Groups = &Groups{Claim: "groups", MemberOf: true, Filter: "(member={dn})"} },
		"disabled: filter":        func(c *Config) { c.Disabled = "locked" },
		"timeout is":              func(c *Config) { c.Timeout = time.Hour },
		"pool is":                 func(c *Config) { c.Pool = 1000 },
		"recheck is":              func(c *Config) { c.Recheck = 48 * time.Hour },
	} {
		config := sound()
		change(&config)
		if err := config.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error does not say %q: %v", says, err)
		}
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newCache(time.Minute, func() time.Time { return now })
	for i := range maxKnown + 10 {
		c.put(person{id: strings.Repeat("x", i)})
	}
	if len(c.people) != maxKnown {
		t.Errorf("%d people are remembered", len(c.people))
	}
	now = now.Add(time.Minute)
	if _, ok := c.get("x"); ok {
		t.Error("what is out of date is remembered")
	}
	c.put(person{id: "new"})
	if len(c.people) != 1 {
		t.Errorf("%d people are remembered of whom one is not out of date", len(c.people))
	}
	c.forget("new")
	if _, ok := c.get("new"); ok {
		t.Error("who is forgotten is remembered")
	}
}

func TestAPersonIsBounded(t *testing.T) {
	config := sound()
	config.Groups = &Groups{Claim: "groups", MemberOf: true}
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	for _, groups := range [][]string{make([]string, maxValues+1), {strings.Repeat("x", maxBytes+1)}} {
		if _, err := config.claimsOf(&goldap.Entry{DN: "cn=x"}, groups); err == nil || !strings.Contains(err.Error(), "narrow the filter") {
			t.Errorf("got %v", err)
		}
	}
}
