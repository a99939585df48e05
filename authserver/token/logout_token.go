package token

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OpenID Connect Back-Channel Logout §2.4

// LogoutTokenLifetime is how long a client may take a logout token.
const LogoutTokenLifetime = 2 * time.Minute

// logoutEvent is what a logout token is about.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// LogoutToken is what a client is told of the end of a session.
type LogoutToken struct {
	ClientID, Subject, SessionID string
	IssuedAt                     time.Time
}

// MintLogout signs a logout token with the realm's key of algorithm. Each has a
// jti of its own: one that is sent again because the answer was lost is no replay.
func (m *Minter) MintLogout(logout LogoutToken, algorithm string) (oauth.Secret, error) {
	if err := checkSubject(logout.Subject); err != nil {
		return oauth.Secret{}, fmt.Errorf("no logout token for client %q: %w", logout.ClientID, err)
	}
	if logout.ClientID == "" || logout.SessionID == "" || logout.IssuedAt.IsZero() {
		return oauth.Secret{}, errors.New("a logout token needs a client, a session and a time")
	}
	text, err := m.sign(algorithm, typeLogout, map[string]any{
		"iss": m.issuer, "aud": logout.ClientID, "sub": logout.Subject, "sid": logout.SessionID,
		"iat": logout.IssuedAt.Unix(), "exp": logout.IssuedAt.Add(LogoutTokenLifetime).Unix(), "jti": rand.Text(),
		"events": map[string]any{logoutEvent: struct{}{}},
	})
	if err != nil {
		return oauth.Secret{}, err
	}
	return oauth.NewSecret(text), nil
}
