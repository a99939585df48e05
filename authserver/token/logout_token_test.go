package token_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func TestLogoutTokenGolden(t *testing.T) {
	m := newMinter()
	logout := token.LogoutToken{ClientID: "myClient", Subject: "demo", SessionID: "s-1", IssuedAt: start}
	jti := regexp.MustCompile(`"jti":"[A-Z2-7]{26}",`)
	for _, algorithm := range algorithms {
		text, err := m.MintLogout(logout, algorithm)
		if err != nil {
			t.Fatal(err)
		}
		const want = `{"aud":"myClient","events":{"http://schemas.openid.net/event/backchannel-logout":{}},` +
			`"exp":1800000120,"iat":1800000000,"iss":"https://auth.example.com/oauth2","sid":"s-1","sub":"demo"}`
		payload := payloadOf(t, text)
		if got := jti.ReplaceAllString(payload, ""); got != want || got == payload {
			t.Errorf("payload\n%s\nwant\n%s and a jti", payload, want)
		}
		jws, err := oauth.ParseJWS(text.Reveal())
		if err != nil || jws.Type != "logout+jwt" || jws.Algorithm != algorithm {
			t.Errorf("%+v, %v", jws, err)
		}
		again, err := m.MintLogout(logout, algorithm)
		if err != nil || payloadOf(t, again) == payload {
			t.Errorf("two logout tokens have one jti (%v)", err)
		}
		// It is no ID token and no access token.
		if _, err := m.ReadHint(text); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("as a hint: %v", err)
		}
		if _, err := m.OpenAccess(text, start); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("as an access token: %v", err)
		}
	}
	for name, spoil := range map[string]func(*token.LogoutToken){
		"client":  func(l *token.LogoutToken) { l.ClientID = "" },
		"subject": func(l *token.LogoutToken) { l.Subject = "" },
		"session": func(l *token.LogoutToken) { l.SessionID = "" },
		"time":    func(l *token.LogoutToken) { l.IssuedAt = time.Time{} },
	} {
		bad := logout
		spoil(&bad)
		if _, err := m.MintLogout(bad, oauth.ES256); err == nil || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("without a %s: %v", name, err)
		}
	}
}

func TestReadHintSaysTheSession(t *testing.T) {
	m := newMinter()
	for _, sid := range []string{"s-1", ""} {
		id := idToken()
		id.SessionID = sid
		hint, err := m.ReadHint(mintID(t, m, id, oauth.ES256))
		if err != nil || hint != (token.Hint{Subject: id.Subject, ClientID: id.ClientID, SessionID: sid}) {
			t.Errorf("%+v, %v", hint, err)
		}
	}
}
