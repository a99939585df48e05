package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// What a client is described by is the same here, in the admin API and in the
// store.
type (
	// Client is one client of a realm.
	Client = registration.Client
	// AccessTokens says what access tokens are like.
	AccessTokens = registration.AccessTokens
	// RefreshTokens says what refresh tokens are like.
	RefreshTokens = registration.RefreshTokens
	// IDTokens says what ID tokens are like.
	IDTokens = registration.IDTokens
)

// resolveClient is a client of the configuration as the server knows it.
func resolveClient(c *Client, defaults registration.Defaults, repl *caddy.Replacer, hasher *hashing.Hasher) (store.Client, error) {
	out, err := c.Resolve(defaults)
	if err != nil {
		return out, err
	}
	for i, secret := range c.Secrets {
		digest, err := secretDigest(secret, repl, hasher)
		if err != nil {
			return out, fmt.Errorf("secret %d %w", i+1, err)
		}
		out.Secrets = append(out.Secrets, digest)
	}
	return out, nil
}

// secretDigest takes a secret as the operator wrote it to what is kept of it.
// Its errors never show any of it.
func secretDigest(written string, repl *caddy.Replacer, hasher *hashing.Hasher) (store.SecretDigest, error) {
	text, err := resolveSecret(written, repl)
	if err != nil {
		return "", err
	}
	return registration.Digest(oauth.NewSecret(text), hasher)
}

// resolveSecret fills in the placeholders of a secret. An error names the
// placeholder only when the whole text is one from the environment or a file:
// any other brace may stand in the secret itself.
func resolveSecret(written string, repl *caddy.Replacer) (string, error) {
	text, err := repl.ReplaceOrErr(written, true, true)
	if err == nil {
		return text, nil
	}
	named := strings.HasPrefix(written, "{env.") || strings.HasPrefix(written, "{file.")
	if named && strings.Index(written, "}") == len(written)-1 {
		return "", fmt.Errorf("is not there: the placeholder %s is empty", written)
	}
	return "", errors.New(`has a placeholder that is unknown or empty; write a brace that belongs to the text as \{`)
}

// oneOf refuses words that are not among known.
func oneOf(what string, words, known []string) error {
	for _, word := range words {
		if !slices.Contains(known, word) {
			return fmt.Errorf("has the unknown %s %q; there are %s", what, word, strings.Join(known, ", "))
		}
	}
	return nil
}
