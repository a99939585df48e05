package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

func init() {
	caddy.RegisterModule(new(FileAuthentication))
}

// FileAuthentication signs in the users that a YAML or htpasswd file lists with
// their passwords as argon2id or bcrypt hashes, as `caddy hash-password` makes
// them. The file is read again within a second when it changes: whoever is gone
// from it, was disabled or has another password is signed out everywhere. A file
// that cannot be read leaves the users as they were.
type FileAuthentication struct {
	// Path is the file. A relative one is relative to the directory that Caddy
	// was started in. Placeholders (`{env.NAME}`) are filled in. Required.
	Path string `json:"path"`
}

// CaddyModule returns the Caddy module information.
func (*FileAuthentication) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.authentication.file", New: func() caddy.Module { return new(FileAuthentication) }}
}

// Provision fills in the placeholders of the path.
func (f *FileAuthentication) Provision(caddy.Context) error {
	if f.Path == "" {
		return errors.New("needs the path of a users file")
	}
	path, err := caddy.NewReplacer().ReplaceOrErr(f.Path, true, true)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	f.Path = path
	return nil
}

// Open implements AuthenticationService.
func (f *FileAuthentication) Open(name string, hasher *hashing.Hasher, log *slog.Logger) (login.Service, error) {
	return login.OpenFile(name, absolute(f.Path), hasher, log)
}

// UnmarshalCaddyfile reads the module's line. Syntax:
//
//	file <path>
func (f *FileAuthentication) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume module name
	if err := text(&f.Path)(d); err != nil {
		return err
	}
	return noBlock(d)
}

// Interface guards
var (
	_ caddy.Module          = (*FileAuthentication)(nil)
	_ caddy.Provisioner     = (*FileAuthentication)(nil)
	_ caddyfile.Unmarshaler = (*FileAuthentication)(nil)
	_ AuthenticationService = (*FileAuthentication)(nil)
)
