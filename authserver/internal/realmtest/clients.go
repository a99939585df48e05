package realmtest

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// The resources that the clients may ask tokens for.
const (
	// API is their default.
	API   = "https://api.example.com"
	Files = "https://files.example.com"
	// Callback is the redirect URI of every client that has one.
	Callback = "https://app.example.com/callback"
	// Goodbye is where each of them may send people who have signed out.
	Goodbye = "https://app.example.com/bye"
)

// Secret is the secret of a confidential client.
func Secret(clientID string) string { return "secret of " + clientID }

// clients gives the registered clients: web and other are confidential and may
// do everything, static is like web but its refresh tokens do not rotate, once
// gets none, opaque has opaque access tokens; spa is public; machine has client
// credentials only; api and files are the resource servers.
func (w *World) clients() []store.Client {
	user := []string{
		oauth.GrantAuthorizationCode, oauth.GrantPassword, oauth.GrantRefreshToken,
		oauth.GrantClientCredentials, oauth.GrantImplicit,
	}
	web, other := w.client("web", user), w.client("other", user)
	static, once, opaque := w.client("static", user), w.client("once", user), w.client("opaque", user)
	static.Refresh.Rotate = false
	once.Refresh.Issue = false
	opaque.AccessTokenFormat = oauth.FormatOpaque
	spa := w.client("spa", []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken})
	spa.Public, spa.PKCEOptional, spa.Secrets = true, false, nil
	return []store.Client{
		web, other, static, once, opaque, spa,
		w.client("machine", []string{oauth.GrantClientCredentials}),
		w.client(API, nil),
		w.client(Files, nil),
	}
}

func (w *World) client(id string, grants []string) store.Client {
	return store.Client{
		ID:            id,
		Name:          "Client " + id,
		Secrets:       []store.SecretDigest{w.Hasher.Digest(oauth.NewSecret(Secret(id)))},
		RedirectURIs:  []string{Callback},
		Grants:        grants,
		ResponseModes: []string{oauth.ResponseModeQuery, oauth.ResponseModeFragment, oauth.ResponseModeFormPost},
		Scopes:        oauth.Scope{"openid", "profile", "email", "offline_access", "read", "write"},
		DefaultScopes: oauth.Scope{"read"},
		Resources:     []string{API, Files},
		Audience:      API,
		PKCEOptional:  true,

		PostLogoutRedirectURIs: []string{Goodbye},

		AccessTokenLifetime: 10 * time.Minute,
		AccessTokenFormat:   oauth.FormatJWT,
		IDTokenAlgorithm:    oauth.ES256,
		IDTokenLifetime:     10 * time.Minute,
		CodeLifetime:        time.Minute,
		Refresh: store.RefreshPolicy{
			Issue: true, Rotate: true,
			Lifetime: 30 * 24 * time.Hour, Idle: 7 * 24 * time.Hour, Grace: 10 * time.Second,
		},
	}
}
