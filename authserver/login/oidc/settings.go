package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OpenID Connect Discovery §4, OpenID Connect Core §3.1.2.1

// How our client shows who it is, as settings name it.
const (
	AuthBasic = "basic" // client_secret_basic
	AuthPost  = "post"  // client_secret_post
)

// Defaults of the settings.
const (
	DefaultRecheck = 7 * 24 * time.Hour
	DefaultTimeout = 5 * time.Second
)

// maxSetting bounds each text of the settings: the issuer travels in a cookie.
const maxSetting = 500

// Settings is one provider as the operator wrote it.
type Settings struct {
	// Issuer identifies the provider, byte for byte as in its metadata and tokens.
	Issuer string
	// ClientID and ClientSecret are ours there. A client without a secret is public.
	ClientID     string
	ClientSecret oauth.Secret
	// Auth is AuthBasic or AuthPost, "" for as the metadata says.
	Auth string
	// Scopes are asked for; openid is always among them.
	Scopes []string
	// Label is what the button says.
	Label string
	// Claims are further claims of accounts, ours by name with theirs.
	Claims map[string]string
	// IDClaim is the claim that the id of an account comes from. Default: sub.
	IDClaim string
	// TrustAMR takes over how people signed in there.
	TrustAMR bool
	// Recheck is for how long a sign-in there counts for refresh and for sessions.
	Recheck time.Duration
	// VerifiedEmail refuses accounts whose email the provider has not verified.
	VerifiedEmail bool
	// Allow are conditions that an account must all meet.
	Allow []Condition
	// Timeout bounds each request to the provider.
	Timeout time.Duration
	// AllowPrivate are private addresses where its names may point.
	AllowPrivate []netip.Prefix
	// Roots are the certificate authorities in PEM form that it is trusted by; nil
	// for those of the system.
	Roots []byte
}

// Condition is what a claim of the provider must be, or have among its elements.
type Condition struct {
	Claim string
	// Values are the acceptable ones. One that begins with * stands for all that end
	// in the rest of it, in upper or lower case.
	Values []string
}

// complete fills in the defaults, and says in words for the operator what cannot
// work.
func (s Settings) complete() (Settings, error) {
	if err := checkIssuer(s.Issuer); err != nil {
		return s, fmt.Errorf("issuer %q %w", s.Issuer, err)
	}
	if s.ClientID == "" {
		return s, errors.New("has no client_id: register a client at the provider and add, for example: client_id caddy")
	}
	if len(s.ClientID) > maxSetting || len(s.ClientSecret.Reveal()) > oauth.MaxCredentialBytes/2 {
		return s, errors.New("has a client_id or client_secret that is too long")
	}
	switch {
	case s.Auth != "" && s.Auth != AuthBasic && s.Auth != AuthPost:
		return s, fmt.Errorf("auth is basic or post, not %q", s.Auth)
	case s.Auth != "" && s.ClientSecret.Empty():
		return s, fmt.Errorf("auth %s needs a client_secret", s.Auth)
	case s.Recheck < 0 || s.Timeout < 0:
		return s, errors.New("has a negative duration")
	}
	if len(s.Scopes) == 0 {
		s.Scopes = []string{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail}
	}
	if !slices.Contains(s.Scopes, oauth.ScopeOpenID) {
		return s, errors.New("scopes must have openid among them: without it there is no ID token")
	}
	if s.Label == "" {
		at, _ := url.Parse(s.Issuer)
		s.Label = at.Hostname()
	}
	if len(s.Label) > 100 || strings.ContainsFunc(s.Label, unicode.IsControl) {
		return s, errors.New("has a label of more than 100 bytes or with control characters")
	}
	s.IDClaim = cmp.Or(s.IDClaim, "sub")
	s.Recheck = cmp.Or(s.Recheck, DefaultRecheck)
	s.Timeout = cmp.Or(s.Timeout, DefaultTimeout)
	return s, s.checkClaims()
}

func (s *Settings) checkClaims() error {
	for _, ours := range slices.Sorted(maps.Keys(s.Claims)) {
		switch theirs := s.Claims[ours]; {
		case login.ProtocolClaim(ours):
			return fmt.Errorf("claim %s belongs to the protocol and cannot be set for a user: choose another name", ours)
		case ours == "" || theirs == "" || len(ours) > 100 || len(theirs) > 200:
			return fmt.Errorf("claim %q %q: needs two names, ours and theirs, of at most 100 and 200 bytes", ours, theirs)
		}
	}
	if len(s.Claims) > maxClaims {
		return fmt.Errorf("has %d claim lines; at most %d are possible", len(s.Claims), maxClaims)
	}
	for _, condition := range s.Allow {
		if condition.Claim == "" || len(condition.Values) == 0 {
			return errors.New("allow takes a claim and the values that it may have, as in: allow hd example.com")
		}
		if slices.Contains(condition.Values, "*") {
			return fmt.Errorf("allow %s * would allow everybody: name values, or what they end in, as in *@example.com", condition.Claim)
		}
	}
	return nil
}

// needsVerifiedEmail says whether the email decides something: then it must be
// the account's own.
func (s *Settings) needsVerifiedEmail() bool {
	return s.VerifiedEmail || s.IDClaim == "email" ||
		slices.ContainsFunc(s.Allow, func(c Condition) bool { return c.Claim == "email" })
}

// checkIssuer is oauth.CheckIssuer for issuers of others, which may end in a slash.
func checkIssuer(issuer string) error {
	if len(issuer) > maxSetting {
		return fmt.Errorf("has more than %d characters", maxSetting)
	}
	return oauth.CheckIssuer(strings.TrimSuffix(issuer, "/"))
}
