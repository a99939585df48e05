package oidc_test

import (
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/oidc"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestSettingsThatCannotWork(t *testing.T) {
	good := func() oidc.Settings {
		return oidc.Settings{Issuer: "https://idp.example.com/", ClientID: "caddy"}
	}
	service, err := oidc.Open(good())
	if err != nil || service.Label() != "idp.example.com" {
		t.Fatalf("%v, label %q", err, service.Label())
	}
	for says, change := range map[string]func(*oidc.Settings){
		"must use https":                      func(s *oidc.Settings) { s.Issuer = "http://idp.example.com" },
		"is empty":                            func(s *oidc.Settings) { s.Issuer = "" },
		"must not end in a slash":             func(s *oidc.Settings) { s.Issuer = "https://idp.example.com//" },
		"more than 500":                       func(s *oidc.Settings) { s.Issuer = "https://idp.example.com/" + strings.Repeat("a", 500) },
		"query":                               func(s *oidc.Settings) { s.Issuer = "https://idp.example.com?a=b" },
		"has no client_id":                    func(s *oidc.Settings) { s.ClientID = "" },
		"too long":                            func(s *oidc.Settings) { s.ClientID = strings.Repeat("a", 501) },
		`auth is basic or post, not "jwt"`:    func(s *oidc.Settings) { s.Auth = "jwt" },
		"auth post needs a client_secret":     func(s *oidc.Settings) { s.Auth = oidc.AuthPost },
		"openid":                              func(s *oidc.Settings) { s.Scopes = []string{"profile"} },
		"label":                               func(s *oidc.Settings) { s.Label = "a\nb" },
		"claim scope belongs to the protocol": func(s *oidc.Settings) { s.Claims = map[string]string{"scope": "roles"} },
		"needs two names":                     func(s *oidc.Settings) { s.Claims = map[string]string{"groups": ""} },
		"allow takes a claim":                 func(s *oidc.Settings) { s.Allow = []oidc.Condition{{Claim: "hd"}} },
		"would allow everybody":               func(s *oidc.Settings) { s.Allow = []oidc.Condition{{Claim: "hd", Values: []string{"*"}}} },
		"negative":                            func(s *oidc.Settings) { s.Recheck = -1 },
	} {
		settings := good()
		settings.ClientSecret = oauth.Secret{}
		change(&settings)
		if _, err := oidc.Open(settings); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v\nwant %q", err, says)
		}
	}
}
