package caddymodule

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
)

func init() {
	caddy.RegisterModule(new(FileSigner))
}

// FileSigner signs with a private key in a file: PEM, as PKCS #8, SEC 1 or PKCS
// #1, without a password. The file is read when the configuration is loaded.
type FileSigner struct {
	// Path is the file. A relative one is relative to the directory that Caddy
	// was started in. Placeholders (`{env.NAME}`) are filled in. Required.
	Path string `json:"path"`

	// SignatureAlgorithm is `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA`. Default:
	// what the key is for: RS256 for RSA, ES256 for EC on P-256, ES384 on P-384,
	// EdDSA for Ed25519.
	SignatureAlgorithm string `json:"algorithm,omitempty"`

	key crypto.Signer
}

// CaddyModule returns the Caddy module information.
func (*FileSigner) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.signers.file", New: func() caddy.Module { return new(FileSigner) }}
}

// Provision reads the key, so that a mistake is found before anything starts.
func (f *FileSigner) Provision(caddy.Context) error {
	if f.Path == "" {
		return errors.New("needs the path of a private key file")
	}
	path, err := caddy.NewReplacer().ReplaceOrErr(f.Path, true, true)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxKeyFile {
		return fmt.Errorf("%s has more than %d bytes: it is no private key", path, maxKeyFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if f.key, err = keys.ParsePEM(text); err == nil {
		_, err = keys.NewExternal(f.SignatureAlgorithm, f.key)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Open implements TokenSigner.
func (f *FileSigner) Open(context.Context) (crypto.Signer, error) { return f.key, nil }

// Algorithm implements TokenSigner.
func (f *FileSigner) Algorithm() string { return f.SignatureAlgorithm }

// UnmarshalCaddyfile reads the module's line. Syntax:
//
//	file <path> {
//		algorithm RS256|PS256|ES256|ES384|EdDSA
//	}
func (f *FileSigner) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume module name
	if !d.AllArgs(&f.Path) {
		return d.ArgErr()
	}
	return readBlock(d, "signer file", map[string]reader{"algorithm": text(&f.SignatureAlgorithm)})
}

// Interface guards
var (
	_ caddy.Module          = (*FileSigner)(nil)
	_ caddy.Provisioner     = (*FileSigner)(nil)
	_ caddyfile.Unmarshaler = (*FileSigner)(nil)
	_ TokenSigner           = (*FileSigner)(nil)
)
