package hashing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const keyedPrefix = "$hmac-sha256$"

// keyed is the HMAC of a plain secret under the key of this process. Generated
// secrets have entropy enough: a slow hash would only make each token request
// of a machine expensive.
type keyed struct {
	macs  *macs
	known [sha256.Size]byte
}

func newKeyed(macs *macs, secret string) *keyed {
	return &keyed{macs: macs, known: macs.sum(secret)}
}

func parseKeyed(macs *macs, text string) (*keyed, error) {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text[len(keyedPrefix):])
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("is not a keyed digest of this process")
	}
	return &keyed{macs: macs, known: [sha256.Size]byte(sum)}, nil
}

func (k *keyed) digest() store.SecretDigest {
	return store.SecretDigest(keyedPrefix + base64.RawURLEncoding.EncodeToString(k.known[:]))
}

func (k *keyed) kind() Kind { return Fast }

func (k *keyed) cost() int64 { return 1 }

func (k *keyed) matches(secret string) bool {
	sum := k.macs.sum(secret)
	return hmac.Equal(k.known[:], sum[:])
}
