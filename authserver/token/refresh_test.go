package token_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func TestAS34_RefreshTokenIsA256BitMAC(t *testing.T) {
	m := newMinter()
	text := mintRefresh(t, m, 3).Reveal()
	if !regexp.MustCompile(`^ort_[0-9a-f]{16}_` + grantID + `_00000003_[A-Za-z0-9_-]{43}$`).MatchString(text) {
		t.Fatalf("%s: want key id, grant id, generation and MAC", text)
	}
	if mac := decode(t, text[len(text)-43:]); len(mac) != 32 {
		t.Errorf("the MAC has %d bits", 8*len(mac))
	}
}

// The successor of a generation is derived: any node gives a retry within the
// grace the same one, from nothing but the keys.
func TestAS39_RefreshTokenIsDerived(t *testing.T) {
	st := &keyMemory{}
	node1 := token.NewMinter("/", issuer, openRing(st, "/", oauth.ES256))
	node2 := token.NewMinter("/", issuer, openRing(st, "/", oauth.ES256))
	for generation := uint32(1); generation < 100; generation++ {
		if a, b := mintRefresh(t, node1, generation), mintRefresh(t, node2, generation); a.Reveal() != b.Reveal() {
			t.Fatalf("generation %d: two nodes derive two tokens", generation)
		}
	}
}

func TestRefreshTokensOfAllGenerationsDiffer(t *testing.T) {
	m := newMinter()
	macs := map[string]bool{}
	for _, generation := range []uint32{1, 2, 0x10, 0x100, 1<<32 - 1} {
		text := mintRefresh(t, m, generation)
		macs[text.Reveal()[len(text.Reveal())-43:]] = true
		opened, err := m.OpenRefresh(text)
		want := token.Refresh{KeyID: m.RefreshKeyID(), GrantID: grantID, Generation: generation}
		if err != nil || opened != want {
			t.Errorf("opened %+v (%v), want %+v", opened, err, want)
		}
	}
	if len(macs) != 5 {
		t.Error("two generations share a MAC")
	}
}

func TestMintRefreshWantsAKeyAGrantAndAGeneration(t *testing.T) {
	m := newMinter()
	good := token.Refresh{KeyID: m.RefreshKeyID(), GrantID: grantID, Generation: 1}
	tests := map[string]func(*token.Refresh){
		"no key":             func(r *token.Refresh) { r.KeyID = "" },
		"unknown key":        func(r *token.Refresh) { r.KeyID = "0123456789abcdef" },
		"the key for access": func(r *token.Refresh) { r.KeyID = ringOf().Secret(store.KeyAccess).ID },
		"no grant":           func(r *token.Refresh) { r.GrantID = "" },
		"upper case grant":   func(r *token.Refresh) { r.GrantID = strings.ToUpper(grantID) },
		"long grant":         func(r *token.Refresh) { r.GrantID += "0" },
		"generation 0":       func(r *token.Refresh) { r.Generation = 0 },
	}
	for name, change := range tests {
		refresh := good
		change(&refresh)
		if text, err := m.MintRefresh(refresh); err == nil || !text.Empty() {
			t.Errorf("%s: minted", name)
		}
	}
}

func TestAnyByteOfARefreshTokenCounts(t *testing.T) {
	m := newMinter()
	for _, bad := range spoiled(mintRefresh(t, m, 0xab).Reveal()) {
		if _, err := m.OpenRefresh(oauth.NewSecret(bad)); !errors.Is(err, token.ErrInvalid) {
			t.Fatalf("%q gives %v", bad, err)
		}
	}
}

func TestRefreshTokenMadeUpIsRefused(t *testing.T) {
	m := newMinter()
	good := mintRefresh(t, m, 1).Reveal()
	next := mintRefresh(t, m, 2).Reveal()
	opaque, _ := mintAccess(t, m, userAccess(), oauth.FormatOpaque)
	jwt, _ := mintAccess(t, m, userAccess(), oauth.FormatJWT)
	code, _ := m.NewCode(grantID)
	id := mintID(t, m, idToken(), oauth.RS256)
	tests := map[string]string{
		"empty":                     "",
		"prefix":                    "ort_",
		"separators":                "ort_____",
		"MAC of the predecessor":    next[:len(next)-43] + good[len(good)-43:],
		"no MAC":                    good[:len(good)-44],
		"short MAC":                 good[:len(good)-22],
		"generation in upper case":  strings.Replace(mintRefresh(t, m, 0xab).Reveal(), "_000000ab_", "_000000AB_", 1),
		"generation without zeros":  strings.Replace(good, "_00000001_", "_1_", 1),
		"generation with a sign":    strings.Replace(good, "_00000001_", "_+0000001_", 1),
		"generation beyond 32 bits": strings.Replace(good, "_00000001_", "_100000001_", 1),
		"generation 0":              strings.Replace(good, "_00000001_", "_00000000_", 1),
		"upper case prefix":         "ORT_" + good[4:],
		"long":                      good + strings.Repeat("A", 1<<20),
		"opaque access token":       opaque.Reveal(),
		"its bytes as a refresh":    "ort_" + opaque.Reveal()[4:],
		"JWT":                       jwt.Reveal(),
		"ID token":                  id.Reveal(),
		"code":                      code.Reveal(),
	}
	for name, text := range tests {
		if _, err := m.OpenRefresh(oauth.NewSecret(text)); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAS57_RefreshTokenOfAnotherRealmIsRefused(t *testing.T) {
	text := mintRefresh(t, newMinter(), 1)
	others := map[string]*token.Minter{
		"same keys, other realm":  token.NewMinter("/b", issuer, ringOf()),
		"same realm, other keys":  token.NewMinter("/", issuer, openRing(&keyMemory{}, "/", oauth.ES256)),
		"other realm, other keys": token.NewMinter("/b", issuer, openRing(&keyMemory{}, "/b", oauth.ES256)),
	}
	for name, other := range others {
		if _, err := other.OpenRefresh(text); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
