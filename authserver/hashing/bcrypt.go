package hashing

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	maxBcryptCost = 16
	// maxBcryptSecret is all that bcrypt looks at: it ignores what follows.
	maxBcryptSecret = 72
)

// bcryptForm is $2a$, $2b$ or $2y$ (what htpasswd writes), the cost, 22
// characters of salt and 31 of hash.
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// defaultBcrypt costs what `caddy hash-password --algorithm bcrypt` does.
var defaultBcrypt = &bcryptHash{text: "$2a$14$" + strings.Repeat(".", 53), rounds: 14}

type bcryptHash struct {
	text string
	// rounds is the base-two logarithm of the work.
	rounds int
}

func parseBcrypt(text string) (*bcryptHash, error) {
	parts := bcryptForm.FindStringSubmatch(text)
	if parts == nil {
		return nil, errors.New("is not a whole bcrypt hash: make one with caddy hash-password")
	}
	rounds, err := strconv.Atoi(parts[1])
	if err != nil || rounds < bcrypt.MinCost || rounds > maxBcryptCost {
		return nil, fmt.Errorf("is a bcrypt hash whose cost is not %d to %d: make one with caddy hash-password --bcrypt-cost 14", bcrypt.MinCost, maxBcryptCost)
	}
	return &bcryptHash{text: text, rounds: rounds}, nil
}

func (b *bcryptHash) kind() Kind { return Bcrypt }

func (b *bcryptHash) cost() int64 { return 1 << b.rounds }

// matches never takes a secret of which bcrypt would see a part only: it stops
// after 72 bytes, and repeats what ends in NUL, so that different secrets would
// match. They cost the same as others.
func (b *bcryptHash) matches(secret string) bool {
	same := bcrypt.CompareHashAndPassword([]byte(b.text), []byte(secret)) == nil
	return same && len(secret) <= maxBcryptSecret && strings.IndexByte(secret, 0) < 0
}
