package caddymodule

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/ldap"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func init() {
	caddy.RegisterModule(new(LDAPAuthentication))
}

// LDAPAuthentication signs in the people of an LDAP directory: each password is
// tried by a bind, at the DN that `bind` makes of the username or at the entry that
// `search` finds. What people type is only ever a literal there.
//
// A directory that is away, slow or refuses `bind_dn` is answered with 503, never
// with "wrong password". Referrals are not followed. Whether somebody may still
// sign in is asked again at every refresh, at most once in `recheck`.
type LDAPAuthentication struct {
	// URLs are the servers, `ldaps://ldap.example.com` or `ldap://host:389`. The one
	// that answered last is asked first, the others when it does not. Without TLS
	// only on loopback. Required.
	URLs []string `json:"urls,omitempty"`

	// StartTLS asks for TLS on an `ldap://` connection before anything else.
	// Default: false.
	StartTLS bool `json:"start_tls,omitempty"`

	// CA is a file with the PEM certificates of those who sign the servers'
	// certificates, read when the configuration is loaded. Default: whom the system
	// trusts.
	CA string `json:"ca,omitempty"`

	// Insecure allows `ldap://` without TLS beyond loopback: whoever listens on the
	// way reads every password. Default: false.
	Insecure bool `json:"insecure,omitempty"`

	// BindDN is the DN of an account that may read people and groups. Required,
	// unless anonymous.
	BindDN string `json:"bind_dn,omitempty"`

	// Password is that account's. Write it as a placeholder (`{env.NAME}` or
	// `{file./path}`).
	Password string `json:"password,omitempty"`

	// Anonymous reads without an account, where the directory lets everybody.
	// Default: false.
	Anonymous bool `json:"anonymous,omitempty"`

	// Bind is the DN of people with `{username}` in its first part, such as
	// `uid={username},ou=people,dc=example,dc=org`. Default: people are searched.
	Bind string `json:"bind,omitempty"`

	// Search finds people. Required, unless bind says their DN.
	Search *LDAPSearch `json:"search,omitempty"`

	// IDAttribute is the attribute that never changes for a person and that nobody
	// else ever has: it becomes `sub`. `objectGUID` for Active Directory, `nsUniqueId`
	// for 389 Directory Server; `dn` takes the DN, which changes with the name.
	// Printable ASCII without a colon. Default: entryUUID.
	IDAttribute string `json:"id_attribute,omitempty"`

	// UsernameAttribute is the attribute with the name of a person; it becomes
	// `preferred_username`. Default: the one that bind or the filter of search
	// compares with the username, else uid.
	UsernameAttribute string `json:"username_attribute,omitempty"`

	// Claims are taken from attributes. Default: none.
	Claims []LDAPClaim `json:"claims,omitempty"`

	// Groups makes a claim of the groups of a person. Default: none.
	Groups *LDAPGroups `json:"groups,omitempty"`

	// Disabled is a filter; people whose entry matches it may not sign in, and
	// their sessions and grants end at the next recheck. Default: nobody's does.
	Disabled string `json:"disabled,omitempty"`

	// Timeout bounds what one sign-in or recheck waits for the directory, at most
	// 30s. Default: 3s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Pool is how many connections there are at most, 1 to 256. Those that nobody
	// uses are closed after a minute. Default: 8.
	Pool int32 `json:"pool,omitempty"`

	// Recheck is how long what the directory said of a person holds without asking
	// again, at most 1h. Default: 5m.
	Recheck caddy.Duration `json:"recheck,omitempty"`

	directory *ldap.Directory
	key       string
}

// LDAPSearch finds people in a directory.
type LDAPSearch struct {
	// Base is the DN below which people are. Required.
	Base string `json:"base,omitempty"`

	// Filter finds the one entry of a `{username}`. Required.
	Filter string `json:"filter,omitempty"`

	// Scope is `sub` for all below the base, `one` for the level right below it.
	// Default: sub.
	Scope string `json:"scope,omitempty"`
}

// LDAPClaim is a claim that comes from an attribute.
type LDAPClaim struct {
	// Claim is its name, such as `email`. Required.
	Claim string `json:"claim"`

	// Attribute is where its value stands, such as `mail`. Required.
	Attribute string `json:"attribute"`

	// List takes all values as a list. Default: the first alone.
	List bool `json:"list,omitempty"`
}

// LDAPGroups makes a claim of the groups that a person is in, at most 1000.
type LDAPGroups struct {
	// Base is the DN below which groups are. With member_of, groups elsewhere do
	// not count. Required, unless member_of.
	Base string `json:"base,omitempty"`

	// Filter finds the groups of a person, with `{dn}` or `{username}` in it, such as
	// `(member={dn})`. Required, unless member_of.
	Filter string `json:"filter,omitempty"`

	// Claim is the name of the claim, a list. Default: groups.
	Claim string `json:"claim,omitempty"`

	// Attribute is the attribute with the name of a group; with member_of it must
	// begin the DNs of groups. Default: cn.
	Attribute string `json:"attribute,omitempty"`

	// MemberOf takes the groups from the attribute memberOf of the person, without a
	// search. Default: false.
	MemberOf bool `json:"member_of,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*LDAPAuthentication) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.authentication.ldap", New: func() caddy.Module { return new(LDAPAuthentication) }}
}

// directories keeps directories, with their connections and what they said of
// people, over reloads. Its keys cover every setting, so that a changed one takes
// effect.
var directories = caddy.NewUsagePool()

// pooledDirectory is a directory that configurations share.
type pooledDirectory struct{ *ldap.Directory }

// Destruct implements caddy.Destructor. Requests of the old configuration may
// still be running.
func (p pooledDirectory) Destruct() error {
	if caddy.Exiting() {
		p.Close()
		return nil
	}
	time.AfterFunc(drainTimeout, p.Close)
	return nil
}

// Provision checks the settings. It connects to nothing.
func (l *LDAPAuthentication) Provision(caddy.Context) error {
	config, authorities, err := l.config()
	if err != nil {
		return err
	}
	if err := config.Check(); err != nil {
		return err
	}
	key := l.digest(config.Password, authorities)
	value, _, err := directories.LoadOrNew(key, func() (caddy.Destructor, error) {
		return pooledDirectory{ldap.New(config)}, nil
	})
	if err != nil {
		return err
	}
	l.key, l.directory = key, value.(pooledDirectory).Directory
	return nil
}

// Cleanup gives back what Provision took, once.
func (l *LDAPAuthentication) Cleanup() error {
	if l.directory == nil {
		return nil
	}
	l.directory = nil
	_, err := directories.Delete(l.key)
	return err
}

// Open implements AuthenticationService.
func (l *LDAPAuthentication) Open(name string, _ *hashing.Hasher, log *slog.Logger) (login.Service, error) {
	return l.directory.Service(name, log), nil
}

// config fills in placeholders and reads the file of certificates.
func (l *LDAPAuthentication) config() (config ldap.Config, authorities []byte, err error) {
	repl := caddy.NewReplacer()
	password, err := resolveSecret(l.Password, repl)
	if err != nil {
		return config, nil, fmt.Errorf("password %w", err)
	}
	for i := range l.URLs {
		l.URLs[i] = repl.ReplaceKnown(l.URLs[i], "")
	}
	for _, field := range []*string{&l.CA, &l.BindDN, &l.Bind} {
		*field = repl.ReplaceKnown(*field, "") // {username} is not known
	}
	config = ldap.Config{
		URLs: l.URLs, StartTLS: l.StartTLS, Insecure: l.Insecure,
		BindDN: l.BindDN, Password: oauth.NewSecret(password), Anonymous: l.Anonymous,
		BindTemplate: l.Bind, IDAttribute: l.IDAttribute, UsernameAttribute: l.UsernameAttribute, Disabled: l.Disabled,
		Timeout: time.Duration(l.Timeout), Pool: int(l.Pool), Recheck: time.Duration(l.Recheck), Now: time.Now,
	}
	if s := l.Search; s != nil {
		s.Base = repl.ReplaceKnown(s.Base, "")
		if s.Scope != "" && s.Scope != "sub" && s.Scope != "one" {
			return config, nil, fmt.Errorf("search scope is %q; it is sub or one", s.Scope)
		}
		config.Search = ldap.Search{Base: s.Base, Filter: s.Filter, OneLevel: s.Scope == "one"}
	}
	for _, claim := range l.Claims {
		config.Claims = append(config.Claims, ldap.Claim{Name: claim.Claim, Attribute: claim.Attribute, List: claim.List})
	}
	if g := l.Groups; g != nil {
		g.Base = repl.ReplaceKnown(g.Base, "")
		config.Groups = &ldap.Groups{Claim: cmp.Or(g.Claim, "groups"), Base: g.Base, Filter: g.Filter, Attribute: g.Attribute, MemberOf: g.MemberOf}
	}
	if l.CA == "" {
		return config, nil, nil
	}
	if authorities, err = os.ReadFile(l.CA); err != nil {
		return config, nil, fmt.Errorf("ca: %w", err)
	}
	config.CA = x509.NewCertPool()
	if !config.CA.AppendCertsFromPEM(authorities) {
		return config, nil, fmt.Errorf("ca: %s has no PEM certificate", l.CA)
	}
	return config, authorities, nil
}

// digest tells settings apart, and what they name in files and the environment.
func (l *LDAPAuthentication) digest(password oauth.Secret, authorities []byte) string {
	settings, _ := json.Marshal(l) // text, numbers and lists of them
	mac := hmac.New(sha256.New, digestKey())
	_, _ = fmt.Fprintf(mac, "%q %q %q", settings, password.Reveal(), authorities)
	return string(mac.Sum(nil))
}

// Interface guards
var (
	_ caddy.Module          = (*LDAPAuthentication)(nil)
	_ caddy.Provisioner     = (*LDAPAuthentication)(nil)
	_ caddy.CleanerUpper    = (*LDAPAuthentication)(nil)
	_ caddy.Destructor      = pooledDirectory{}
	_ AuthenticationService = (*LDAPAuthentication)(nil)
)
