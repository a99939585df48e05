package token_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// everyKind mints a JWT, an opaque access token, a refresh token and an ID token.
func everyKind(t testing.TB, m *token.Minter) []oauth.Secret {
	t.Helper()
	jwt, _, err1 := m.MintAccess(userAccess(), oauth.FormatJWT)
	opaque, _, err2 := m.MintAccess(userAccess(), oauth.FormatOpaque)
	refresh, err3 := m.MintRefresh(token.Refresh{KeyID: m.RefreshKeyID(), GrantID: grantID, Generation: 7})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return []oauth.Secret{jwt, opaque, refresh, mintID(t, m, idToken(), oauth.ES256)}
}

// Inspect tells what each kind says, however old it is, and in its realm alone.
func TestInspectReadsEveryKind(t *testing.T) {
	m := newMinter()
	said := make([]token.Inspected, 0, 5)
	code, hash := m.NewCode(grantID)
	texts := append(everyKind(t, m), code)
	for _, text := range texts {
		one, err := m.Inspect(text)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, one)
	}
	for i, opaque := range []bool{false, true} {
		got := said[i].Access
		want := userAccess()
		want.ID, want.Issuer = got.ID, issuer
		if said[i].Opaque != opaque || got.ID == "" || !reflect.DeepEqual(*got, want) {
			t.Errorf("got  %+v\nwant %+v", *got, want)
		}
	}
	if got := said[2].Refresh; *got != (token.Refresh{KeyID: m.RefreshKeyID(), GrantID: grantID, Generation: 7}) {
		t.Errorf("refresh token: %+v", got)
	}
	if want := (token.InspectedID{
		Subject: "demo", ClientID: "myClient", SessionID: "s-1",
		IssuedAt: start, Expires: start.Add(time.Hour), AuthTime: start.Add(-time.Minute),
	}); *said[3].ID != want {
		t.Errorf("ID token: %+v", said[3].ID)
	}
	if said[4].CodeGrant != grantID || said[4].CodeHash != hash {
		t.Errorf("code: %+v", said[4])
	}
	// AS57: what is of another realm is none of ours, even under the same keys.
	for _, other := range []*token.Minter{token.NewMinter("/b", issuer+"/b", ringOf())} {
		for _, text := range texts[:4] {
			if one, err := other.Inspect(text); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("another realm says %+v, %v", one, err)
			}
		}
	}
}
