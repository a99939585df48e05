package token_test

import (
	"errors"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// fuzzOpen holds open to one rule: nothing is good but the very texts that were
// minted. The fuzzer changes them and makes up others.
func fuzzOpen(f *testing.F, minted []oauth.Secret, others []string, open func(*testing.T, oauth.Secret) bool) {
	good := map[string]bool{}
	for _, text := range minted {
		good[text.Reveal()] = true
		for _, at := range []uint16{0, 4, 20, 40, uint16(len(text.Reveal()) - 1)} {
			f.Add(text.Reveal(), at, byte(1))
		}
		f.Add(text.Reveal(), uint16(0), byte(0))
	}
	for _, text := range others {
		f.Add(text, uint16(0), byte(0))
	}
	f.Fuzz(func(t *testing.T, text string, at uint16, flip byte) {
		if open(t, oauth.NewSecret(text)) != good[text] {
			t.Errorf("%q: opens is %v", text, !good[text])
		}
		for _, secret := range minted {
			bad := []byte(secret.Reveal())
			bad[int(at)%len(bad)] ^= flip
			if open(t, oauth.NewSecret(string(bad))) != (flip == 0) {
				t.Errorf("%s: opens is %v", bad, flip != 0)
			}
		}
	})
}

var fuzzSeeds = []string{
	"", "oat_", "ort_", "oac_", "oat__", "ort____", "oac__", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "..", "\x00", "ort_\xff_\xff_1_",
}

func FuzzOpenAccess(f *testing.F) {
	m := newMinter()
	jwt, _ := mintAccess(f, m, userAccess(), oauth.FormatJWT)
	opaque, _ := mintAccess(f, m, clientAccess(), oauth.FormatOpaque)
	others := append([]string{mintRefresh(f, m, 1).Reveal(), mintID(f, m, idToken(), oauth.ES256).Reveal()}, fuzzSeeds...)
	fuzzOpen(f, []oauth.Secret{jwt, opaque}, others, func(_ *testing.T, text oauth.Secret) bool {
		access, err := m.OpenAccess(text, start)
		return err == nil && access.Issuer == issuer
	})
}

func FuzzOpenRefresh(f *testing.F) {
	m := newMinter()
	fuzzOpen(f, []oauth.Secret{mintRefresh(f, m, 1), mintRefresh(f, m, 0xfedcba98)}, fuzzSeeds, func(_ *testing.T, text oauth.Secret) bool {
		refresh, err := m.OpenRefresh(text)
		return err == nil && refresh.GrantID == grantID
	})
}

// A code is good when it names the grant and the hash that were stored.
func FuzzOpenCode(f *testing.F) {
	m := newMinter()
	code, hash := m.NewCode(grantID)
	fuzzOpen(f, []oauth.Secret{code}, fuzzSeeds, func(t *testing.T, text oauth.Secret) bool {
		id, got, err := m.OpenCode(text)
		if err == nil && (len(id) != 32 || len(got) != 64) {
			t.Errorf("%q opens as %q %q", text.Reveal(), id, got)
		}
		return err == nil && id == grantID && got == hash
	})
}

// FuzzInspect: what operators paste is called ours only when it is. A code is
// known by its grant alone, which this does not see.
func FuzzInspect(f *testing.F) {
	m := newMinter()
	fuzzOpen(f, everyKind(f, m), fuzzSeeds, func(t *testing.T, text oauth.Secret) bool {
		said, err := m.Inspect(text)
		if err != nil && !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%q: %v", text.Reveal(), err)
		}
		return err == nil && said.CodeGrant == ""
	})
}
