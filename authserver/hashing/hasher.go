package hashing

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// MaxSecretBytes bounds a secret or password. A longer one matches nothing.
const MaxSecretBytes = 1 << 10

// ErrBusy says that the queue of the Hasher is full or was too slow: answer 503.
var ErrBusy = errors.New("too many password checks at once")

// Kind tells digests by their cost; a greater one costs more.
type Kind int

const (
	// Fast is the keyed digest of a plain secret, or the digest of a generated one.
	Fast Kind = iota
	// Bcrypt is a slow hash as `caddy hash-password` makes it by default.
	Bcrypt
	// Argon2id is a slow hash as `caddy hash-password --algorithm argon2id`
	// makes it.
	Argon2id

	kinds
)

// hash is a digest that has been read and found within bounds.
type hash interface {
	kind() Kind
	// cost orders the hashes of one kind by the work that matches takes.
	cost() int64
	// matches computes the hash of secret and compares, in a time that depends
	// on neither.
	matches(secret string) bool
}

// Hasher verifies secrets against digests. Slow hashes run under a bound. It is
// safe for concurrent use; a process needs one, so that there is one bound and
// keyed digests stay good.
type Hasher struct {
	macs  *macs
	slow  *limiter
	calls [kinds]atomic.Int64
	memo  memo

	mu sync.Mutex
	// slowest holds the costliest hash of each kind that Check has seen.
	slowest [kinds]hash
}

// New makes a Hasher with bounds for this machine: half of the processors hash,
// the rest stay free for everything else, and 32 callers may wait for 2 seconds.
func New() *Hasher {
	return &Hasher{
		macs: newMACs(),
		slow: newLimiter(max(1, runtime.GOMAXPROCS(0)/2), 32, 2*time.Second),
	}
}

// Digest keeps a plain secret as a digest keyed for this process: no other
// Hasher verifies it, and it is worth nothing in a dump. An empty secret and one
// over MaxSecretBytes never match: refuse them where they are configured.
func (h *Hasher) Digest(secret oauth.Secret) store.SecretDigest {
	return newKeyed(h.macs, secret.Reveal()).digest()
}

// Hash makes the argon2id digest of a secret that somebody chose, with a salt of
// its own, for every process to verify.
func (h *Hasher) Hash(ctx context.Context, secret oauth.Secret) (store.SecretDigest, error) {
	if err := h.slow.acquire(ctx); err != nil {
		return "", err
	}
	defer h.slow.release()
	return newArgon2id(secret.Reveal()).digest(), nil
}

// Check says whether digest is one that Verify understands, and of which kind.
// Errors say what is wrong without repeating the digest.
func (h *Hasher) Check(digest store.SecretDigest) (Kind, error) {
	parsed, err := h.parse(digest)
	if err != nil {
		return 0, err
	}
	kind := parsed.kind()
	h.mu.Lock()
	defer h.mu.Unlock()
	if seen := h.slowest[kind]; seen == nil || seen.cost() < parsed.cost() {
		h.slowest[kind] = parsed
	}
	return kind, nil
}

// Verify compares secret with digest. An empty secret and one over
// MaxSecretBytes match nothing and cost nothing.
func (h *Hasher) Verify(ctx context.Context, digest store.SecretDigest, secret oauth.Secret) (bool, error) {
	parsed, err := h.parse(digest)
	if err != nil {
		return false, err
	}
	return h.run(ctx, parsed, secret)
}

// Waste costs what Verify of kind costs and fails: what an unknown name gets.
// It does the work of the slowest digest of that kind that Check has seen.
func (h *Hasher) Waste(ctx context.Context, kind Kind, secret oauth.Secret) error {
	_, err := h.run(ctx, h.dummy(kind), secret)
	return err
}

// Calls counts hash computations by kind since New, for tests of equal cost.
func (h *Hasher) Calls(kind Kind) int64 { return h.calls[kind].Load() }

func (h *Hasher) parse(digest store.SecretDigest) (hash, error) {
	text := string(digest)
	switch {
	case strings.HasPrefix(text, keyedPrefix):
		return parseKeyed(h.macs, text)
	case strings.HasPrefix(text, generatedPrefix):
		return parseGenerated(text)
	case strings.HasPrefix(text, argon2idPrefix):
		return parseArgon2id(text)
	case strings.HasPrefix(text, "$2"):
		return parseBcrypt(text)
	default:
		return nil, errors.New("is neither an argon2id nor a bcrypt hash: make one with caddy hash-password")
	}
}

// dummy is a hash of a kind that nobody's secret belongs to.
func (h *Hasher) dummy(kind Kind) hash {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seen := h.slowest[kind]; seen != nil {
		return seen
	}
	switch kind {
	case Bcrypt:
		return defaultBcrypt
	case Argon2id:
		return defaultArgon2id
	default:
		return newKeyed(h.macs, "")
	}
}

func (h *Hasher) run(ctx context.Context, parsed hash, secret oauth.Secret) (match bool, err error) {
	// The length is the caller's own choice: ending early tells nothing.
	if secret.Empty() || len(secret.Reveal()) > MaxSecretBytes {
		return false, nil
	}
	if parsed.kind() != Fast {
		if err := h.slow.acquire(ctx); err != nil {
			return false, err
		}
		defer h.slow.release()
	}
	h.calls[parsed.kind()].Add(1)
	return parsed.matches(secret.Reveal()), nil
}
