package hashing

import (
	"errors"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// CheckPortable says what is wrong with a digest that came from elsewhere: it must
// be one that every process verifies, which keyed digests are not. Unlike Check it
// leaves no trace: what is refused must not make sign-ins dearer.
func (h *Hasher) CheckPortable(digest store.SecretDigest) error {
	if strings.HasPrefix(string(digest), keyedPrefix) {
		return errors.New("is the digest of another process, which nobody else can verify")
	}
	_, err := h.parse(digest)
	return err
}

// Portable says whether every process can verify the digest.
func (h *Hasher) Portable(digest store.SecretDigest) bool { return h.CheckPortable(digest) == nil }
