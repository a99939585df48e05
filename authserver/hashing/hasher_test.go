package hashing_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Made by `caddy hash-password` of Caddy v2.11.9, all but the first two with
// cheap parameters.
const (
	password = "Ch4ng31t"

	caddyArgon2id = "$argon2id$v=19$m=47104,t=1,p=1$BaFwGurWcYKtmkTngjzu+Q$ki6aEMotnslctjrDC+9ugAIwiS4hRwNXwS51l5uBd8U"
	caddyBcrypt   = "$2a$14$lsRqWxSlqNPRQnXqCmbGHuSjLH0s4BHqGj4rhVZR8l9huqpRhudrK"
	cheapArgon2id = "$argon2id$v=19$m=64,t=3,p=2$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA"
	cheapBcrypt   = "$2a$04$8wKjG/S5nX9CCRepQ1D0feIOBkkkouXrYbopWeYWCFXwqlTBjcPPW"

	// Of "grüße ☃", of "ab", and of 72 times "a".
	unicodeBcrypt = "$2a$05$JIDQDAaXkdQmU6KEFkCvwuKif5UGLMLGcu2.q8uD8IDdt9Ia4zZtS"
	abBcrypt      = "$2a$04$Dj4G0zkAVnn4TiygyTl9r.ur/JYcFxHhSILju4IbhfyuzAGXSQrZq"
	longBcrypt    = "$2a$04$PSfLrXHiBx6nf0rw81vlOOqmqrduEHVLHM3UX7MpYnegQsQso2bve"
	longArgon2id  = "$argon2id$v=19$m=64,t=1,p=1$hQORsX5x2K7+KIbpgnGisw$2gTxfZVdV9qU1DJFbWbq79bV+nxpq9iwTU5DhouKUpg"
)

func verify(t *testing.T, h *hashing.Hasher, digest, secret string) bool {
	t.Helper()
	ok, err := h.Verify(t.Context(), store.SecretDigest(digest), oauth.NewSecret(secret))
	if err != nil {
		t.Fatalf("Verify(%.12s…): %v", digest, err)
	}
	return ok
}

func TestVerifyDigestsMadeByCaddy(t *testing.T) {
	h := hashing.New()
	for _, test := range []struct {
		name, digest, secret string
		want                 bool
	}{
		{"argon2id with Caddy's defaults", caddyArgon2id, password, true},
		{"argon2id with other parameters", cheapArgon2id, password, true},
		{"bcrypt with another cost", cheapBcrypt, password, true},
		{"bcrypt as htpasswd -B writes it", "$2y" + cheapBcrypt[3:], password, true},
		{"bcrypt as newer libraries write it", "$2b" + cheapBcrypt[3:], password, true},
		{"UTF-8 as its bytes", unicodeBcrypt, "grüße ☃", true},
		{"UTF-8 in another normal form", unicodeBcrypt, "gru\u0308ße ☃", false},
		{"argon2id, wrong password", cheapArgon2id, "ch4ng31t", false},
		{"bcrypt, wrong password", cheapBcrypt, "ch4ng31t", false},
		{"argon2id, a space more", cheapArgon2id, password + " ", false},
		{"bcrypt, one letter less", cheapBcrypt, password[:7], false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := verify(t, h, test.digest, test.secret); got != test.want {
				t.Errorf("Verify = %v, want %v", got, test.want)
			}
		})
	}
}

func TestKeyedDigestOfPlainSecret(t *testing.T) {
	h := hashing.New()
	digest := h.Digest(oauth.NewSecret("forgerock"))
	if strings.Contains(string(digest), "forgerock") || !strings.HasPrefix(string(digest), "$hmac-sha256$") {
		t.Fatalf("Digest = %q", digest)
	}
	if kind, err := h.Check(digest); err != nil || kind != hashing.Fast {
		t.Fatalf("Check = %v, %v", kind, err)
	}
	for secret, want := range map[string]bool{"forgerock": true, "Forgerock": false, "forgerock ": false} {
		if got := verify(t, h, string(digest), secret); got != want {
			t.Errorf("Verify(%q) = %v, want %v", secret, got, want)
		}
	}
	if verify(t, hashing.New(), string(digest), "forgerock") {
		t.Error("the Hasher of another process verified the digest: it is not keyed")
	}
}

// No secret at all never matches, whatever was configured: a variable of the
// environment that is not set must not open a client.
func TestEmptyAndEndlessSecretsMatchNothing(t *testing.T) {
	h := hashing.New()
	endless := strings.Repeat("a", hashing.MaxSecretBytes+1)
	for _, secret := range []string{"", endless} {
		if verify(t, h, string(h.Digest(oauth.NewSecret(secret))), secret) {
			t.Errorf("a secret of %d bytes matched", len(secret))
		}
		if err := h.Waste(t.Context(), hashing.Fast, oauth.NewSecret(secret)); err != nil {
			t.Error(err)
		}
	}
	if n := h.Calls(hashing.Fast); n != 0 {
		t.Errorf("%d hashes were computed for secrets that nobody can have", n)
	}
	longest := endless[1:]
	if !verify(t, h, string(h.Digest(oauth.NewSecret(longest))), longest) {
		t.Errorf("a secret of %d bytes did not match", len(longest))
	}
}

// bcrypt sees 72 bytes, and what it sees of "ab" and "ab\x00ab" is the same.
func TestA57_NoTruncationCollision(t *testing.T) {
	h := hashing.New()
	long := strings.Repeat("a", 72)
	for _, test := range []struct {
		name, digest, secret string
		want                 bool
	}{
		{"bcrypt, all 72 bytes", longBcrypt, long, true},
		{"bcrypt, byte 73 added", longBcrypt, long + "b", false},
		{"bcrypt, another byte 73", longBcrypt, long + "c", false},
		{"bcrypt, byte 72 differs", longBcrypt, long[1:] + "b", false},
		{"bcrypt, NUL and repetition", abBcrypt, "ab\x00ab", false},
		{"bcrypt, the same without", abBcrypt, "ab", true},
		{"argon2id, all 72 bytes", longArgon2id, long, true},
		{"argon2id, byte 73 added", longArgon2id, long + "b", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := h.Calls(hashing.Bcrypt) + h.Calls(hashing.Argon2id)
			if got := verify(t, h, test.digest, test.secret); got != test.want {
				t.Errorf("Verify = %v, want %v", got, test.want)
			}
			if n := h.Calls(hashing.Bcrypt) + h.Calls(hashing.Argon2id) - before; n != 1 {
				t.Errorf("%d hashes computed, want 1 whatever the length", n)
			}
		})
	}
}

func TestCheckTellsKinds(t *testing.T) {
	h := hashing.New()
	for digest, want := range map[string]hashing.Kind{
		caddyArgon2id: hashing.Argon2id,
		cheapArgon2id: hashing.Argon2id,
		caddyBcrypt:   hashing.Bcrypt,
		cheapBcrypt:   hashing.Bcrypt,
	} {
		if kind, err := h.Check(store.SecretDigest(digest)); err != nil || kind != want {
			t.Errorf("Check(%.12s…) = %v, %v, want %v", digest, kind, err, want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	h := hashing.New()
	const salt, key = "A51GwIp6IXU5ssJVYblZyQ", "JoZEog5BKZdnHmPdK0WZZB7spSNSaUEN6jLpgrFd40A"
	argon2id := func(costs, salt, key string) string { return "$argon2id$v=19$" + costs + "$" + salt + "$" + key }
	for _, test := range []struct{ name, digest, says string }{
		{"nothing", "", "caddy hash-password"},
		{"a password", "Ch4ng31t", "caddy hash-password"},
		{"MD5 of htpasswd", "$apr1$Q4k9VpQW$K1pLzrJ0pXPxEXM.pXb4X.", "caddy hash-password"},
		{"argon2i", strings.Replace(cheapArgon2id, "argon2id", "argon2i", 1), "caddy hash-password"},
		{"argon2id cut off", cheapArgon2id[:40], "whole argon2id"},
		{"argon2id of an old version", strings.Replace(cheapArgon2id, "v=19", "v=16", 1), "whole argon2id"},
		{"argon2id with costs in another order", argon2id("t=1,m=64,p=1", salt, key), "whole argon2id"},
		{"argon2id with a negative cost", argon2id("m=-64,t=1,p=1", salt, key), "whole argon2id"},
		{"argon2id with too much memory", argon2id("m=262145,t=1,p=1", salt, key), "262144"},
		{"argon2id with memory beyond 32 bits", argon2id("m=4294967296,t=1,p=1", salt, key), "262144"},
		{"argon2id with too many passes", argon2id("m=8,t=17,p=1", salt, key), "16"},
		{"argon2id with no pass", argon2id("m=8,t=0,p=1", salt, key), "16"},
		{"argon2id with too much parallelism", argon2id("m=200,t=1,p=17", salt, key), "16"},
		{"argon2id with no parallelism", argon2id("m=200,t=1,p=0", salt, key), "16"},
		{"argon2id with an empty key, which would match all", argon2id("m=64,t=1,p=1", salt, ""), "whole argon2id"},
		{"argon2id with a short key", argon2id("m=64,t=1,p=1", salt, "L7mDKlDmmo0"), "key"},
		{"argon2id with a short salt", argon2id("m=64,t=1,p=1", "A51GwA", key), "salt"},
		{"argon2id with sloppy base64", argon2id("m=64,t=1,p=1", "A51GwIp6IXU5ssJVYblZyR", key), "base64"},
		{"bcrypt cut off", cheapBcrypt[:59], "whole bcrypt"},
		{"bcrypt with more behind it", cheapBcrypt + "x", "whole bcrypt"},
		{"bcrypt of the broken variant", "$2x" + cheapBcrypt[3:], "whole bcrypt"},
		{"bcrypt too costly", "$2a$17" + cheapBcrypt[6:], "16"},
		{"bcrypt below the least cost", "$2a$03" + cheapBcrypt[6:], "16"},
		{"keyed digest cut off", "$hmac-sha256$AAAA", "keyed digest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := h.Check(store.SecretDigest(test.digest))
			if err == nil {
				t.Fatal("Check accepted it")
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q does not say %q", err, test.says)
			}
			if len(test.digest) > 6 && strings.Contains(err.Error(), test.digest) {
				t.Errorf("error %q repeats the digest", err)
			}
			if _, err := h.Verify(t.Context(), store.SecretDigest(test.digest), oauth.NewSecret("x")); err == nil {
				t.Error("Verify took what Check refuses")
			}
		})
	}
}

func TestAS22_WasteComputesWhatVerifyDoes(t *testing.T) {
	h := hashing.New()
	digests := []string{string(h.Digest(oauth.NewSecret("x"))), cheapBcrypt, cheapArgon2id}
	for _, digest := range digests {
		kind, err := h.Check(store.SecretDigest(digest))
		if err != nil {
			t.Fatal(err)
		}
		count := func() (calls []int64) {
			for _, kind := range []hashing.Kind{hashing.Fast, hashing.Bcrypt, hashing.Argon2id} {
				calls = append(calls, h.Calls(kind))
			}
			return calls
		}
		before := count()
		verify(t, h, digest, "wrong")
		middle := count()
		if err := h.Waste(t.Context(), kind, oauth.NewSecret("wrong")); err != nil {
			t.Fatal(err)
		}
		after := count()
		for i := range after {
			after[i], middle[i] = after[i]-middle[i], middle[i]-before[i]
		}
		if !slices.Equal(after, middle) || middle[kind] != 1 {
			t.Errorf("kind %d: Verify made calls %v, Waste %v", kind, middle, after)
		}
	}
}

func FuzzDigestNeverPanics(f *testing.F) {
	for _, seed := range []string{caddyArgon2id, caddyBcrypt, cheapArgon2id, cheapBcrypt, "$hmac-sha256$", "$2", "$argon2id$"} {
		f.Add(seed)
	}
	h := hashing.New()
	f.Fuzz(func(t *testing.T, text string) {
		kind, err := h.Check(store.SecretDigest(text))
		if err == nil && (kind < hashing.Fast || kind > hashing.Argon2id) {
			t.Errorf("Check(%q) = %v", text, kind)
		}
	})
}
