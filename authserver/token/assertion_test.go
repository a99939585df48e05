package token_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// readWith reads a JWT as an upstream would: with the published keys and a
// library that others wrote.
func readWith(t *testing.T, text string, now time.Time, options ...jwt.ParseOption) (jwt.Token, *jws.Message) {
	t.Helper()
	document, _ := ringOf().JWKS()
	set, err := jwk.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseString(text, append(options, jwt.WithKeySet(set), jwt.WithClock(jwt.ClockFunc(func() time.Time { return now })))...)
	if err != nil {
		t.Fatal(err)
	}
	message, err := jws.ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, message
}

func TestAnAssertionIsSignedForOneUpstream(t *testing.T) {
	signed, err := token.NewMinter("", "https://api.example.com", ringOf()).MintAssertion(token.Assertion{
		Audience: "http://orders.internal", TokenIssuer: "https://idp.example.com",
		IssuedAt: start, Expires: start.Add(time.Minute),
		// What a token says of registered claims must not become what we say.
		Claims: map[string]any{"sub": "frida", "tenant": "a", "iss": "https://evil.example", "aud": "x", "exp": 9e9, "nbf": 1, "jti": "j", "token_iss": "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	read, message := readWith(t, signed.Reveal(), start, jwt.WithIssuer("https://api.example.com"), jwt.WithAudience("http://orders.internal"))
	claims, _ := read.AsMap(t.Context())
	if claims["sub"] != "frida" || claims["tenant"] != "a" || claims["token_iss"] != "https://idp.example.com" {
		t.Errorf("claims %v", claims)
	}
	if _, there := claims["nbf"]; there || read.JwtID() == "j" || len(read.JwtID()) != 26 || !read.Expiration().Equal(start.Add(time.Minute)) || !read.IssuedAt().Equal(start) {
		t.Errorf("registered claims %v", claims)
	}
	header := message.Signatures()[0].ProtectedHeaders()
	if header.Type() != "identity-assertion+jwt" || header.Algorithm() != "ES256" {
		t.Errorf("typ %s, alg %s", header.Type(), header.Algorithm())
	}
	// RFC 8725 §3.11: the same keys would open nothing with it.
	if _, err := token.NewMinter("", "https://api.example.com", ringOf()).OpenAccess(signed, start); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("as an access token: %v", err)
	}
}
