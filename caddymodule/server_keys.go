package caddymodule

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// KeyRotation says how the keys of a realm are replaced: those that sign tokens,
// seal opaque access tokens and authenticate forms. A new one is made known
// first, for 11 minutes where others verify with it, and the old one is accepted
// until nothing that it has made can be alive. Keys of refresh tokens are
// replaced by `caddy oauth2-keys rotate` only.
type KeyRotation struct {
	// RotateEvery is the age at which a key is replaced, 24h at least; -1 means
	// never. Default: 90d.
	RotateEvery caddy.Duration `json:"rotate_every,omitempty"`
}

// every is the age at which a key is replaced, 0 for never.
func (k *KeyRotation) every() (time.Duration, error) {
	switch {
	case k == nil || k.RotateEvery == 0:
		return keys.DefaultRotation, nil
	case k.RotateEvery < 0:
		return 0, nil
	case time.Duration(k.RotateEvery) < keys.MinRotation:
		return 0, fmt.Errorf("has keys rotate_every %s; it is %s or more, for every key that was replaced is published a day longer",
			time.Duration(k.RotateEvery), keys.MinRotation)
	}
	return time.Duration(k.RotateEvery), nil
}

// provisionKeys checks what the realm says of its keys, and loads its signers.
func (r *Realm) provisionKeys(ctx caddy.Context, settings *realm.Settings) (err error) {
	if settings.KeyRotation, err = r.Keys.every(); err != nil {
		return r.errorf("%w", err)
	}
	if r.signers, err = loadSigners(ctx, r); err != nil {
		return r.errorf("%w", err)
	}
	return nil
}

// readKeys reads: keys { rotate_every <duration>|off }.
func (r *Realm) readKeys(d *caddyfile.Dispenser) error {
	r.Keys = new(KeyRotation)
	return readOnlyBlock(d, "keys", map[string]reader{
		"rotate_every": spanOr("off", -1, &r.Keys.RotateEvery),
	})
}

// provisionEncryptionKey reads the keys that wrap the private keys in the store.
func (a *App) provisionEncryptionKey(repl *caddy.Replacer) (err error) {
	if a.EncryptionKey == "" {
		if a.PreviousEncryptionKey != "" {
			return errors.New("previous_encryption_key is there without encryption_key, the one that takes its place; make one with: openssl rand -base64 32")
		}
		return nil
	}
	if a.key, err = wrapperOf("encryption_key", a.EncryptionKey, repl); err != nil || a.PreviousEncryptionKey == "" {
		return err
	}
	previous, err := wrapperOf("previous_encryption_key", a.PreviousEncryptionKey, repl)
	if err != nil {
		return err
	}
	a.key = a.key.WithPrevious(previous)
	return nil
}

func wrapperOf(option, written string, repl *caddy.Replacer) (*keys.Wrapper, error) {
	text, err := resolveSecret(written, repl)
	if err != nil {
		return nil, fmt.Errorf("%s %w", option, err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("%s is not base64 text; make one with: openssl rand -base64 32", option)
	}
	return keys.NewWrapper(key)
}

// generationOf changes when a token of the realm that was good may not be any
// more: something was revoked, or a key taken away. Both counts only grow.
func generationOf(r *realm.Realm) uint64 { return r.Revocations.Epoch() + r.Keys.Generation() }
