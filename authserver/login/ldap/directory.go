package ldap

import (
	"context"
	"errors"
	"fmt"

	goldap "github.com/go-ldap/ldap/v3"
)

// Directory is a directory with the connections to it, which services of any
// realm share. It connects when it is first asked.
type Directory struct {
	config Config
	pool   *pool
	known  *cache
	// wanted are the attributes that an entry is read with.
	wanted []string
}

// New makes a Directory of settings that Check has passed.
func New(config Config) *Directory {
	d := &Directory{config: config, known: newCache(config.Recheck, config.Now)}
	d.pool = newPool(config.Pool, len(config.URLs), config.Timeout, d.dial)
	d.wanted = []string{config.UsernameAttribute}
	if config.IDAttribute != dnAttribute {
		d.wanted = append(d.wanted, config.IDAttribute)
	}
	for _, claim := range config.Claims {
		d.wanted = append(d.wanted, claim.Attribute)
	}
	if config.Groups != nil && config.Groups.MemberOf {
		d.wanted = append(d.wanted, memberOfAttribute)
	}
	return d
}

// Close ends the connections. Requests that still come hear that it is closed.
func (d *Directory) Close() { d.pool.close() }

// bounded is a context for one visit to the directory. Whoever asked may have gone
// meanwhile: what they began costs no more when it is finished, and a connection
// less.
func (d *Directory) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), d.config.Timeout)
}

// errNoEntry is a search that found nobody.
var errNoEntry = errors.New("no such entry")

// errSeveral is a search that found more than one.
var errSeveral = errors.New("more than one entry matches: make the filter of search narrower")

// one searches for the only entry. Continuations to other servers are not
// followed, and say nothing: some directories send them with every answer.
func (d *Directory) one(ctx context.Context, request *goldap.SearchRequest) (entry *goldap.Entry, err error) {
	request.SizeLimit = 2
	err = d.pool.with(ctx, reading, func(c *conn) error {
		entry = nil
		result, err := c.Search(request)
		switch {
		case request.Scope == goldap.ScopeBaseObject && goldap.IsErrorAnyOf(err, goldap.LDAPResultNoSuchObject, goldap.LDAPResultInvalidDNSyntax):
			return errNoEntry
		case goldap.IsErrorWithCode(err, goldap.LDAPResultSizeLimitExceeded):
			return errSeveral
		case err != nil:
			return explain(err)
		case len(result.Entries) > 1:
			return errSeveral
		case len(result.Entries) == 0:
			return errNoEntry
		}
		entry = result.Entries[0]
		return nil
	})
	return entry, err
}

// at reads the entry with a DN, if it matches a filter.
func (d *Directory) at(ctx context.Context, dn, filter string) (*goldap.Entry, error) {
	return d.one(ctx, &goldap.SearchRequest{
		BaseDN: dn, Scope: goldap.ScopeBaseObject, Filter: filter, Attributes: d.wanted,
	})
}

// below searches for the one entry that matches a filter below the base of
// people.
func (d *Directory) below(ctx context.Context, filter string) (*goldap.Entry, error) {
	request := &goldap.SearchRequest{BaseDN: d.config.Search.Base, Scope: goldap.ScopeWholeSubtree, Filter: filter, Attributes: d.wanted}
	switch {
	case d.config.BindTemplate != "":
		request.BaseDN = parent(d.config.BindTemplate)
	case d.config.Search.OneLevel:
		request.Scope = goldap.ScopeSingleLevel
	}
	return d.one(ctx, request)
}

// find gives the entry that a username belongs to; in bind mode it is not asked
// for before the bind.
func (d *Directory) find(ctx context.Context, username string) (*goldap.Entry, error) {
	return d.below(ctx, fillFilter(d.config.Search.Filter, username, ""))
}

// byID gives the entry of an account.
func (d *Directory) byID(ctx context.Context, id string) (*goldap.Entry, error) {
	if d.config.IDAttribute == dnAttribute {
		return d.at(ctx, id, anyEntry)
	}
	value, ok := idValue(d.config.IDAttribute, id)
	if !ok {
		return nil, errNoEntry
	}
	return d.below(ctx, equals(d.config.IDAttribute, value))
}

// anyEntry matches every entry.
const anyEntry = "(objectClass=*)"

// bind tries a password. A refusal says that the directory said no.
func (d *Directory) bind(ctx context.Context, dn, password string) error {
	// A bind without a password succeeds for everybody (RFC 4513 §5.1.2).
	if password == "" || dn == "" {
		return fmt.Errorf("a bind without a name or a password proves nothing: %w", refusal{})
	}
	return d.pool.with(ctx, binding, func(c *conn) error {
		request := goldap.NewSimpleBindRequest(dn, password, []goldap.Control{goldap.NewControlBeheraPasswordPolicy()})
		result, err := c.SimpleBind(request)
		var controls []goldap.Control
		if result != nil {
			controls = result.Controls
		}
		return judgeBind(controls, err)
	})
}
