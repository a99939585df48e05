package registration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// hashPrefixes are how the hashes of `caddy hash-password` begin.
var hashPrefixes = []string{"$argon2", "$2a$", "$2b$", "$2y$"}

// Digest takes a secret of the configuration to what is kept of it: a hash as it
// is, plain text as a digest that is good in this process only. Its errors go on
// from the secret's name and never show any of it.
func Digest(secret oauth.Secret, hasher *hashing.Hasher) (store.SecretDigest, error) {
	if digest, isHash, err := writtenHash(secret, hasher); isHash || err != nil {
		return digest, err
	}
	return hasher.Digest(secret), checkSecretText(secret)
}

// writtenHash says whether an operator wrote a hash in the place of a secret.
func writtenHash(secret oauth.Secret, hasher *hashing.Hasher) (digest store.SecretDigest, isHash bool, err error) {
	text := secret.Reveal()
	if !slices.ContainsFunc(hashPrefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) }) {
		return "", false, nil
	}
	if _, err := hasher.Check(store.SecretDigest(text)); err != nil {
		return "", true, fmt.Errorf("looks like a hash and cannot be used as one: %w", err)
	}
	return store.SecretDigest(text), true, nil
}

func checkSecretText(secret oauth.Secret) error {
	if secret.Empty() || len(secret.Reveal()) > hashing.MaxSecretBytes {
		return fmt.Errorf("must have 1 to %d bytes", hashing.MaxSecretBytes)
	}
	return nil
}

// StoredDigest takes a secret that an operator chose for a client of the store to
// what is kept of it: a hash as it is, plain text hashed slowly, since people
// choose what can be guessed. Its errors go on from the secret's name and never
// show any of it.
func StoredDigest(ctx context.Context, secret oauth.Secret, hasher *hashing.Hasher) (store.SecretDigest, error) {
	if digest, isHash, err := writtenHash(secret, hasher); isHash || err != nil {
		return digest, err
	}
	text := secret.Reveal()
	if strings.HasPrefix(text, "{env.") || strings.HasPrefix(text, "{file.") {
		return "", errors.New("is a placeholder, which only a configuration fills in: give the secret itself, or leave it out to have one made")
	}
	if err := checkSecretText(secret); err != nil {
		return "", err
	}
	return hasher.Hash(ctx, secret)
}
