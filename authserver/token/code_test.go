package token_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func TestAS4_CodeHas256RandomBitsAndIsStoredHashed(t *testing.T) {
	m := newMinter()
	seen := map[string]bool{}
	for range 1000 {
		code, hash := m.NewCode(grantID)
		secret64, ok := strings.CutPrefix(code.Reveal(), "oac_"+grantID+"_")
		secret := decode(t, secret64)
		if !ok || len(secret) != 32 {
			t.Fatalf("%s: want the grant id and 32 secret bytes", code.Reveal())
		}
		seen[secret] = true
		sum := sha256.Sum256([]byte(secret))
		if hash != hex.EncodeToString(sum[:]) {
			t.Fatalf("hash %s is not the hex SHA-256 of the secret part", hash)
		}
		if strings.Contains(hash, secret64) || strings.Contains(hash, hex.EncodeToString([]byte(secret))) {
			t.Fatal("what is stored shows the code")
		}
	}
	if len(seen) != 1000 {
		t.Error("a code came twice")
	}
}

func TestOpenCodeReadsWhatNewCodeMade(t *testing.T) {
	m := newMinter()
	code, want := m.NewCode(grantID)
	id, hash, err := m.OpenCode(code)
	if err != nil || id != grantID || hash != want {
		t.Errorf("opened %s %s (%v), want %s %s", id, hash, err, grantID, want)
	}
}

// A code carries no MAC: the store compares its hash. So a changed one is
// refused or names another grant or hash.
func TestAnyByteOfACodeCounts(t *testing.T) {
	m := newMinter()
	code, want := m.NewCode(grantID)
	for _, bad := range spoiled(code.Reveal()) {
		if id, hash, err := m.OpenCode(oauth.NewSecret(bad)); err == nil && id == grantID && hash == want {
			t.Fatalf("%q still is the code", bad)
		}
	}
}

func TestCodeMadeUpIsRefused(t *testing.T) {
	m := newMinter()
	code, _ := m.NewCode(grantID)
	good := code.Reveal()
	upper, _ := m.NewCode(strings.ToUpper(grantID))
	opaque, _ := mintAccess(t, m, userAccess(), oauth.FormatOpaque)
	tests := map[string]string{
		"empty":               "",
		"prefix":              "oac_",
		"no secret":           good[:len(good)-43],
		"short secret":        good[:len(good)-2],
		"long secret":         good + "AA",
		"endless":             good + strings.Repeat("A", 1<<20),
		"padding":             good + "=",
		"line break":          good[:40] + "\n" + good[40:],
		"upper case grant id": upper.Reveal(),
		"short grant id":      "oac_0_" + good[len(good)-43:],
		"refresh token":       mintRefresh(t, m, 1).Reveal(),
		"access token":        opaque.Reveal(),
	}
	for name, text := range tests {
		if _, _, err := m.OpenCode(oauth.NewSecret(text)); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
