package token_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func TestIDTokenGolden(t *testing.T) {
	m := newMinter()
	full := idToken()
	full.Claims = map[string]any{"name": "Demo", "email_verified": true, "address": map[string]any{"country": "CH"}}
	// The values of OpenID Connect Core Appendix A.3 and A.4, for SHA-256.
	full.AccessToken = oauth.NewSecret("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")
	full.Code = oauth.NewSecret("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk")
	least := token.IDToken{Subject: "demo", ClientID: "myClient", IssuedAt: start, Expires: start.Add(time.Minute)}
	tests := []struct {
		name string
		id   token.IDToken
		want string
	}{
		{"full", full, `{"acr":"1","address":{"country":"CH"},"amr":["pwd"],"at_hash":"77QmUPtjPfzWtF2AnpK9RQ",` +
			`"aud":"myClient","auth_time":1799999940,"azp":"myClient","c_hash":"LDktKdoQak3Pk0cnXxCltA","email_verified":true,` +
			`"exp":1800003600,"iat":1800000000,"iss":"https://auth.example.com/oauth2","name":"Demo",` +
			`"nonce":"n-0S6_WzA2Mj","sid":"s-1","sub":"demo"}`},
		{"least", least, `{"aud":"myClient","azp":"myClient","exp":1800000060,"iat":1800000000,` +
			`"iss":"https://auth.example.com/oauth2","sub":"demo"}`},
	}
	signer, err := ringOf().Signer(oauth.RS256)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := mintID(t, m, tt.id, oauth.RS256)
			if got := payloadOf(t, text); got != tt.want {
				t.Errorf("payload\n%s\nwant\n%s", got, tt.want)
			}
			header, _, _ := strings.Cut(text.Reveal(), ".")
			if want := encode(`{"alg":"RS256","kid":"` + signer.KeyID + `","typ":"JWT"}`); header != want {
				t.Errorf("header %s, want %s", header, want)
			}
		})
	}
}

// A relying party's library takes what every algorithm signs, at_hash included.
func TestIDTokenVerifiesAtARelyingParty(t *testing.T) {
	m := newMinter()
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			signer, err := ringOf().Signer(algorithm)
			if err != nil {
				t.Fatal(err)
			}
			id := idToken()
			id.AccessToken = oauth.NewSecret("the access token")
			verifier := oidc.NewVerifier(issuer, &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{signer.Key.Public()}}, &oidc.Config{
				ClientID: "myClient", SupportedSigningAlgs: []string{algorithm}, Now: func() time.Time { return start },
			})
			verified, err := verifier.Verify(context.Background(), mintID(t, m, id, algorithm).Reveal())
			if err != nil {
				t.Fatal(err)
			}
			if verified.Subject != "demo" || verified.Nonce != id.Nonce || !verified.Expiry.Equal(id.Expires) {
				t.Errorf("verified as %+v", verified)
			}
			if err := verified.VerifyAccessToken("the access token"); err != nil {
				t.Error(err)
			}
			if verified.VerifyAccessToken("another one") == nil {
				t.Error("at_hash binds no access token")
			}
		})
	}
}

func TestUserClaimsNeverOverrideTheProtocol(t *testing.T) {
	m := newMinter()
	protocol := []string{
		"iss", "sub", "aud", "azp", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "sid",
		"at_hash", "c_hash", "s_hash", "client_id", "scope", "gid", "cnf", "act", "may_act", "events",
	}
	hostile := map[string]any{"name": "Demo"}
	for _, name := range protocol {
		for _, spelling := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			hostile[spelling] = "evil"
		}
	}
	claimsOf := func(id token.IDToken) map[string]any {
		var claims map[string]any
		if err := json.Unmarshal([]byte(payloadOf(t, mintID(t, m, id, oauth.ES256))), &claims); err != nil {
			t.Fatal(err)
		}
		return claims
	}
	least := token.IDToken{Subject: "demo", ClientID: "myClient", IssuedAt: start, Expires: start.Add(time.Hour)}
	for _, id := range []token.IDToken{least, idToken()} {
		want := claimsOf(id)
		want["name"] = "Demo"
		id.Claims = hostile
		if got := claimsOf(id); !reflect.DeepEqual(got, want) {
			t.Errorf("claims %v, want %v", got, want)
		}
	}
	if hostile["iss"] != "evil" {
		t.Error("the caller's map was changed")
	}
}

func TestMintIDRefusesWhatNobodyWouldAccept(t *testing.T) {
	m := newMinter()
	tests := map[string]func(*token.IDToken){
		"no subject":          func(id *token.IDToken) { id.Subject = "" },
		"subject is not text": func(id *token.IDToken) { id.Subject = "\xff" },
		"no client":           func(id *token.IDToken) { id.ClientID = "" },
		"no issue time":       func(id *token.IDToken) { id.IssuedAt = time.Time{} },
		"no expiry":           func(id *token.IDToken) { id.Expires = time.Time{} },
		"claim is not JSON":   func(id *token.IDToken) { id.Claims = map[string]any{"f": func() {}} },
	}
	for name, change := range tests {
		id := idToken()
		change(&id)
		if text, err := m.MintID(id, oauth.ES256); err == nil || !text.Empty() {
			t.Errorf("%s: minted", name)
		}
	}
	if _, err := m.MintID(idToken(), "HS256"); err == nil || errors.Is(err, token.ErrInvalid) {
		t.Errorf("HS256: %v", err)
	}
}

func TestOpenIDHint(t *testing.T) {
	m := newMinter()
	for _, algorithm := range algorithms {
		// It expired long ago: that does not count.
		id := idToken()
		id.IssuedAt, id.Expires = start.AddDate(-1, 0, 0), start.AddDate(-1, 0, 1)
		subject, client, err := m.OpenIDHint(mintID(t, m, id, algorithm))
		if err != nil || subject != "demo" || client != "myClient" {
			t.Errorf("%s: %s %s %v", algorithm, subject, client, err)
		}
	}
}

func TestA63_OnlyOurIDTokensAreHints(t *testing.T) {
	m := newMinter()
	good := mintID(t, m, idToken(), oauth.ES256)
	payload := payloadOf(t, good)
	jwt, _ := mintAccess(t, m, userAccess(), oauth.FormatJWT)
	opaque, _ := mintAccess(t, m, userAccess(), oauth.FormatOpaque)
	parts := strings.Split(good.Reveal(), ".")
	other := token.NewMinter("/b", issuer+"/b", openRing(&keyMemory{}, "/b", oauth.ES256))
	tests := map[string]oauth.Secret{
		"empty":             {},
		"JWT access token":  jwt,
		"opaque":            opaque,
		"refresh token":     mintRefresh(t, m, 1),
		"AS57 other realm":  mintID(t, other, idToken(), oauth.ES256),
		"AS57 other issuer": signAs(t, ringOf(), oauth.ES256, "JWT", strings.Replace(payload, issuer, issuer+"/x", 1)),
		"logout token":      signAs(t, ringOf(), oauth.ES256, "logout+jwt", payload),
		"alg none":          oauth.NewSecret(encode(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + "."),
		"no signature":      oauth.NewSecret(parts[0] + "." + parts[1] + "."),
		"no subject":        signAs(t, ringOf(), oauth.ES256, "JWT", strings.Replace(payload, `"sub"`, `"sum"`, 1)),
		"two audiences":     signAs(t, ringOf(), oauth.ES256, "JWT", strings.Replace(payload, `"aud":"myClient"`, `"aud":["myClient","x"]`, 1)),
		"subject a number":  signAs(t, ringOf(), oauth.ES256, "JWT", strings.Replace(payload, `"sub":"demo"`, `"sub":1`, 1)),
		"endless":           oauth.NewSecret(good.Reveal() + strings.Repeat("A", 1<<20)),
	}
	for name, hint := range tests {
		if _, _, err := m.OpenIDHint(hint); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range spoiled(good.Reveal()) {
		if _, _, err := m.OpenIDHint(oauth.NewSecret(bad)); !errors.Is(err, token.ErrInvalid) {
			t.Fatalf("%q gives %v", bad, err)
		}
	}
}
