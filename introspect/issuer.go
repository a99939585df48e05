package introspect

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Source is one issuer's way to say whether a token is good.
type Source interface {
	// Introspect gives a verdict on a token not seen before: the token, a
	// *Refusal when it is bad, an *Unavailable when nobody can say now.
	Introspect(ctx context.Context, token oauth.Secret) (*Token, error)
	// Current says whether a verdict given earlier still rests on what holds
	// now. It is asked on every cache hit, so it must not block or allocate.
	Current(token *Token) bool
}

// Issuer is one issuer that a route trusts. It answers for the JWTs whose iss is
// its URL, and for others as Opaque says.
type Issuer struct {
	// Name is how the configuration calls it; metrics use it as a label.
	Name string
	// URL is its issuer identifier, compared byte for byte with iss.
	URL string
	// Source answers for its tokens.
	Source Source
	// Fingerprint covers every setting that Source's verdicts read: a verdict
	// cached under another one is a miss.
	Fingerprint uint64
	// Local marks a realm of this process. Only such an issuer is ever given a
	// token that begins with one of Config.OwnPrefixes.
	Local bool
	// Opaque says whether it answers for a token that is not a JWT; nil means
	// for none. For our own realms that is decided by the prefix of the token;
	// at most one foreign issuer of a route may take all others.
	Opaque func(token string) bool
	// AudienceOptional accepts tokens that name no audience at all. It is for
	// introspection endpoints that never tell one.
	AudienceOptional bool
}

// IssuerURLs are the issuer identifiers that the route trusts, in its order.
func (i *Introspector) IssuerURLs() []string {
	urls := make([]string, len(i.config.Issuers))
	for n := range i.config.Issuers {
		urls[n] = i.config.Issuers[n].URL
	}
	return urls
}

// issuer finds a trusted issuer by its identifier; nil when the route trusts
// none of that name.
func (i *Introspector) issuer(url string) *Issuer { return i.issuers[url] }

// Trusts says whether the route takes tokens of an issuer.
func (i *Introspector) Trusts(url string) bool { return i.issuer(url) != nil }
