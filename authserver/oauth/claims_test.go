package oauth_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func mustParseClaims(t *testing.T, raw string) oauth.ClaimsRequest {
	t.Helper()
	request, err := oauth.ParseClaimsRequest(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return request
}

func TestParseClaimsRequest(t *testing.T) {
	request := mustParseClaims(t, `{
		"userinfo": {"given_name": {"essential": true}, "nickname": null, "http://example.info/claims/groups": null},
		"id_token": {"auth_time": {"essential": true}, "acr": {"values": ["a", "b"]}, "sub": {"value": "alice"}, "x": {"value": 7, "unknown": []}},
		"later": 1
	}`)
	if got := slices.Sorted(maps.Keys(request.UserInfo)); !slices.Equal(got, []string{"given_name", "http://example.info/claims/groups", "nickname"}) {
		t.Errorf("userinfo asks for %v", got)
	}
	if !request.UserInfo["given_name"].Essential || request.UserInfo["nickname"].Essential {
		t.Error("essential was read wrongly")
	}
	for _, test := range []struct {
		name, value string
		want        bool
	}{
		{"acr", "a", true}, {"acr", "b", true}, {"acr", "c", false},
		{"sub", "alice", true}, {"sub", "Alice", false},
		{"x", "7", true}, {"auth_time", "anything", true}, {"never named", "anything", true},
	} {
		if got := request.IDToken[test.name].Accepts(test.value); got != test.want {
			t.Errorf("%s accepts %q: %v, want %v", test.name, test.value, got, test.want)
		}
	}
	if empty := mustParseClaims(t, ""); empty.Encode() != "" {
		t.Error("nothing was asked for, and something came of it")
	}
}

func TestParseClaimsRequest_Malformed(t *testing.T) {
	for _, raw := range []string{
		"x", "null", "[]", `"id_token"`, `{"id_token":[]}`, `{"userinfo":"email"}`, `{"id_token":{"sub":"alice"}}`,
		`{"id_token":{"acr":{"values":"a"}}}`, `{"id_token":{"acr":{"essential":"true"}}}`,
		`{"id_token":{},"id_token":{}}`, `{"id_token":{"sub":null,"sub":null}}`, `{"id_token":{}} x`,
		`{"id_token":{"` + strings.Repeat("x", oauth.MaxClaimsBytes) + `":null}}`,
		strings.Repeat(`{"id_token":`, 1000),
	} {
		if _, err := oauth.ParseClaimsRequest(raw); !isInvalidRequest(err) {
			t.Errorf("%.60s: %v, want invalid_request", raw, err)
		}
	}
}

func TestAS33_ClaimsByNameStayWithinTheClientsScopes(t *testing.T) {
	request := mustParseClaims(t, `{"id_token":{"email":null,"phone_number":null,"department":null},"userinfo":{"phone_number":null,"address":null}}`)
	got := request.Restrict(oauth.Scope{"openid", "email"})
	if want := `{"id_token":{"department":null,"email":null},"userinfo":{}}`; got.Encode() != want {
		t.Errorf("restricted to %s, want %s", got.Encode(), want)
	}
	again := mustParseClaims(t, got.Encode())
	if again.Encode() != got.Encode() {
		t.Errorf("read back as %s", again.Encode())
	}
	if len(request.IDToken) != 3 {
		t.Error("Restrict changed the request itself")
	}
	if all := request.Restrict(nil).Restrict(nil); all.Encode() != `{"id_token":{"department":null},"userinfo":{}}` {
		t.Errorf("without scopes %s is left", all.Encode())
	}
}

func TestAS33_WhatWasNotThereIsNotAgreedTo(t *testing.T) {
	request := mustParseClaims(t, `{"id_token":{"salary":null,"email":null},"userinfo":{"salary":null}}`)
	if got := request.Known(map[string]any{"email": "a@b.test"}); got.Encode() != `{"id_token":{"email":null},"userinfo":{}}` {
		t.Errorf("known are %s", got.Encode())
	}
	if len(request.IDToken) != 2 {
		t.Error("Known changed the request itself")
	}
}

func TestAS33_ClaimsBeyondTheScopeAreKnownForConsent(t *testing.T) {
	known := map[string]any{"email": "a@b.test", "name": "Alice", "department": "sales"}
	request := mustParseClaims(t, `{"id_token":{"email":null,"department":null,"secret":null},"userinfo":{"email":null,"name":null}}`)
	for _, test := range []struct {
		scope oauth.Scope
		want  []string
	}{
		{oauth.Scope{"openid"}, []string{"department", "email", "name"}},
		{oauth.Scope{"openid", "profile", "email"}, []string{"department"}},
	} {
		if got := request.Beyond(test.scope, known); !slices.Equal(got, test.want) {
			t.Errorf("beyond %v: %v, want %v", test.scope, got, test.want)
		}
	}
}

func TestSelectClaims(t *testing.T) {
	known := map[string]any{"email": "a@b.test", "email_verified": true, "name": "Alice", "department": "sales", "phone_number": "1"}
	for _, test := range []struct {
		name      string
		scope     oauth.Scope
		requested string
		want      []string
	}{
		{"nothing asked", oauth.Scope{"openid"}, "", nil},
		{"scopes stand for claims", oauth.Scope{"openid", "profile", "email"}, "", []string{"email", "email_verified", "name"}},
		{"by name", oauth.Scope{"openid"}, `{"userinfo":{"department":null,"email":{"essential":true}}}`, []string{"department", "email"}},
		{"unknown claims are left out, essential or not", nil, `{"userinfo":{"birthdate":{"essential":true}}}`, nil},
		{"own scopes stand for nothing", oauth.Scope{"orders:read"}, "", nil},
	} {
		got := oauth.SelectClaims(known, test.scope, mustParseClaims(t, test.requested).UserInfo)
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, test.want) {
			t.Errorf("%s: %v, want %v", test.name, names, test.want)
		}
		for name, value := range got {
			if value != known[name] {
				t.Errorf("%s: %s is %v", test.name, name, value)
			}
		}
	}
}

func TestStandardClaims(t *testing.T) {
	list := oauth.StandardClaims()
	if len(list) != 19 || list[0] != "name" || list[len(list)-1] != "phone_number_verified" {
		t.Errorf("standard claims are %v", list)
	}
	if slices.Contains(list, "sub") {
		t.Error("sub is the protocol's own, no scope's")
	}
}

func FuzzParseClaimsRequest(f *testing.F) {
	f.Add(`{"id_token":{"sub":{"value":"alice"},"acr":{"essential":true,"values":["a"]}},"userinfo":{"email":null}}`)
	f.Add(`{"id_token":{"\ud800":null}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		request, err := oauth.ParseClaimsRequest(raw)
		if err != nil {
			if !isInvalidRequest(err) {
				t.Fatalf("%v is not invalid_request", err)
			}
			return
		}
		again, err := oauth.ParseClaimsRequest(request.Encode())
		if err != nil && len(request.Encode()) <= oauth.MaxClaimsBytes {
			t.Fatalf("%q is encoded as %q: %v", raw, request.Encode(), err)
		}
		if err == nil && again.Encode() != request.Encode() {
			t.Fatalf("%q became %q", request.Encode(), again.Encode())
		}
	})
}
