package hashing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"sync"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// maxMemo bounds the digests of which the memo knows the secret, to some megabytes:
// it is more than a server has clients that come again and again with secrets that
// people have chosen, for each that it forgets costs a slow hash.
const maxMemo = 1 << 15

// memo remembers which secret matched a slow hash last, as an HMAC under the key
// of this process. A machine shows the same secret many times a minute: only its
// first request pays for the slow hash. A wrong secret pays each time, so that
// guessing is as slow as ever.
type memo struct {
	mu   sync.Mutex
	sums map[store.SecretDigest][sha256.Size]byte
}

// VerifyAny compares secret with each of the digests of a client and says which
// it matches, -1 for none. Unless the secret is remembered, every digest is
// computed, whichever matches, so that the time does not tell which of two
// secrets is in use (CL4).
func (h *Hasher) VerifyAny(ctx context.Context, digests []store.SecretDigest, secret oauth.Secret) (int, error) {
	if at := h.recall(digests, secret); at >= 0 {
		return at, nil
	}
	match, slow := -1, false
	for i, digest := range digests {
		parsed, err := h.parse(digest)
		if err != nil {
			return -1, err
		}
		ok, err := h.run(ctx, parsed, secret)
		if err != nil {
			return -1, err
		}
		if ok {
			match, slow = i, parsed.kind() != Fast
		}
	}
	if slow {
		h.remember(digests[match], secret)
	}
	return match, nil
}

// WasteAny costs what VerifyAny of a wrong secret costs, and says nothing. The
// memo is not asked: whoever holds the secret of these digests would hear by the
// time which names nobody has.
func (h *Hasher) WasteAny(ctx context.Context, digests []store.SecretDigest, secret oauth.Secret) error {
	for _, digest := range digests {
		if _, err := h.Verify(ctx, digest, secret); err != nil {
			return err
		}
	}
	return nil
}

// recall says which digest secret matched before, -1 for none.
func (h *Hasher) recall(digests []store.SecretDigest, secret oauth.Secret) int {
	h.memo.mu.Lock()
	defer h.memo.mu.Unlock()
	if len(h.memo.sums) == 0 {
		return -1
	}
	for i, digest := range digests {
		if known, ok := h.memo.sums[digest]; ok {
			sum := h.memoSum(digest, secret)
			if hmac.Equal(known[:], sum[:]) {
				return i
			}
		}
	}
	return -1
}

// remember keeps what matched a slow hash.
func (h *Hasher) remember(digest store.SecretDigest, secret oauth.Secret) {
	sum := h.memoSum(digest, secret)
	h.memo.mu.Lock()
	defer h.memo.mu.Unlock()
	if h.memo.sums == nil {
		h.memo.sums = map[store.SecretDigest][sha256.Size]byte{}
	}
	if _, known := h.memo.sums[digest]; !known && len(h.memo.sums) >= maxMemo {
		for other := range h.memo.sums { // any will do
			delete(h.memo.sums, other)
			break
		}
	}
	h.memo.sums[digest] = sum
}

// memoSum binds the secret to its digest: the memo of one says nothing of
// another.
func (h *Hasher) memoSum(digest store.SecretDigest, secret oauth.Secret) [sha256.Size]byte {
	return h.macs.sum(string(digest), "\x00", secret.Reveal())
}
