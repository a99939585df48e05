package caddymodule

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

func init() {
	caddy.RegisterModule(new(StoreAuthentication))
}

// StoreAuthentication signs in users of the database of the server. They are
// created and changed while the server runs, by `caddy oauth2-user` and the admin
// API, and each realm has its own.
type StoreAuthentication struct {
	// MinPassword is the least length of a password that is set, in characters: 8 to
	// 64. Default: 15, or 8 where the realm demands a second factor.
	MinPassword int `json:"min_password,omitempty"`

	// Blocklist is a file of passwords that nobody may choose, one in a line, beside
	// the commonest, which never are allowed. Placeholders (`{env.NAME}`) are filled
	// in. It is read when the configuration is loaded. Default: none.
	Blocklist string `json:"blocklist,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*StoreAuthentication) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.authentication.store", New: func() caddy.Module { return new(StoreAuthentication) }}
}

// Provision fills in the placeholders of the path.
func (s *StoreAuthentication) Provision(caddy.Context) error {
	if s.MinPassword != 0 && (s.MinPassword < login.LeastPassword || s.MinPassword > login.MostPassword) {
		return fmt.Errorf("min_password is a number of characters from %d to %d", login.LeastPassword, login.MostPassword)
	}
	path, err := caddy.NewReplacer().ReplaceOrErr(s.Blocklist, true, true)
	if err != nil {
		return fmt.Errorf("blocklist: %w", err)
	}
	s.Blocklist = path
	return nil
}

// Open implements AuthenticationService.
func (s *StoreAuthentication) Open(name string, _ *hashing.Hasher, log *slog.Logger) (login.Service, error) {
	policy := login.PasswordPolicy{Least: s.MinPassword}
	if s.MinPassword != 0 && s.MinPassword < login.LeastPasswordAlone {
		log.Warn("passwords this short are too weak to sign in alone: see that every realm of the service demands a second factor, or leave min_password out",
			"authentication", name, "min_password", s.MinPassword)
	}
	if s.Blocklist != "" {
		var err error
		if policy.Blocked, err = login.OpenBlocklist(absolute(s.Blocklist)); err != nil {
			return nil, fmt.Errorf("blocklist: %w", err)
		}
	}
	return login.NewKeeper(policy), nil
}

// UnmarshalCaddyfile reads the module's line and block. Syntax:
//
//	store {
//		min_password <characters>
//		blocklist    <path>
//	}
func (s *StoreAuthentication) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume module name
	return readOnlyBlock(d, "store", map[string]reader{
		"min_password": s.readMinPassword,
		"blocklist":    text(&s.Blocklist),
	})
}

func (s *StoreAuthentication) readMinPassword(d *caddyfile.Dispenser) error {
	var written string
	if err := text(&written)(d); err != nil {
		return err
	}
	var err error
	if s.MinPassword, err = strconv.Atoi(written); err != nil || s.MinPassword < login.LeastPassword || s.MinPassword > login.MostPassword {
		return d.Errf("min_password is a number of characters from %d to %d", login.LeastPassword, login.MostPassword)
	}
	return nil
}

// Interface guards
var (
	_ caddy.Module          = (*StoreAuthentication)(nil)
	_ caddy.Provisioner     = (*StoreAuthentication)(nil)
	_ caddyfile.Unmarshaler = (*StoreAuthentication)(nil)
	_ AuthenticationService = (*StoreAuthentication)(nil)
)
