package introspect

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// FuzzReadAnswer: whatever an endpoint says, the outcome is a token with a
// subject, a refusal or a fault.
func FuzzReadAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"active":true,"sub":"a","aud":"x","exp":2000000000}`, `{"active":false}`, `{"active":"true"}`, `{"active":true,"client_id":"c"}`,
		`{"active":true,"sub":"a","cnf":{"jkt":"x"},"token_type":"DPoP"}`, `[]`, `{"active":true,"active":false}`, `{"active":true,"username":"u","client_id":"c"}`,
	} {
		f.Add([]byte(seed))
	}
	foreign := Foreign{URL: "https://idp.example.com", Now: func() time.Time { return time.Unix(1e9, 0) }}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := oauth.DecodeObject(body)
		if err != nil {
			return
		}
		token, err := foreign.readAnswer(answer)
		judge(t, token, err)
		if err == nil && answer["active"] != true {
			t.Errorf("active is %v", answer["active"])
		}
	})
}

// FuzzOpenSigned: without the issuer's signature no answer is opened.
func FuzzOpenSigned(f *testing.F) {
	for _, seed := range []string{"", "a.b.c", "a.b.c.d.e", "eyJhbGciOiJFUzI1NiIsInR5cCI6InRva2VuLWludHJvc3BlY3Rpb24rand0In0.e30.AA", "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(seed)
	}
	foreign := Foreign{URL: "https://idp.example.com", Now: func() time.Time { return time.Unix(1e9, 0) }}.withDefaults()
	keys := func(context.Context, *oauth.JWS) error { return refuse(ReasonSignature) }
	f.Fuzz(func(t *testing.T, body string) {
		answer, err := foreign.openSigned(t.Context(), body, keys)
		if err == nil || answer != nil {
			t.Errorf("opened %q", body)
		}
		if err != nil && len(body) > 1000 && strings.Contains(err.Error(), body) {
			t.Error("the error quotes the answer")
		}
	})
}

func judge(t *testing.T, token *Token, err error) {
	t.Helper()
	var refusal *Refusal
	switch {
	case err == nil && (token == nil || token.Subject == "" || token.Issuer != "https://idp.example.com"):
		t.Errorf("a good token %+v", token)
	case err != nil && !isFault(err) && !errors.As(err, &refusal):
		t.Errorf("neither fault nor refusal: %v", err)
	}
}
