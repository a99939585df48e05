package introspect

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// RFC 7662 §2.1, RFC 8705 §5

// Introspection is how an issuer is asked for tokens.
type Introspection struct {
	// ClientID is the client as which we ask; "" never asks.
	ClientID string
	// Auth is how we authenticate: AuthBasic, AuthPost, AuthPrivateKeyJWT or
	// AuthMTLS. Default: AuthBasic.
	Auth string
	// ClientSecret is for AuthBasic and AuthPost, Key for AuthPrivateKeyJWT and
	// Certificate for AuthMTLS.
	ClientSecret oauth.Secret
	Key          *ClientKey
	Certificate  *ClientCertificate
	// Endpoint is where to ask. Default: as the metadata of the issuer says.
	Endpoint string
	// SignedResponse asks for signed answers and takes no others.
	SignedResponse bool
	// CacheTTL bounds how long a positive answer is kept; NegativeTTL how long
	// "inactive" is, 5 s at most. 0 keeps none.
	CacheTTL, NegativeTTL time.Duration
	// RequireAudience refuses answers without aud.
	RequireAudience bool
}

// ClientCertificate is a client certificate that may be renewed while we run.
type ClientCertificate struct {
	// Name is where it comes from.
	Name string
	// Get gives the certificate that holds now; for tls.Config.GetClientCertificate.
	Get func(*tls.CertificateRequestInfo) (*tls.Certificate, error)
}

func (f *Foreign) checkIntrospection() error {
	s := &f.Introspection
	switch {
	case min(s.CacheTTL, s.NegativeTTL) < 0:
		return errors.New("a duration is negative")
	case s.NegativeTTL > maxRefusedFor:
		return fmt.Errorf("inactive tokens may be remembered for %s at most", maxRefusedFor)
	}
	if s.ClientID == "" && s.ClientSecret.Empty() && s.Key == nil && s.Certificate == nil {
		return nil
	}
	if s.ClientID == "" {
		return errors.New("an introspection client needs both an id and a secret, or a key or a certificate: its id is missing")
	}
	if err := s.checkAuth(); err != nil {
		return err
	}
	if s.Endpoint != "" {
		if err := outbound.CheckEndpoint(f.URL, s.Endpoint); err != nil {
			return fmt.Errorf("the introspection endpoint %s %w", s.Endpoint, err)
		}
	}
	if s.method() == AuthMTLS && !isHTTPS(f.URL) && !isHTTPS(s.Endpoint) {
		return errors.New("introspection auth mtls shows a certificate, which needs https: use an https issuer or endpoint")
	}
	return nil
}

func isHTTPS(address string) bool {
	at, err := url.Parse(address)
	return err == nil && at.Scheme == "https"
}

// describe is the part of Foreign.Describe that is about introspection.
func (s *Introspection) describe() string {
	var key, certificate string
	if s.Key != nil {
		key = fmt.Sprintf("%x", s.Key.digest)
	}
	if s.Certificate != nil {
		certificate = s.Certificate.Name
	}
	return fmt.Sprintf("%q %q %x %s %q %q %t %d %d %t", s.ClientID, s.method(), s.ClientSecret.Digest(), key, certificate,
		s.Endpoint, s.SignedResponse, s.CacheTTL, s.NegativeTTL, s.RequireAudience)
}

// needsKeys says whether anything of the issuer is checked by its keys.
func (f *Foreign) needsKeys() bool { return f.Validate != ValidateIntrospect || f.SignedResponse }

// needsNothing says whether all that is needed of the issuer is configured.
func (f *Foreign) needsNothing() bool { return !f.needsKeys() && f.Endpoint != "" }

// introspectionEndpoint is the configured address, else the one in the metadata;
// "" while it is not known.
func (r *Remote) introspectionEndpoint() string {
	if r.foreign.Endpoint != "" {
		return r.foreign.Endpoint
	}
	known := r.metadata.Load()
	switch {
	case known == nil:
		return ""
	case r.foreign.method() == AuthMTLS && known.mtlsIntrospection != "":
		return known.mtlsIntrospection
	default:
		return known.introspection
	}
}

// mtlsAlias reads where an issuer wants to be asked by clients that present a
// certificate (RFC 8705 §5). An address that may not be called is none: the
// other one will do, and who presents no certificate does not care.
func mtlsAlias(metadata map[string]any, issuer string) string {
	aliases, _ := metadata["mtls_endpoint_aliases"].(map[string]any)
	address, _ := aliases["introspection_endpoint"].(string)
	if outbound.CheckEndpoint(issuer, address) != nil {
		return ""
	}
	return address
}
