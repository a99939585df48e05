package introspect

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// RFC 6749 §2.3.1, RFC 7523 §2.2, RFC 8705 §2

// Values of Introspection.Auth: how we show the endpoint who asks.
const (
	// AuthBasic sends id and secret as client_secret_basic.
	AuthBasic = "basic"
	// AuthPost sends them in the form, as client_secret_post.
	AuthPost = "post"
	// AuthPrivateKeyJWT signs an assertion, as private_key_jwt.
	AuthPrivateKeyJWT = "private_key_jwt"
	// AuthMTLS presents a certificate, as tls_client_auth and
	// self_signed_tls_client_auth.
	AuthMTLS = "mtls"
)

var authMethods = []string{AuthBasic, AuthPost, AuthPrivateKeyJWT, AuthMTLS}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func (s *Introspection) method() string {
	if s.Auth == "" {
		return AuthBasic
	}
	return s.Auth
}

// credentials are what an operator has to check when they are refused.
func (s *Introspection) credentials() string {
	switch s.method() {
	case AuthPrivateKeyJWT:
		return "client and key"
	case AuthMTLS:
		return "client and certificate"
	default:
		return "client and secret"
	}
}

// authenticate puts our credentials into the form or gives the value of the
// Authorization header, never both (RFC 6749 §2.3).
func (s *Introspection) authenticate(form url.Values, issuer string, now time.Time) (authorization string, err error) {
	switch s.method() {
	case AuthPost:
		form.Set("client_id", s.ClientID)
		form.Set("client_secret", s.ClientSecret.Reveal())
	case AuthPrivateKeyJWT:
		assertion, err := s.Key.assertion(s.ClientID, issuer, now)
		if err != nil {
			return "", err
		}
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", assertion.Reveal())
	case AuthMTLS:
		// The connection has shown the certificate; the id says whose it is.
		form.Set("client_id", s.ClientID)
	default:
		pair := url.QueryEscape(s.ClientID) + ":" + url.QueryEscape(s.ClientSecret.Reveal())
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)), nil
	}
	return "", nil
}

// checkAuth refuses credentials that the method does not use, and a method
// without those that it does.
func (s *Introspection) checkAuth() error {
	method := s.method()
	if !slices.Contains(authMethods, method) {
		return fmt.Errorf("introspection auth %q is unknown: use one of %v", method, authMethods)
	}
	for _, credential := range []struct {
		name    string
		there   bool
		usedBy  []string
		missing string
	}{
		{"secret", !s.ClientSecret.Empty(), []string{AuthBasic, AuthPost}, "an introspection client needs both an id and a secret, as in: client gateway {env.GATEWAY_SECRET}; one without a secret needs auth private_key_jwt or auth mtls"},
		{"key", s.Key != nil, []string{AuthPrivateKeyJWT}, "introspection auth private_key_jwt needs a key, as in: key /run/secrets/gateway.jwk"},
		{"certificate", s.Certificate != nil, []string{AuthMTLS}, "introspection auth mtls needs a certificate, as in: certificate /run/secrets/gateway.crt /run/secrets/gateway.key"},
	} {
		switch used := slices.Contains(credential.usedBy, method); {
		case used && !credential.there:
			return errors.New(credential.missing)
		case credential.there && !used:
			return fmt.Errorf("introspection auth %s uses no %s: take the %s away, or write auth %s", method, credential.name, credential.name, credential.usedBy[0])
		}
	}
	return nil
}
