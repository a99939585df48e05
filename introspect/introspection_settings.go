package introspect

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7662 §2.1

// Introspection is how an issuer is asked for tokens.
type Introspection struct {
	// ClientID and ClientSecret authenticate us at the introspection endpoint.
	ClientID     string
	ClientSecret oauth.Secret
	// CacheTTL bounds how long a positive answer is kept; NegativeTTL how long
	// "inactive" is, 5 s at most. 0 keeps none.
	CacheTTL, NegativeTTL time.Duration
	// RequireAudience refuses answers without aud.
	RequireAudience bool
}

func (s *Introspection) checkIntrospection() error {
	switch {
	case (s.ClientID == "") != s.ClientSecret.Empty():
		return errors.New("an introspection client needs both an id and a secret")
	case min(s.CacheTTL, s.NegativeTTL) < 0:
		return errors.New("a duration is negative")
	case s.NegativeTTL > maxRefusedFor:
		return fmt.Errorf("inactive tokens may be remembered for %s at most", maxRefusedFor)
	}
	return nil
}

// DescribeIntrospection is one text for all settings; two that differ in any have different
// ones. Secrets stand in it as digests.
func (s *Introspection) DescribeIntrospection() string {
	return fmt.Sprintf("%q %x %d %d %t", s.ClientID, s.ClientSecret.Digest(), s.CacheTTL, s.NegativeTTL, s.RequireAudience)
}
