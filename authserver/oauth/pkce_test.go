package oauth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// The pair of RFC 7636 Appendix B.
const (
	pkceVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	pkceChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func isInvalidRequest(err error) bool {
	var e *oauth.Error
	return errors.As(err, &e) && e.Code == oauth.CodeInvalidRequest && e.Status == 400
}

func TestAS8_ChallengeRules(t *testing.T) {
	for _, test := range []struct {
		name, challenge, method string
		required, ok            bool
	}{
		{"S256", pkceChallenge, "S256", true, true},
		{"S256 where optional", pkceChallenge, "S256", false, true},
		{"none where required", "", "", true, false},
		{"none where optional", "", "", false, true},
	} {
		if err := oauth.CheckChallenge(test.challenge, test.method, test.required); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestA9_BadChallenges(t *testing.T) {
	for _, test := range []struct{ name, challenge, method string }{
		{"plain", pkceVerifier, "plain"},
		{"method left out, which means plain", pkceChallenge, ""},
		{"method in lower case", pkceChallenge, "s256"},
		{"unknown method", pkceChallenge, "S512"},
		{"method without challenge", "", "S256"},
		{"42 characters", pkceChallenge[:42], "S256"},
		{"44 characters", pkceChallenge + "A", "S256"},
		{"129 characters", strings.Repeat("A", 129), "S256"},
		{"padding", pkceChallenge[:42] + "=", "S256"},
		{"standard alphabet", strings.ReplaceAll(pkceChallenge, "-", "+"), "S256"},
		{"illegal character", "." + pkceChallenge[1:], "S256"},
		{"line break that a lax decoder skips", pkceChallenge[:41] + "A\n", "S256"},
		{"bits beyond the 256th", pkceChallenge[:42] + "N", "S256"},
	} {
		for _, required := range []bool{true, false} {
			if err := oauth.CheckChallenge(test.challenge, test.method, required); !isInvalidRequest(err) {
				t.Errorf("%s, required %v: %v, want invalid_request", test.name, required, err)
			}
		}
	}
}

func TestAS10_VerifierGrammar(t *testing.T) {
	for _, good := range []string{"", pkceVerifier, strings.Repeat("a", 43), strings.Repeat("~", 128), "-._~" + strings.Repeat("Z9", 20)} {
		if err := oauth.CheckVerifierSyntax(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"a", strings.Repeat("a", 42), strings.Repeat("a", 129), strings.Repeat("a", 42) + "+", strings.Repeat("a", 42) + "=",
		strings.Repeat("a", 42) + " ", strings.Repeat("a", 42) + "\n", strings.Repeat("a", 42) + "é", strings.Repeat("a", 43) + "\x00",
	} {
		if err := oauth.CheckVerifierSyntax(bad); !isInvalidRequest(err) {
			t.Errorf("%q: %v, want invalid_request", bad, err)
		}
	}
}

func TestA10_VerifierMustAnswerTheChallenge(t *testing.T) {
	if !oauth.VerifyPKCE(pkceChallenge, pkceVerifier) {
		t.Error("the pair of RFC 7636 Appendix B does not verify")
	}
	for name, verifier := range map[string]string{
		"omitted": "", "wrong": strings.Repeat("a", 43), "the challenge itself": pkceChallenge, "one letter off": pkceVerifier[:42] + "K",
	} {
		if oauth.VerifyPKCE(pkceChallenge, verifier) {
			t.Errorf("%s: verifies", name)
		}
	}
	if !oauth.VerifyPKCE("", "") {
		t.Error("a code without a challenge needs no verifier")
	}
}

func TestAS9_VerifierWithoutChallengeIsADowngrade(t *testing.T) {
	if oauth.VerifyPKCE("", pkceVerifier) {
		t.Error("a verifier was accepted for a code that was issued without a challenge")
	}
}
