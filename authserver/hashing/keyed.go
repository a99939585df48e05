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
	key *[32]byte
	sum []byte
}

func newKeyed(key *[32]byte, secret string) *keyed {
	return &keyed{key: key, sum: keyedSum(key, secret)}
}

func keyedSum(key *[32]byte, secret string) []byte {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}

func parseKeyed(key *[32]byte, text string) (*keyed, error) {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text[len(keyedPrefix):])
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("is not a keyed digest of this process")
	}
	return &keyed{key: key, sum: sum}, nil
}

func (k *keyed) digest() store.SecretDigest {
	return store.SecretDigest(keyedPrefix + base64.RawURLEncoding.EncodeToString(k.sum))
}

func (k *keyed) kind() Kind { return Fast }

func (k *keyed) cost() int64 { return 1 }

func (k *keyed) matches(secret string) bool { return hmac.Equal(k.sum, keyedSum(k.key, secret)) }
