package login_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

func TestClaimsOfJSON(t *testing.T) {
	claims, err := login.ReadClaims([]byte(`{"name":"Zoë","email_verified":true,"updated_at":1700000000,"nickname":null,
		"address":{"country":"NO"},"roles":["a",1.5],"big":12345678901234567890}`))
	want := map[string]any{
		"name": "Zoë", "email_verified": true, "updated_at": json.Number("1700000000"),
		"address": map[string]any{"country": "NO"}, "roles": []any{"a", json.Number("1.5")}, "big": json.Number("12345678901234567890"),
	}
	if err != nil || !reflect.DeepEqual(claims, want) {
		t.Errorf("%v, %v\nwant %v", claims, err, want)
	}
	for text, want := range map[string]string{
		"":                         "no JSON object",
		"[]":                       "no JSON object",
		"{}{}":                     "more than one",
		`{"sub":"a"}`:              `"sub", which belongs to the protocol`,
		`{"sid":null}`:             `"sid", which belongs to the protocol`,
		`{"name":1}`:               `"name", which must be text`,
		`{"email_verified":"yes"}`: "true or false",
		`{"updated_at":"now"}`:     "seconds since 1970",
		`{"updated_at":1.5}`:       "seconds since 1970",
		`{"address":"Oslo"}`:       "an object with texts",
		`{"address":{"x":1}}`:      "an object with texts",
		`{"a":"` + strings.Repeat("x", login.MaxClaimsBytes) + `"}`: "more than 16384 bytes",
	} {
		if claims, err := login.ReadClaims([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, %v; want %q", text, claims, err, want)
		}
	}
	if claims, err := login.ReadClaims([]byte("null")); err != nil || len(claims) != 0 {
		t.Errorf("null: %v, %v", claims, err)
	}
}

// Whatever claims are read can be stored, and are then read as the same.
func FuzzClaimsOfJSON(f *testing.F) {
	for _, seed := range []string{`{"name":"Zoë","x":[1e400,{"y":null}]}`, `{"address":{"a":"b"}}`, `{"\ud800":"\u0000"}`, "null", `{"a":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		claims, err := login.ReadClaims(text)
		if err != nil {
			return
		}
		stored, err := login.ClaimsText(claims)
		if err != nil {
			if len(text) < login.MaxClaimsBytes/6 {
				t.Fatal(err)
			}
			return
		}
		if again, err := login.ReadClaims([]byte(stored)); err != nil || !reflect.DeepEqual(again, claims) {
			t.Errorf("%q is %v, then %v: %v", text, claims, again, err)
		}
	})
}
