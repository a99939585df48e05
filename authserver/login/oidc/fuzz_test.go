package oidc

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

const fuzzIssuer = "https://idp.example.com"

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://idp.example.com","authorization_endpoint":"https://a/","token_endpoint":"https://a/","jwks_uri":"https://a/"}`))
	f.Add([]byte(`{"issuer":"https://idp.example.com","authorization_endpoint":"http://127.0.0.1/"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseMetadata(body, fuzzIssuer)
		if err != nil {
			return
		}
		for _, address := range []string{m.authorization, m.token, m.keys} {
			if outbound.CheckEndpoint(fuzzIssuer, address) != nil {
				t.Errorf("takes %q", address)
			}
		}
		if m.auth != AuthBasic && m.auth != AuthPost {
			t.Errorf("auth %q", m.auth)
		}
		if _, err := new(Settings).request(m.authorization, login.Departure{}, kept{}); err != nil {
			t.Errorf("no departure to %q: %v", m.authorization, err)
		}
	})
}

func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AA"}, null, 7]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := parseKeySet(body)
		if err == nil && len(set) == 0 {
			t.Error("a set without keys")
		}
		for _, key := range set {
			if strings.HasPrefix(key.Algorithm, "HS") || key.Algorithm == "none" {
				t.Errorf("a key for %s", key.Algorithm)
			}
		}
	})
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte(`{"access_token":"at","token_type":"bearer","id_token":"a.b.c"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseTokens(body)
		if err == nil && (got.id == "" || strings.ContainsAny(got.access.Reveal(), "\r\n \x00")) {
			t.Errorf("id token %q, access token %q", got.id, got.access.Reveal())
		}
	})
}

func FuzzIDToken(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiJ9.e30.AA", []byte(`{"iss":"https://idp.example.com","aud":"caddy","sub":"a","exp":2,"iat":1,"nonce":"n"}`))
	f.Fuzz(func(t *testing.T, raw string, payload []byte) {
		if jws, err := parseIDToken(raw); err == nil {
			if _, err := new(expected).verify(jws, oauth.VerifyKey{}, time.Unix(1, 0)); err == nil {
				t.Error("verified by no key")
			}
		}
		claims, err := oauth.DecodeObject(payload)
		e := expected{issuer: fuzzIssuer, clientID: "caddy", nonce: "n"}
		if err != nil || e.checkParties(claims) != nil || checkTimes(claims, time.Unix(1, 0)) != nil || e.checkHash(claims, oauth.ES256) != nil {
			return
		}
		if claims["iss"] != fuzzIssuer || claims["sub"] == "" {
			t.Errorf("takes %s", payload)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add("code=c&state=s&iss=https%3A%2F%2Fidp.example.com", `{"s":"s","n":"n","v":"v"}`)
	f.Add("error=access_denied&state=s", `{"s":"s","n":"n","v":"v"}`)
	f.Fuzz(func(t *testing.T, raw, keep string) {
		query, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		k, err := parseKept(keep)
		if err != nil {
			return
		}
		code, _, err := readAnswer(query, k, fuzzIssuer, true)
		if (err == nil) == code.Empty() {
			t.Errorf("code %q, %v", code.Reveal(), err)
		}
		if err == nil && (query.Get("state") != k.State || query.Get("iss") != fuzzIssuer || query.Has("error")) {
			t.Errorf("takes %q for %q", raw, keep)
		}
	})
}

func FuzzPerson(f *testing.F) {
	f.Add([]byte(`{"sub":"a:b","email":"a@example.com","email_verified":true,"address":{"country":"CH"},"groups":["a",{"b":[1]}]}`))
	settings := Settings{IDClaim: "sub", Claims: map[string]string{"groups": "groups", "email": "upn"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		theirs, err := oauth.DecodeObject(body)
		if err != nil {
			return
		}
		p, err := settings.read(theirs, "corp")
		if err != nil {
			return
		}
		if p.id == "" || len(p.id) > 250 || strings.ContainsFunc(p.id, func(r rune) bool { return r < ' ' || r > '~' || r == ':' }) {
			t.Errorf("id %q", p.id)
		}
		if p.username == "" || len(p.username) > login.MaxUsernameBytes {
			t.Errorf("username %q", p.username)
		}
		for name := range p.claims {
			if login.ProtocolClaim(name) {
				t.Errorf("sets %s", name)
			}
		}
		if _, err := json.Marshal(p.claims); err != nil {
			t.Error(err)
		}
	})
}
