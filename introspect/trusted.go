package introspect

// IssuerURLs are the issuer identifiers that the route trusts, in its order.
func (i *Introspector) IssuerURLs() []string {
	urls := make([]string, len(i.config.Issuers))
	for n := range i.config.Issuers {
		urls[n] = i.config.Issuers[n].URL
	}
	return urls
}

// issuerOf is the issuer that answers for a token; nil when the route trusts it not.
func (i *Introspector) issuerOf(token *Token) *Issuer {
	for n := range i.config.Issuers {
		if issuer := &i.config.Issuers[n]; issuer.URL == token.Issuer {
			return issuer
		}
	}
	return nil
}
