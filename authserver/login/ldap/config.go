package ldap

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

const (
	// DefaultTimeout bounds what one sign-in waits for the directory.
	DefaultTimeout = 3 * time.Second
	// DefaultPool is how many connections there are at most.
	DefaultPool = 8
	// DefaultRecheck is how long what the directory said of an account holds.
	DefaultRecheck = 5 * time.Minute

	maxTimeout = 30 * time.Second
	maxPool    = 256
	maxRecheck = time.Hour

	// dnAttribute is the id_attribute that stands for the entry's DN.
	dnAttribute = "dn"
)

// Config is how a directory is reached and what its entries mean.
type Config struct {
	// URLs are the servers, ldap:// or ldaps://. The one that answered last is
	// tried first.
	URLs []string
	// StartTLS asks for TLS on ldap://. Insecure does without.
	StartTLS, Insecure bool
	// CA is who signs the certificates of the servers; nil is whom the system
	// trusts.
	CA *x509.CertPool

	// BindDN and Password are the account that reads: people when they sign in, and
	// at every recheck. Anonymous reads without one.
	BindDN    string
	Password  oauth.Secret
	Anonymous bool

	// BindTemplate is the DN of whoever signs in, with {username} in it. Without
	// it the directory is searched.
	BindTemplate string
	Search       Search

	// IDAttribute holds what never changes of an account; "dn" takes the DN.
	IDAttribute string
	// UsernameAttribute holds the name that people sign in with.
	UsernameAttribute string
	Claims            []Claim
	Groups            *Groups
	// Disabled is a filter that matches entries which may not sign in.
	Disabled string

	// Timeout, Pool and Recheck have the defaults above when they are 0.
	Timeout time.Duration
	Pool    int
	Recheck time.Duration

	Now func() time.Time
}

// Search finds whoever signs in.
type Search struct {
	Base string
	// Filter has {username} in it.
	Filter string
	// OneLevel looks right below the base alone.
	OneLevel bool
}

// Claim takes a claim from an attribute: its first value, or all as a list.
type Claim struct {
	Name, Attribute string
	List            bool
}

// Groups makes a claim of the groups that a person is in.
type Groups struct {
	Claim string
	// Base is where groups are: with MemberOf, only those below it count.
	Base string
	// Filter has {dn} or {username} in it.
	Filter string
	// Attribute holds the name of a group.
	Attribute string
	// MemberOf takes the groups from the memberOf attribute of the person.
	MemberOf bool
}

// Check fills in defaults and finds what cannot work.
func (c *Config) Check() error {
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.Pool = cmp.Or(c.Pool, DefaultPool)
	c.Recheck = cmp.Or(c.Recheck, DefaultRecheck)
	c.IDAttribute = cmp.Or(c.IDAttribute, "entryUUID")
	c.UsernameAttribute = cmp.Or(c.UsernameAttribute, usernameAttribute(cmp.Or(c.BindTemplate, c.Search.Filter)))
	switch {
	case c.Timeout < 0 || c.Timeout > maxTimeout:
		return fmt.Errorf("timeout is %s; it is at most %s", c.Timeout, maxTimeout)
	case c.Pool < 1 || c.Pool > maxPool:
		return fmt.Errorf("pool is %d; it is 1 to %d connections", c.Pool, maxPool)
	case c.Recheck < 0 || c.Recheck > maxRecheck:
		return fmt.Errorf("recheck is %s; it is at most %s", c.Recheck, maxRecheck)
	}
	for _, check := range []func() error{c.checkServers, c.checkReader, c.checkPeople, c.checkClaims, c.checkGroups} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkServers() error {
	if len(c.URLs) == 0 {
		return errors.New("needs a url such as ldaps://ldap.example.com")
	}
	for _, address := range c.URLs {
		u, err := parseURL(address)
		if err != nil {
			return err
		}
		// What is not encrypted gives passwords to whoever listens.
		plain := u.Scheme == "ldap" && !c.StartTLS
		if plain && !oauth.IsLoopbackHost(u.Hostname()) && !c.Insecure {
			return fmt.Errorf("url %s would send passwords in the clear: use ldaps://, or add start_tls", address)
		}
		if u.Scheme == "ldaps" && c.StartTLS {
			return fmt.Errorf("url %s has TLS from the start: take start_tls away, or use ldap://", address)
		}
	}
	return nil
}

func parseURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("url %q is none such as ldaps://ldap.example.com or ldap://ldap.example.com:389", address)
	}
	return u, nil
}

// server is where a URL leads, and the TLS to speak there.
func (c *Config) server(address string) (hostport string, config *tls.Config) {
	u, _ := parseURL(address) // Check has read it
	port := cmp.Or(u.Port(), map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme])
	if u.Scheme == "ldaps" || c.StartTLS {
		config = &tls.Config{ServerName: u.Hostname(), RootCAs: c.CA, MinVersion: tls.VersionTLS12}
	}
	return net.JoinHostPort(u.Hostname(), port), config
}

func (c *Config) checkReader() error {
	switch {
	case (c.BindDN == "") != c.Password.Empty():
		return errors.New("bind_dn and password belong together")
	case c.Anonymous && c.BindDN != "":
		return errors.New("has anonymous and bind_dn: take one away")
	case !c.Anonymous && c.BindDN == "":
		return errors.New("needs bind_dn and password of an account that may read: at every refresh the directory is asked " +
			"whether the person is still there; where everybody may read, write anonymous")
	}
	return nil
}

func (c *Config) checkPeople() error {
	if c.BindTemplate != "" {
		if c.Search != (Search{}) {
			return errors.New("has bind and search: people are found in one way")
		}
		if err := checkDNTemplate(c.BindTemplate); err != nil {
			return fmt.Errorf("bind %w", err)
		}
		return nil
	}
	if c.Search.Base == "" || c.Search.Filter == "" {
		return errors.New("needs to know how people are found: write bind uid={username},ou=people,dc=example,dc=org or search with a base and a filter")
	}
	if _, err := goldap.ParseDN(c.Search.Base); err != nil {
		return fmt.Errorf("search base %q is no DN", c.Search.Base)
	}
	if err := checkFilter(c.Search.Filter, usernameMark); err != nil {
		return fmt.Errorf("search %w", err)
	}
	return nil
}

func (c *Config) checkClaims() error {
	for setting, attribute := range map[string]string{"id_attribute": c.IDAttribute, "username_attribute": c.UsernameAttribute} {
		if err := checkAttribute(attribute); err != nil {
			return fmt.Errorf("%s: %w", setting, err)
		}
	}
	seen := map[string]bool{}
	for _, claim := range c.Claims {
		if err := checkAttribute(claim.Attribute); err != nil {
			return fmt.Errorf("claim %s: %w", claim.Name, err)
		}
		if err := checkClaim(claim.Name, seen); err != nil {
			return err
		}
	}
	if c.Groups != nil {
		if err := checkClaim(c.Groups.Claim, seen); err != nil {
			return fmt.Errorf("groups: %w", err)
		}
	}
	if c.Disabled == "" {
		return nil
	}
	if err := checkFilter(c.Disabled); err != nil {
		return fmt.Errorf("disabled: %w", err)
	}
	return nil
}

func checkClaim(name string, seen map[string]bool) error {
	switch {
	case name == "":
		return errors.New("a claim needs a name")
	case login.ProtocolClaim(name):
		return fmt.Errorf("claim %s belongs to the protocol and cannot be taken from a directory", name)
	case seen[name]:
		return fmt.Errorf("claim %s is there twice", name)
	}
	seen[name] = true
	return nil
}

func (c *Config) checkGroups() error {
	g := c.Groups
	if g == nil {
		return nil
	}
	g.Attribute = cmp.Or(g.Attribute, "cn")
	if err := checkAttribute(g.Attribute); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	if g.Base != "" {
		if _, err := goldap.ParseDN(g.Base); err != nil {
			return fmt.Errorf("groups: base %q is no DN", g.Base)
		}
	}
	switch {
	case g.MemberOf && g.Filter != "":
		return errors.New("groups: member_of needs no filter")
	case g.MemberOf:
		return nil
	case g.Base == "" || g.Filter == "":
		return errors.New("groups: needs a base and a filter such as (member={dn}), or member_of")
	}
	if err := checkFilter(g.Filter, dnMark, usernameMark); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	return nil
}
