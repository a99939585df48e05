package keys

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// RFC 7517 §4 and §5

// publicKey is what the world may know of a signing key.
type publicKey struct {
	id, algorithm string
	active        bool
	key           crypto.PublicKey
}

// publish makes the JWK set of keys, active ones first, and its ETag.
func publish(keys []publicKey) (document []byte, etag string, err error) {
	set := jwk.NewSet()
	for _, active := range []bool{true, false} {
		for _, key := range keys {
			if key.active != active {
				continue
			}
			entry, err := entryOf(key)
			if err == nil {
				err = set.AddKey(entry)
			}
			if err != nil {
				return nil, "", fmt.Errorf("key %s: %w", key.id, err)
			}
		}
	}
	if document, err = json.Marshal(set); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(document)
	return document, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`, nil
}

// entryOf is made from the public key alone, so that no private member can get
// into the set (AS55).
func entryOf(key publicKey) (jwk.Key, error) {
	entry, err := jwk.FromRaw(key.key)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		jwk.KeyIDKey:     key.id,
		jwk.KeyUsageKey:  jwk.ForSignature.String(),
		jwk.AlgorithmKey: key.algorithm,
	} {
		if err := entry.Set(name, value); err != nil {
			return nil, err
		}
	}
	return entry, nil
}
