package hashing

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"golang.org/x/crypto/argon2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 9106

const (
	argon2idPrefix = "$argon2id$"

	// Shorter salts and keys protect nothing, and an empty key matches all.
	minArgon2Salt, maxArgon2Salt = 8, 64
	minArgon2Key, maxArgon2Key   = 16, 128
)

// argon2idForm is the PHC string: version 19, the three costs in this order,
// salt and key in unpadded base64.
var argon2idForm = regexp.MustCompile(`^\$argon2id\$v=19\$m=([0-9]{1,10}),t=([0-9]{1,10}),p=([0-9]{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`)

// argon2Bounds are the most that one sign-in may cost, in the order of the
// string.
var argon2Bounds = [...]struct {
	what  string
	limit uint64
}{
	{"memory (m, in KiB)", 256 << 10},
	{"number of passes (t)", 16},
	{"parallelism (p)", 16},
}

// defaultArgon2id is held to be as strong as what `caddy hash-password
// --algorithm argon2id` makes: 46 MiB and one pass. Less memory and a second pass
// leave more room when many sign in at once.
var defaultArgon2id = &argon2idHash{
	memory: 19 << 10, time: 2, threads: 1,
	salt: make([]byte, 16), key: make([]byte, 32),
}

type argon2idHash struct {
	// memory is in KiB, time in passes over it.
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func parseArgon2id(text string) (*argon2idHash, error) {
	parts := argon2idForm.FindStringSubmatch(text)
	if parts == nil {
		return nil, errors.New("is not a whole argon2id hash: make one with caddy hash-password --algorithm argon2id")
	}
	var costs [3]uint32
	for i, bound := range argon2Bounds {
		n, err := strconv.ParseUint(parts[1+i], 10, 32)
		if err != nil || n < 1 || n > bound.limit {
			return nil, fmt.Errorf("is an argon2id hash whose %s is not 1 to %d: make one with caddy hash-password --algorithm argon2id", bound.what, bound.limit)
		}
		costs[i] = uint32(n)
	}
	salt, errSalt := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	key, errKey := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if errSalt != nil || errKey != nil ||
		len(salt) < minArgon2Salt || len(salt) > maxArgon2Salt || len(key) < minArgon2Key || len(key) > maxArgon2Key {
		return nil, fmt.Errorf("is an argon2id hash whose salt is not %d to %d bytes or whose key is not %d to %d bytes of base64",
			minArgon2Salt, maxArgon2Salt, minArgon2Key, maxArgon2Key)
	}
	return &argon2idHash{memory: costs[0], time: costs[1], threads: uint8(costs[2]), salt: salt, key: key}, nil
}

// newArgon2id hashes secret at the default cost under a new salt.
func newArgon2id(secret string) *argon2idHash {
	a := *defaultArgon2id
	a.salt = make([]byte, len(defaultArgon2id.salt))
	_, _ = rand.Read(a.salt) // never fails
	a.key = a.compute(secret)
	return &a
}

func (a *argon2idHash) digest() store.SecretDigest {
	encode := base64.RawStdEncoding.EncodeToString
	return store.SecretDigest(fmt.Sprintf("%sv=19$m=%d,t=%d,p=%d$%s$%s", argon2idPrefix, a.memory, a.time, a.threads, encode(a.salt), encode(a.key)))
}

func (a *argon2idHash) compute(secret string) []byte {
	return argon2.IDKey([]byte(secret), a.salt, a.time, a.memory, a.threads, uint32(len(a.key)))
}

func (a *argon2idHash) kind() Kind { return Argon2id }

func (a *argon2idHash) cost() int64 { return int64(a.memory) * int64(a.time) }

func (a *argon2idHash) matches(secret string) bool {
	return subtle.ConstantTimeCompare(a.compute(secret), a.key) == 1
}
