package hashing_test

import (
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// F27: what we generate needs no slow hash, and is the same to every process.
func TestF27_GeneratedSecretsAreCheckedByAFastHash(t *testing.T) {
	secret, digest := hashing.Generate()
	if other, _ := hashing.Generate(); other.Equal(secret) || len(secret.Reveal()) < 43 {
		t.Errorf("a generated secret has %d characters, and is made twice", len(secret.Reveal()))
	}
	if strings.Contains(string(digest), secret.Reveal()) {
		t.Error("the digest shows the secret")
	}
	here, there := hashing.New(), hashing.New()
	for _, h := range []*hashing.Hasher{here, there} {
		if kind, err := h.Check(digest); kind != hashing.Fast || err != nil {
			t.Errorf("kind %v, %v", kind, err)
		}
		if !verify(t, h, string(digest), secret.Reveal()) || verify(t, h, string(digest), secret.Reveal()+"x") || verify(t, h, string(digest), string(digest)) {
			t.Error("the digest does not tell its secret from others")
		}
	}
	for _, bad := range []string{"$sha256$", "$sha256$!", string(digest) + "A"} {
		if _, err := here.Check(store.SecretDigest(bad)); err == nil {
			t.Errorf("%s is taken for a digest", bad)
		}
	}
}

func BenchmarkF27_AWrongGeneratedSecret(b *testing.B) {
	_, digest := hashing.Generate()
	wrong, _ := hashing.Generate()
	h := hashing.New()
	for b.Loop() {
		if match, err := h.VerifyAny(b.Context(), []store.SecretDigest{digest}, wrong); match >= 0 || err != nil {
			b.Fatal(match, err)
		}
	}
}

func TestAChosenSecretIsHashedSlowlyUnderASaltOfItsOwn(t *testing.T) {
	h := hashing.New()
	first, err := h.Hash(t.Context(), oauth.NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Hash(t.Context(), oauth.NewSecret(password))
	if err != nil || first == second {
		t.Errorf("%v: two digests of one secret are %v", err, first == second)
	}
	if kind, err := h.Check(first); kind != hashing.Argon2id || err != nil {
		t.Errorf("kind %v, %v", kind, err)
	}
	if !verify(t, hashing.New(), string(first), password) || verify(t, h, string(first), password+"x") {
		t.Error("the digest does not tell its secret from others")
	}
}

// A machine pays for the slow hash once, whoever guesses each time.
func TestASecretThatMatchedIsRememberedAndNoOther(t *testing.T) {
	h := hashing.New()
	digests := []store.SecretDigest{cheapArgon2id, cheapBcrypt}
	try := func(digests []store.SecretDigest, secret string, want int, slow int64) {
		t.Helper()
		before := h.Calls(hashing.Argon2id) + h.Calls(hashing.Bcrypt)
		got, err := h.VerifyAny(t.Context(), digests, oauth.NewSecret(secret))
		if err != nil || got != want {
			t.Errorf("matches %d, %v; want %d", got, err, want)
		}
		if n := h.Calls(hashing.Argon2id) + h.Calls(hashing.Bcrypt) - before; n != slow {
			t.Errorf("%d slow hashes, want %d", n, slow)
		}
	}
	only := digests[1:]
	try(only, "wrong", -1, 1)
	try(only, password, 0, 1)
	try(only, password, 0, 0)
	try(only, "wrong", -1, 1)
	try(only, "", -1, 0)
	// One of two secrets is enough, and which one makes no difference.
	try(digests, password, 1, 0)
	// A digest that is gone is no longer asked.
	try(digests[:1], password, 0, 1)
	try(nil, password, -1, 0)
}
