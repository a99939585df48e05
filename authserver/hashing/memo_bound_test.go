package hashing

import (
	"strconv"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Clients come and go while the process runs: what it remembers of them does not
// grow with that, and the latest is among it.
func TestTheMemoIsBounded(t *testing.T) {
	h := New()
	secret := oauth.NewSecret("secret")
	for i := range maxMemo + 100 {
		digest := store.SecretDigest(strconv.Itoa(i))
		h.remember(digest, secret)
		if h.recall([]store.SecretDigest{digest}, secret) != 0 {
			t.Fatalf("digest %d is not remembered", i)
		}
	}
	if n := len(h.memo.sums); n != maxMemo {
		t.Errorf("%d digests are remembered, want %d", n, maxMemo)
	}
}
