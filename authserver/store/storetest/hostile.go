package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// hostileTexts are what strangers may send where a text is stored or looked for.
// A store keeps each as it is: none may be a fault, for that would be a 503 that
// anybody can have.
var hostileTexts = map[string]string{
	"NUL":              "a\x00b",
	"only NUL":         "\x00",
	"broken UTF-8":     "a\xff\xfeb",
	"half a surrogate": "\xed\xa0\x80",
	"an overlong NUL":  "\xc0\x80",
	"control":          "\x01YQ",
	"SQL":              `'; DROP TABLE grants; -- \x00 ? $1 %s`,
	"other scripts":    "пользователь \u202e 用户 🔑",
	"long":             long(),
}

// long is a text that no compression makes short.
func long() string {
	var b strings.Builder
	for n := range 512 {
		sum := sha256.Sum256([]byte{byte(n), byte(n >> 8)})
		b.WriteString(hex.EncodeToString(sum[:]))
	}
	return b.String()
}

var hostileChecks = []check{
	{"in a grant is kept", func(t *testing.T, s store.Store) {
		for name, text := range hostileTexts {
			grant := pending("with " + name)
			grant.Nonce, grant.Claims, grant.RedirectURI, grant.CodeChallenge = text, text, text, text
			grant.ACR, grant.SessionID, grant.Subject = text, text[:min(len(text), 500)], text[:min(len(text), 500)]
			create(t, s, grant)
			wantUntouched(t, s, grant)
			redeemed(t, s, redemption(grant.ID, at(5)))
		}
	}},
	{"is found nowhere", func(t *testing.T, s store.Store) {
		create(t, s, pending(grantID))
		for name, text := range hostileTexts {
			code, use := redemption(grantID, at(5)), rotation(grantID, 1, at(5))
			code.CodeHash, use.ClientID = text, text
			for step, err := range map[string]error{
				"Grant":         failure(s.Grant(t.Context(), realm, text)),
				"realm":         failure(s.Grant(t.Context(), text, grantID)),
				"RedeemCode":    s.RedeemCode(t.Context(), code),
				"RotateRefresh": failure(s.RotateRefresh(t.Context(), use)),
				"TouchRefresh":  failure(s.TouchRefresh(t.Context(), use)),
				"Session":       failure(s.Session(t.Context(), realm, text, start)),
				"TouchSession":  s.TouchSession(t.Context(), realm, text, at(1), start),
				"Consent":       failure(s.Consent(t.Context(), realm, text, text)),
				"DeleteDenial":  s.DeleteDenial(t.Context(), text),
			} {
				t.Run(step+" "+name, func(t *testing.T) { wantError(t, err, store.ErrNotFound) })
			}
			must(t, s.EndSession(t.Context(), realm, text))
			must(t, s.RevokeGrant(t.Context(), realm, text, start))
		}
	}},
	{"is an id like any other", func(t *testing.T, s store.Store) {
		for name, text := range hostileTexts {
			must(t, s.Spend(t.Context(), text, at(60)))
			wantError(t, s.Spend(t.Context(), text, at(60)), store.ErrExists)
			must(t, s.Spend(t.Context(), text+"'", at(60)))
			if name == "long" {
				continue // all others name what is ours
			}
			must(t, s.RevokeToken(t.Context(), realm, text, at(60), start))
			entries := logged(t, s, start)
			wantEqual(t, entries[len(entries)-1].Key, text)
			must(t, s.PutDenial(t.Context(), denial(text)))
			entered := denials(t, s)
			wantEqual(t, entered[len(entered)-1].Value, text)
			consent := consentOf(text)
			must(t, s.CreateGrant(t.Context(), pending("id "+name), consent))
			wantEqual(t, got(s.Remember(t.Context(), text, text))(t), text)
		}
		// None is taken for another.
		wantEqual(t, len(got(s.Consent(t.Context(), realm, consentOf("").Subject, client))(t).Scope), len(hostileTexts)-1)
	}},
}

func failure(_ any, err error) error { return err }
