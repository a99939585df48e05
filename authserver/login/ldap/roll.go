package ldap

import (
	"context"
	"errors"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

// Named gives the id of whom a username belongs to, as bind_dn sees the directory.
func (s *service) Named(ctx context.Context, username string) (string, error) {
	if !acceptable(username) {
		return "", login.ErrNoAccount
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	entry, err := s.entryOf(ctx, username)
	if errors.Is(err, errNoEntry) {
		return "", login.ErrNoAccount
	}
	if err != nil {
		return "", s.fault(err)
	}
	id, err := idOf(entry, s.config.IDAttribute)
	if err != nil {
		return "", s.fault(err)
	}
	return id, nil
}

func (s *service) entryOf(ctx context.Context, username string) (*goldap.Entry, error) {
	if template := s.config.BindTemplate; template != "" {
		return s.at(ctx, fillDN(template, username), anyEntry)
	}
	return s.find(ctx, username)
}

// Has says whether an account has an entry.
func (s *service) Has(ctx context.Context, id string) (bool, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	entry, err := s.byID(ctx, id)
	if errors.Is(err, errNoEntry) {
		return false, nil
	}
	if err != nil {
		return false, s.fault(err)
	}
	is, err := idOf(entry, s.config.IDAttribute)
	return err == nil && is == id, nil
}

// Interface guard
var _ login.Roll = (*service)(nil)
