package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OpenID Connect Core §3.1.2.1, RFC 7636 §4, RFC 9700 §2.1.1

// Depart gives the address of an authorization request: the code flow with PKCE,
// state and nonce, each of them new.
func (s *Service) Depart(ctx context.Context, d login.Departure) (location, keep string, err error) {
	if s.store == nil {
		return "", "", errUnbound
	}
	m, err := s.provider.discover(ctx, s.now())
	if err != nil {
		s.provider.outage.note(ctx, s.log, err, s.now())
		return "", "", s.fault(err)
	}
	k := kept{State: rand.Text(), Nonce: rand.Text(), Verifier: newVerifier(), Issuer: s.settings.Issuer, ClientID: s.settings.ClientID}
	if d.Again {
		k.Again = s.now().Unix()
	}
	text, err := json.Marshal(k)
	if err == nil && len(text) > login.MaxKept {
		err = fmt.Errorf("more than %d bytes to keep: issuer and client_id are too long", login.MaxKept)
	}
	if err != nil {
		return "", "", s.fault(err)
	}
	location, err = s.settings.request(m.authorization, d, k)
	return location, string(text), err
}

// newVerifier makes a code_verifier of 256 bits (RFC 7636 §7.1).
func newVerifier() string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// request is the address of an authorization request.
func (s *Settings) request(endpoint string, d login.Departure, k kept) (string, error) {
	at, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	challenge := sha256.Sum256([]byte(k.Verifier))
	query := at.Query()
	for name, value := range map[string]string{
		"response_type": oauth.ResponseTypeCode, "client_id": s.ClientID, "redirect_uri": d.Callback,
		"scope": strings.Join(s.Scopes, " "), "state": k.State, "nonce": k.Nonce,
		"code_challenge":        base64.RawURLEncoding.EncodeToString(challenge[:]),
		"code_challenge_method": oauth.PKCEMethodS256,
	} {
		query.Set(name, value)
	}
	if d.Again {
		query.Set("prompt", "login")
		query.Set("max_age", "0")
	}
	if d.Hint != "" && len(d.Hint) <= login.MaxUsernameBytes && !strings.ContainsFunc(d.Hint, unicode.IsControl) {
		query.Set("login_hint", d.Hint)
	}
	if languages := strings.Join(d.Languages[:min(len(d.Languages), 10)], " "); languages != "" && len(languages) <= 200 {
		query.Set("ui_locales", languages)
	}
	at.RawQuery = query.Encode()
	return at.String(), nil
}
