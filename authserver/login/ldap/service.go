package ldap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// service is a Directory under the name that a configuration gives it.
type service struct {
	*Directory
	name string
	log  *slog.Logger
}

// Service gives the authentication service of the directory that is called name.
func (d *Directory) Service(name string, log *slog.Logger) login.Passwords {
	return &service{d, name, log}
}

// Authenticate checks a username and a password by a bind as whoever it names.
// Unknown names, wrong passwords and locked accounts make the same requests to the
// directory (AS62).
func (s *service) Authenticate(ctx context.Context, username string, password oauth.Secret) (login.Account, error) {
	// Neither can be anybody's, and an empty password would not be asked for at all
	// (RFC 4513 §5.1.2).
	if password.Empty() || !acceptable(username) {
		return login.Account{}, login.ErrCredentials
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	entry, err := s.prove(ctx, username, password)
	if err != nil {
		return login.Account{}, s.verdict(ctx, entry, err)
	}
	id, err := s.id(ctx, entry)
	if err != nil {
		return login.Account{}, err
	}
	found, err := s.person(ctx, entry, id)
	if errors.Is(err, login.ErrNoAccount) {
		return login.Account{}, &login.Refused{Account: s.account(id), Reason: login.Disabled}
	}
	if err != nil {
		return login.Account{}, s.fault(err)
	}
	s.known.put(found)
	return s.accountOf(found), nil
}

// acceptable says whether text can be a username at all.
func acceptable(username string) bool {
	return username != "" && len(username) <= login.MaxUsernameBytes && utf8.ValidString(username) &&
		!strings.ContainsFunc(username, unicode.IsControl)
}

// prove finds the entry of a username and tries the password on it. A refusal
// comes with the entry, if there is one.
func (s *service) prove(ctx context.Context, username string, password oauth.Secret) (*goldap.Entry, error) {
	if template := s.config.BindTemplate; template != "" {
		dn := fillDN(template, username)
		refused := s.bind(ctx, dn, password.Reveal())
		if refused != nil && !errors.As(refused, new(refusal)) {
			return nil, refused
		}
		entry, err := s.at(ctx, dn, anyEntry)
		if refused != nil && (err == nil || errors.Is(err, errNoEntry)) {
			return entry, refused
		}
		if errors.Is(err, errNoEntry) {
			err = errors.New("somebody has signed in whose entry bind_dn cannot see: let it read the people")
		}
		return entry, err
	}
	entry, err := s.find(ctx, username)
	switch {
	case errors.Is(err, errSeveral):
		s.log.WarnContext(ctx, "a username stands in more than one entry, so it signs nobody in: make the filter of search narrower", "authentication", s.name)
	case err != nil && !errors.Is(err, errNoEntry):
		return nil, err
	}
	if entry == nil {
		// Who is not there costs a bind, as everybody does.
		if err := s.bind(ctx, decoy+s.config.Search.Base, password.Reveal()); err != nil && !errors.As(err, new(refusal)) {
			return nil, err
		}
		return nil, refusal{login.UnknownUser}
	}
	return entry, s.bind(ctx, entry.DN, password.Reveal())
}

// decoy begins a DN that is nobody's.
const decoy = "cn=caddy-oauth2 nobody,"

// verdict is what a failed proof means to those who ask.
func (s *service) verdict(ctx context.Context, entry *goldap.Entry, err error) error {
	var no refusal
	if !errors.As(err, &no) {
		return s.fault(err)
	}
	if entry == nil {
		return login.ErrCredentials
	}
	id, err := s.id(ctx, entry)
	if err != nil {
		return login.ErrCredentials
	}
	return &login.Refused{Account: s.account(id), Reason: no.reason}
}

// Account asks the directory for an account, unless it was asked a short while
// ago.
func (s *service) Account(ctx context.Context, id string) (login.Account, error) {
	if known, ok := s.known.get(id); ok {
		return s.accountOf(known), nil
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	entry, err := s.byID(ctx, id)
	if errors.Is(err, errNoEntry) {
		s.known.forget(id)
		return login.Account{}, login.ErrNoAccount
	}
	if err != nil {
		return login.Account{}, s.fault(err)
	}
	// Directories compare without regard to case; subjects are not the same then.
	if is, err := idOf(entry, s.config.IDAttribute); err != nil {
		return login.Account{}, s.fault(err)
	} else if is != id {
		return login.Account{}, login.ErrNoAccount
	}
	found, err := s.person(ctx, entry, id)
	if err != nil {
		return login.Account{}, s.fault(err)
	}
	s.known.put(found)
	return s.accountOf(found), nil
}

// person reads what the directory says of an entry. login.ErrNoAccount when it may
// not sign in.
func (s *service) person(ctx context.Context, entry *goldap.Entry, id string) (person, error) {
	disabled, err := s.disabled(ctx, entry)
	if err != nil {
		return person{}, err
	}
	if disabled {
		s.known.forget(id)
		return person{}, login.ErrNoAccount
	}
	groups, err := s.groupsOf(ctx, entry)
	if err != nil {
		return person{}, err
	}
	claims, err := s.config.claimsOf(entry, groups)
	return person{id: id, username: firstText(entry, s.config.UsernameAttribute), claims: claims}, err
}

// id is the id of an entry's account. login.ErrCredentials, and a line for the
// operator, when it cannot be a subject.
func (s *service) id(ctx context.Context, entry *goldap.Entry) (string, error) {
	id, err := idOf(entry, s.config.IDAttribute)
	if err != nil {
		return "", s.fault(err)
	}
	if err := login.CheckID(s.name, id); err != nil {
		s.log.WarnContext(ctx, "an entry has an id that cannot be a subject, so it cannot sign in: set id_attribute to another",
			"authentication", s.name, "dn", entry.DN, "id_attribute", s.config.IDAttribute, "error", err)
		return "", login.ErrCredentials
	}
	return id, nil
}

func (s *service) account(id string) store.Account { return store.Account{Service: s.name, ID: id} }

func (s *service) accountOf(p person) login.Account {
	return login.Account{Account: s.account(p.id), Username: p.username, Claims: maps.Clone(p.claims)}
}

// fault says whose fault it is.
func (s *service) fault(err error) error {
	if errors.Is(err, login.ErrNoAccount) {
		return err
	}
	return fmt.Errorf("authentication %s: %w", s.name, err)
}
