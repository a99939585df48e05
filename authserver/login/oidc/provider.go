package oidc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// RFC 6749 §2.3.1, §4.1.3 and §5, RFC 7636 §4.5, OpenID Connect Core §3.1.3 and §5.3

// maxCalls is how many arrivals at once may wait for a provider.
const maxCalls = 64

// errBusy is one arrival too many: the others wait for the provider.
var errBusy = errors.New("too many sign-ins wait for the provider")

// provider is how one provider is asked. All realms that use it share it.
type provider struct {
	settings Settings
	client   *http.Client
	calls    chan struct{}
	metadata document[*metadata]
	keys     document[keySet]
	outage   outage
}

func newProvider(settings Settings) *provider {
	client, _ := outbound.NewClient(outbound.Guard{
		Private: append(outbound.WrittenAddresses(settings.Issuer), settings.AllowPrivate...),
		Advice: func(address netip.Prefix) string {
			return fmt.Sprintf(", where the provider %s may not be: if it belongs there, add the line `allow_private %s` to its block", settings.Issuer, address)
		},
	}, settings.Roots, maxCalls/4)
	return &provider{settings: settings, client: client, calls: make(chan struct{}, maxCalls)}
}

// enter bounds how many wait for the provider. Who may calls leave at the end.
func (p *provider) enter() (leave func(), err error) {
	select {
	case p.calls <- struct{}{}:
		return func() { <-p.calls }, nil
	default:
		return nil, errBusy
	}
}

// discover gives the metadata.
func (p *provider) discover(ctx context.Context, now time.Time) (*metadata, error) {
	return p.metadata.get(ctx, now, false, func(ctx context.Context) (*metadata, error) {
		body, err := p.get(ctx, metadataAddress(p.settings.Issuer), oauth.Secret{})
		if err != nil {
			return nil, err
		}
		return parseMetadata(body, p.settings.Issuer)
	})
}

// key gives the key that signed an ID token. A kid that is not known is looked for
// in the newest set.
func (p *provider) key(ctx context.Context, m *metadata, jws *oauth.JWS, now time.Time) (oauth.VerifyKey, error) {
	for _, changed := range []bool{false, true} {
		set, err := p.keys.get(ctx, now, changed, func(ctx context.Context) (keySet, error) {
			body, err := p.get(ctx, m.keys, oauth.Secret{})
			if err != nil {
				return nil, err
			}
			return parseKeySet(body)
		})
		if err != nil {
			return oauth.VerifyKey{}, err
		}
		if key, found := set.find(jws.KeyID, jws.Algorithm); found {
			return key, nil
		}
	}
	return oauth.VerifyKey{}, fmt.Errorf("ID token: %s has no key %q for %s", m.keys, clip(jws.KeyID), jws.Algorithm)
}

// tokens is what a code is exchanged for.
type tokens struct {
	id     string
	access oauth.Secret
}

// exchange redeems a code.
func (p *provider) exchange(ctx context.Context, m *metadata, code oauth.Secret, callback, verifier string) (tokens, error) {
	form := url.Values{
		"grant_type": {oauth.GrantAuthorizationCode}, "code": {code.Reveal()},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	}
	auth := p.settings.Auth
	if auth == "" {
		auth = m.auth
	}
	public := p.settings.ClientSecret.Empty()
	if public || auth == AuthPost {
		form.Set("client_id", p.settings.ClientID)
	}
	if !public && auth == AuthPost {
		form.Set("client_secret", p.settings.ClientSecret.Reveal())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.token, strings.NewReader(form.Encode()))
	if err != nil {
		return tokens{}, errors.New("the token endpoint cannot be asked")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !public && auth == AuthBasic {
		request.Header.Set("Authorization", basic(p.settings.ClientID, p.settings.ClientSecret))
	}
	body, err := roundTrip(ctx, p.client, request, p.settings.Timeout)
	var status *statusError
	switch {
	case err == nil:
		return parseTokens(body)
	case !errors.As(err, &status):
		return tokens{}, err
	case status.failure == oauth.CodeInvalidGrant:
		return tokens{}, refused(ReasonCode, "the token endpoint answered invalid_grant")
	case status.failure == oauth.CodeInvalidClient || status.failure == oauth.CodeUnauthorizedClient:
		return tokens{}, fmt.Errorf("%w: it does not take our client: see to client_id, client_secret and auth (%s)", err, auth)
	}
	return tokens{}, err
}

// basic form-urlencodes id and secret before they are joined (RFC 6749 §2.3.1).
func basic(id string, secret oauth.Secret) string {
	joined := url.QueryEscape(id) + ":" + url.QueryEscape(secret.Reveal())
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(joined))
}

// parseTokens reads the answer of a token endpoint.
func parseTokens(body []byte) (tokens, error) {
	object, err := oauth.DecodeObject(body)
	if err != nil {
		return tokens{}, fmt.Errorf("the answer of the token endpoint is %w", err)
	}
	id, _ := object["id_token"].(string)
	if id == "" {
		return tokens{}, errors.New("the answer of the token endpoint has no id_token: does the client there have the scope openid?")
	}
	access, ok := oauth.StringMember(object, "access_token")
	kind, isText := oauth.StringMember(object, "token_type")
	if !ok || !isText || strings.ContainsFunc(access, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return tokens{}, errors.New("the answer of the token endpoint has no access token as RFC 6749 wants it")
	}
	if !strings.EqualFold(kind, "Bearer") {
		access = "" // of no use to us
	}
	return tokens{id, oauth.NewSecret(access)}, nil
}

// userinfo asks for claims that are not in the ID token. What is of another
// subject is a lie (OpenID Connect Core §5.3.2).
func (p *provider) userinfo(ctx context.Context, m *metadata, token oauth.Secret, subject string) (map[string]any, error) {
	body, err := p.get(ctx, m.userinfo, token)
	if err != nil {
		return nil, err
	}
	claims, err := oauth.DecodeObject(body)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	if claims["sub"] != subject {
		return nil, errors.New("userinfo: sub is not that of the ID token")
	}
	return claims, nil
}
