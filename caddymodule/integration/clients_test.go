package integration

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// The style is pinned: left alone, golang.org/x/oauth2 tries the other one in
// silence when the first fails.
var authStyles = map[string]oauth2.AuthStyle{
	"client_secret_basic": oauth2.AuthStyleInHeader,
	"client_secret_post":  oauth2.AuthStyleInParams,
}

func (w *world) oauth2Config(issuer string, style oauth2.AuthStyle, scopes ...string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: "myClient", ClientSecret: "forgerock", Scopes: scopes,
		RedirectURL: "http://127.0.0.1:49152/callback",
		Endpoint: oauth2.Endpoint{
			AuthURL: issuer + "/authorize", TokenURL: issuer + "/access_token", AuthStyle: style,
		},
	}
}

func TestTheGoOAuth2ClientCompletesEveryGrant(t *testing.T) {
	w := startExample(t)
	for styleName, style := range authStyles {
		for name, r := range w.documentRealms() {
			t.Run(name+" with "+styleName, func(t *testing.T) {
				ctx := t.Context()
				config := w.oauth2Config(r.oauth2, style, "openid", "write")

				verifier, state := oauth2.GenerateVerifier(), "s t&a=te"
				answer := newBrowser(t, w.auth).authorize(config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), "demo", "Ch4ng31t")
				if answer.Get("state") != state || answer.Get("iss") != r.oauth2 {
					t.Fatalf("answered with %v", answer)
				}
				if _, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
					t.Error("another verifier redeemed the code")
				}
				answer = newBrowser(t, w.auth).authorize(config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), "demo", "Ch4ng31t")
				token, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
				if err != nil {
					t.Fatal(err)
				}
				wantIdentity(t, w.api+"/write", token.AccessToken, "demo", "openid write")

				stale := *token
				stale.AccessToken = ""
				refreshed, err := config.TokenSource(ctx, &stale).Token()
				if err != nil || refreshed.RefreshToken == token.RefreshToken {
					t.Fatalf("refresh: %v", err)
				}
				wantIdentity(t, w.api+"/write", refreshed.AccessToken, "demo", "openid write")

				byPassword, err := config.PasswordCredentialsToken(ctx, "demo", "Ch4ng31t")
				if err != nil {
					t.Fatal(err)
				}
				wantIdentity(t, w.api+"/write", byPassword.AccessToken, "demo", "openid write")

				machine := clientcredentials.Config{
					ClientID: "myClient", ClientSecret: "forgerock", Scopes: []string{"write"},
					TokenURL: r.oauth2 + "/access_token", AuthStyle: style,
				}
				byClient, err := machine.Token(ctx)
				if err != nil || byClient.RefreshToken != "" {
					t.Fatalf("client credentials: %v", err)
				}
				wantIdentity(t, w.api+"/write", byClient.AccessToken, "myClient", "write")
			})
		}
	}
}

func TestGoOIDCVerifiesOurIDTokens(t *testing.T) {
	w := startExample(t)
	for name, r := range w.documentRealms() {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			provider, err := oidc.NewProvider(ctx, r.oauth2)
			if err != nil {
				t.Fatal(err)
			}
			config := w.oauth2Config(r.oauth2, oauth2.AuthStyleInHeader, "openid", "profile", "email")
			config.Endpoint = provider.Endpoint()
			config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
			verifier := oauth2.GenerateVerifier()
			answer := newBrowser(t, w.auth).authorize(
				config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n-0S6_WzA2Mj")), "demo", "Ch4ng31t")
			token, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := token.Extra("id_token").(string)
			idToken, err := provider.Verifier(&oidc.Config{ClientID: "myClient"}).Verify(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			if idToken.Nonce != "n-0S6_WzA2Mj" || idToken.Subject != "demo" {
				t.Errorf("nonce %q, sub %q", idToken.Nonce, idToken.Subject)
			}
			if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
				t.Errorf("at_hash: %v", err)
			}
			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
			if err != nil {
				t.Fatal(err)
			}
			if info.Subject != "demo" || info.Email != "demo@example.com" || !info.EmailVerified {
				t.Errorf("userinfo: %+v", info)
			}

			// A refreshed ID token is the same user's, by the same sign-in.
			stale := *token
			stale.AccessToken = ""
			refreshed, err := config.TokenSource(ctx, &stale).Token()
			if err != nil {
				t.Fatal(err)
			}
			raw, _ = refreshed.Extra("id_token").(string)
			again, err := provider.Verifier(&oidc.Config{ClientID: "myClient"}).Verify(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			if first, second := authTime(t, idToken), authTime(t, again); first != second || again.Subject != idToken.Subject {
				t.Errorf("auth_time %v became %v, sub %s", first, second, again.Subject)
			}
		})
	}
}

func authTime(t *testing.T, token *oidc.IDToken) json.Number {
	t.Helper()
	var claims struct {
		AuthTime json.Number `json:"auth_time"`
	}
	if err := token.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	return claims.AuthTime
}

func TestSignInWithAWrongPasswordStaysOnThePageAndDenySaysSo(t *testing.T) {
	w := startExample(t)
	b := newBrowser(t, w.auth)
	config := w.oauth2Config(w.auth+"/oauth2", oauth2.AuthStyleInHeader, "openid")
	at := b.open(config.AuthCodeURL("s1"))
	at = b.submit(at, map[string]string{"username": "demo", "password": "wrong"})
	if at.left {
		t.Fatalf("a wrong password led to %s", at.url)
	}
	at = b.submit(at, map[string]string{"username": "demo", "password": "Ch4ng31t"})
	at = b.submit(at, map[string]string{"decision": "deny"})
	if query := at.url.Query(); !at.left || query.Get("error") != "access_denied" || query.Get("state") != "s1" || query.Get("iss") != w.auth+"/oauth2" {
		t.Fatalf("deny led to %s", at.url)
	}
	// Signed in now: consent again, but no password.
	at = b.open(config.AuthCodeURL("s2"))
	at = b.submit(at, map[string]string{"decision": "allow"})
	if !at.left || at.url.Query().Get("code") == "" {
		t.Fatalf("allow led to %s", at.url)
	}
	// Remembered: straight to the answer.
	at = b.open(config.AuthCodeURL("s3"))
	if !at.left || at.url.Query().Get("code") == "" {
		t.Fatalf("the remembered consent was asked for again at %s", at.url)
	}
}

func TestPG19_PromptNoneNeverShowsAPage(t *testing.T) {
	w := startExample(t)
	config := w.oauth2Config(w.auth+"/oauth2", oauth2.AuthStyleInHeader, "openid")
	b := newBrowser(t, w.auth)
	none := oauth2.SetAuthURLParam("prompt", "none")
	if at := b.open(config.AuthCodeURL("s", none)); at.url.Query().Get("error") != "login_required" {
		t.Errorf("signed out: %s", at.url)
	}
	b.authorize(config.AuthCodeURL("s"), "demo", "Ch4ng31t")
	if at := b.open(config.AuthCodeURL("s", none)); at.url.Query().Get("code") == "" {
		t.Errorf("signed in and agreed: %s", at.url)
	}
}

func TestPG18_PromptLoginAsksForThePasswordAgain(t *testing.T) {
	w := startExample(t)
	config := w.oauth2Config(w.auth+"/oauth2", oauth2.AuthStyleInHeader, "openid")
	b := newBrowser(t, w.auth)
	b.authorize(config.AuthCodeURL("s"), "demo", "Ch4ng31t")
	for _, parameter := range []oauth2.AuthCodeOption{
		oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"),
	} {
		at := b.open(config.AuthCodeURL("s", parameter))
		if at.left {
			t.Fatalf("answered without a sign-in: %s", at.url)
		}
		at = b.submit(at, map[string]string{"username": "demo", "password": "Ch4ng31t"})
		if !at.left || at.url.Query().Get("code") == "" {
			t.Fatalf("after signing in again: %s\n%s", at.url, at.body)
		}
	}
}

// The whole world must not depend on what a client claims to be called by.
func TestA58_ForgedHostHeadersChangeNothing(t *testing.T) {
	w := startExample(t)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.auth+"/oauth2/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Forwarded-Host", "evil.test")
	request.Header.Set("X-Forwarded-Proto", "https")
	request.Header.Set("Forwarded", "host=evil.test;proto=https")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var document map[string]any
	if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	for name, value := range document {
		if address, ok := value.(string); ok {
			if u, err := url.Parse(address); err == nil && u.Host != "" && u.Scheme+"://"+u.Host != w.auth {
				t.Errorf("%s is %s", name, address)
			}
		}
	}
	if document["issuer"] != w.auth+"/oauth2" {
		t.Errorf("issuer is %v", document["issuer"])
	}
}
