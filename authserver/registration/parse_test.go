package registration_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
)

const whole = `{"id":"web","name":"Web","secrets":["s3cret"],"auth_method":"client_secret_post",
	"redirect_uris":["https://app.test/cb"],"grants":["authorization_code"],"scopes":["a"],"default_scopes":["a"],
	"resources":["https://api.test"],"access_token":{"lifetime":"1h","format":"opaque"},
	"refresh_token":{"lifetime":-1,"grace":"0s","rotate":false},"id_token":{"algorithm":"ES256"},"code_lifetime":"30s",
	"rate_limit":{"requests":100,"per":"1m"},"token_quota":{"tokens":5,"per":"1d"},"cors_origins":["https://app.test"]}`

func TestARegistrationIsReadStrictly(t *testing.T) {
	c, err := registration.Parse([]byte(whole))
	if err != nil || c.ID != "web" || c.RateLimit.Requests != 100 || *c.RefreshToken.Rotate {
		t.Errorf("%+v, %v", c, err)
	}
	for text, want := range map[string]string{
		`{"id":"web","secret":"s3cret"}`:          `"secret" is no member`,
		`{"id":"web","grants":"s3cret"}`:          "grants is no list",
		`{"id":7}`:                                "id is no text",
		`{"access_token":{"lifetime":"s3"}}`:      `"s3" is no duration`,
		`{"access_token":"s3cret"}`:               "access_token is no object",
		`{"rate_limit":{"requests":"s3cret"}}`:    "rate_limit.requests is no whole number",
		`{"public":"s3cret"}`:                     "public is no true or false",
		`{"secrets":["s3cret",]}`:                 "no JSON",
		`["s3cret"]`:                              "no JSON object",
		`{"id":"web"`:                             "ends before",
		``:                                        "ends before",
		`{"id":"web"} {"secrets":["s3cret"]}`:     "behind the JSON object",
		`{"id":"web","secrets":[{"x":"s3cret"}]}`: "secrets is no text",
	} {
		_, err := registration.Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want something with %q", text, err, want)
		}
	}
}

// Whatever stands in a document is an error or a registration, which is written
// as what it was read from; and nothing of it makes the rules stumble.
func FuzzRegistration(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"id":"spa","public":true,"grants":["authorization_code"],"redirect_uris":["http://127.0.0.1/cb"],"disabled":true}`))
	f.Add([]byte(`{"id":"x","access_token":null,"code_lifetime":9223372036854775807}`))
	defaults, err := registration.RealmTokens{Issuer: "https://auth.test"}.Defaults()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := registration.Parse(text)
		if err != nil {
			return
		}
		written, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		again, err := registration.Parse(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if rewritten, err := json.Marshal(again); err != nil || !reflect.DeepEqual(rewritten, written) {
			t.Fatalf("%s\nis read as\n%s, %v", written, rewritten, err)
		}
		client, err := first.Resolve(defaults)
		if err == nil {
			_ = registration.Check(&client, everything)
			_ = registration.Warnings(&client)
		}
	})
}
