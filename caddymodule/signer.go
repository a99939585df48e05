package caddymodule

import (
	"context"
	"crypto"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
)

// TokenSigner is what a module in the namespace oauth2.signers must be: one
// private key that signs the tokens of a realm and never comes into the store.
type TokenSigner interface {
	// Open gives the key. It runs when the realm starts, not for `caddy validate`,
	// and may ask a key service until ctx ends. The key is used by many requests at
	// once. An error of its Sign is answered with 503, and so is a signature that
	// its public key does not verify.
	Open(ctx context.Context) (crypto.Signer, error)

	// Algorithm is what the key signs with: RS256, PS256, ES256, ES384 or EdDSA;
	// "" is the usual one of such a key, RS256 for RSA.
	Algorithm() string
}

// loadSigners loads the signers of a realm and opens none.
func loadSigners(ctx caddy.Context, r *Realm) ([]TokenSigner, error) {
	if len(r.SignersRaw) == 0 {
		return nil, nil
	}
	modules, err := ctx.LoadModule(r, "SignersRaw")
	if err != nil {
		return nil, fmt.Errorf("signer: %w", err)
	}
	loaded := modules.([]any)
	signers := make([]TokenSigner, len(loaded))
	for i, module := range loaded {
		signer, ok := module.(TokenSigner)
		if !ok {
			return nil, fmt.Errorf("signer: module %T is not a TokenSigner", module)
		}
		signers[i] = signer
	}
	return signers, nil
}

// openSigners opens the signers of all realms.
func (a *App) openSigners(ctx context.Context) error {
	for i, r := range a.Realms {
		external := make([]keys.External, 0, len(r.signers))
		for n, signer := range r.signers {
			key, err := signer.Open(ctx)
			if err != nil {
				return r.errorf("signer %d: %w", n+1, err)
			}
			opened, err := keys.NewExternal(signer.Algorithm(), key)
			if err != nil {
				return r.errorf("signer %d: %w", n+1, err)
			}
			if slices.ContainsFunc(external, func(other keys.External) bool { return other.KeyID() == opened.KeyID() }) {
				return r.errorf("signer %d is the same key as one before it", n+1)
			}
			external = append(external, opened)
		}
		a.config.Realms[i].Signers = external
	}
	return nil
}

// readSigner reads: signer <module> [<arguments...>] [{ ... }].
func (r *Realm) readSigner(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	module, err := guest(d, "oauth2.signers")
	if err != nil {
		return err
	}
	r.SignersRaw = append(r.SignersRaw, module)
	return nil
}
