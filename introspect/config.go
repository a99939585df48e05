package introspect

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxLeeway is the most that the clocks of issuer and gateway may differ by (RS8).
const MaxLeeway = 60 * time.Second

// Config is what one route asks of tokens.
type Config struct {
	Issuers []Issuer
	// Audiences are the accepted aud values: one must be in the token, exactly.
	Audiences []string
	// OwnPrefixes are how the opaque tokens of this process begin. They are
	// never given to an issuer that is not Local.
	OwnPrefixes []string
	// Cache holds verdicts; shared by all routes. nil for none.
	Cache *Cache
	// DenyList is asked on every call, cached verdicts included. nil for none.
	DenyList *DenyList
	// DenyListLater takes tokens before DenyList has first been read. Without it
	// there is no verdict until then.
	DenyListLater bool
	// DPoP is how tokens bound to a key are taken; nil for not at all.
	DPoP *DPoP
	// CertificateRequired refuses tokens that are not bound to a certificate.
	CertificateRequired bool
	// Leeway is what clocks may differ by, 0 to 60 s.
	Leeway time.Duration
	Now    func() time.Time
}

// New checks a Config and makes its Introspector.
func New(config Config) (*Introspector, error) {
	if len(config.Issuers) == 0 {
		return nil, errors.New("no issuer is trusted: name one whose access tokens are accepted")
	}
	if len(config.Audiences) == 0 || slices.Contains(config.Audiences, "") {
		return nil, errors.New("no audience is set: name the aud value of access tokens for this API, or tokens made for any other API would be accepted here")
	}
	if config.Leeway < 0 || config.Leeway > MaxLeeway {
		return nil, fmt.Errorf("clock leeway %s is out of bounds: use 0s to %s", config.Leeway, MaxLeeway)
	}
	if config.Now == nil || slices.Contains(config.OwnPrefixes, "") {
		return nil, errors.New("a clock is needed, and no empty token prefix")
	}
	if err := config.DPoP.check(); err != nil {
		return nil, err
	}
	var introspecting *Issuer
	issuers := make(map[string]*Issuer, len(config.Issuers))
	for i, issuer := range config.Issuers {
		switch {
		case issuer.URL == "" || issuer.Source == nil:
			return nil, fmt.Errorf("issuer %q has no URL or no source", issuer.Name)
		case issuers[issuer.URL] != nil:
			return nil, fmt.Errorf("issuer %s is listed twice: keep one line for it", issuer.URL)
		case issuer.Local || issuer.Opaque == nil:
		case introspecting != nil:
			return nil, fmt.Errorf("issuers %q and %q both introspect opaque tokens: nothing in such a token says whose it is, so keep one of them on this route", introspecting.Name, issuer.Name)
		default:
			introspecting = &config.Issuers[i]
		}
		issuers[issuer.URL] = &config.Issuers[i]
	}
	return &Introspector{config: config, issuers: issuers, leeway: int64(config.Leeway / time.Second)}, nil
}
