package store

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// SessionKind keeps browser sessions and those of /json/authenticate apart:
// one is never accepted where the other is asked for.
type SessionKind int

const (
	// SessionBrowser lives in a cookie that we set.
	SessionBrowser SessionKind = 1
	// SessionJSON was handed out by /json/authenticate.
	SessionJSON SessionKind = 2
)

// Session is one sign-in of a user.
type Session struct {
	// Digest is the hex SHA-256 of the cookie value: its key.
	Digest string
	// ID is the public name of the session (sid), unrelated to the cookie.
	ID      string
	Realm   string
	Kind    SessionKind
	Account Account
	Subject string
	// AuthTime, ACR and AMR say when and how the user signed in.
	AuthTime             time.Time
	ACR                  string
	AMR                  []string
	Created              time.Time
	IdleExpires, Expires time.Time
	// Source is the address that the user signed in from, and Device the browser and
	// system in a few words; "" when they are not known.
	Source, Device string
}

// Consent is what a user has agreed to for one client.
type Consent struct {
	Realm, Subject, ClientID string
	Scope                    oauth.Scope
	Resources                []string
	Updated                  time.Time
}
