package oauth

import (
	"errors"
	"fmt"
)

// RFC 7517 §5

// maxKeys bounds a key set (RS23).
const maxKeys = 100

// ReadKeySet gives the members of a JWK Set as they are written: what a member is
// good for, and whether one that is no object spoils the rest, is for others to say.
func ReadKeySet(body []byte) ([]any, error) {
	object, err := DecodeObject(body)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	members, ok := object["keys"].([]any)
	if !ok {
		return nil, errors.New("key set: no array named keys")
	}
	if len(members) > maxKeys {
		return nil, fmt.Errorf("key set: %d keys, at most %d are read", len(members), maxKeys)
	}
	return members, nil
}
