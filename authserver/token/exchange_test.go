package token_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// claimsOf reads the claims of a JWT as whoever has verified it.
func claimsOf(t *testing.T, signed oauth.Secret) map[string]any {
	t.Helper()
	parsed, err := oauth.ParseJWS(signed.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	key, _ := ringOf().VerifyKey(parsed.KeyID)
	payload, err := parsed.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := oauth.DecodeObject(payload)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestAnExchangedTokenSaysTheSameToAnotherAudience(t *testing.T) {
	m := newMinter()
	for name, original := range map[string]token.Access{"user": userAccess(), "client": clientAccess()} {
		signed, original, err := m.MintAccess(original, oauth.FormatJWT)
		if err != nil {
			t.Fatal(err)
		}
		now := start.Add(time.Minute)
		audience := []string{"http://orders.internal"}
		exchanged, access, err := m.Exchange(claimsOf(t, signed), audience, now, now.Add(2*time.Minute))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := original
		want.Audience, want.Expires = audience, now.Add(2*time.Minute)
		if !reflect.DeepEqual(access, want) {
			t.Errorf("%s: %+v\nwant %+v", name, access, want)
		}
		opened, err := m.OpenAccess(exchanged, now)
		if err != nil || !reflect.DeepEqual(opened, want) {
			t.Errorf("%s: it opens as %+v, %v", name, opened, err)
		}
		if _, message := readWith(t, exchanged.Reveal(), now, jwt.WithAudience("http://orders.internal")); message.Signatures()[0].ProtectedHeaders().Type() != "at+jwt" {
			t.Errorf("%s: it is no access token", name)
		}

		_, access, err = m.Exchange(claimsOf(t, signed), audience, now, now.Add(time.Hour))
		if err != nil || !access.Expires.Equal(original.Expires) {
			t.Errorf("%s: it outlives the token: %v, %v", name, access.Expires, err)
		}
	}
}

func TestWhatCannotBeExchanged(t *testing.T) {
	m := newMinter()
	good := func() map[string]any {
		return map[string]any{
			"iss": issuer, "sub": "demo", "aud": "a", "client_id": "c", "jti": "j",
			"iat": json.Number("1800000000"), "exp": json.Number("1800000600"),
		}
	}
	later := start.Add(time.Minute)
	if _, _, err := m.Exchange(good(), []string{"u"}, start, later); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change   func(claims map[string]any)
		audience []string
		now      time.Time
	}{
		"of another issuer":  {func(c map[string]any) { c["iss"] = "https://idp.example.com" }, []string{"u"}, start},
		"bound to a key":     {func(c map[string]any) { c["cnf"] = map[string]any{"jkt": "x"} }, []string{"u"}, start},
		"bound to nothing":   {func(c map[string]any) { c["cnf"] = nil }, []string{"u"}, start},
		"without a subject":  {func(c map[string]any) { delete(c, "sub") }, []string{"u"}, start},
		"without an id":      {func(c map[string]any) { delete(c, "jti") }, []string{"u"}, start},
		"for nobody":         {func(map[string]any) {}, nil, start},
		"that has expired":   {func(map[string]any) {}, []string{"u"}, start.Add(10 * time.Minute)},
		"with a wrong scope": {func(c map[string]any) { c["scope"] = json.Number("1") }, []string{"u"}, start},
	} {
		claims := good()
		test.change(claims)
		if signed, _, err := m.Exchange(claims, test.audience, test.now, test.now.Add(time.Minute)); err == nil {
			t.Errorf("a token %s is exchanged for %v", name, signed)
		}
	}
	claims := good()
	claims["cnf"] = map[string]any{}
	if _, _, err := m.Exchange(claims, []string{"u"}, start, later); errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), "bound to a key") {
		t.Errorf("error %v", err)
	}
}
