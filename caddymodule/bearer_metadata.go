package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// RFC 9728 §2 and §3

// wellKnownResource stands between host and path of a resource in the URL of its
// metadata (RFC 9728 §3.1).
const wellKnownResource = "/.well-known/oauth-protected-resource"

// resourceMetadata is what a client needs to know to get a token for the API.
type resourceMetadata struct {
	// Resource is the address by which the client came here: it compares the two.
	Resource string `json:"resource"`
	// AuthorizationServers are the issuers whose tokens are taken.
	AuthorizationServers []string `json:"authorization_servers"`
	// ScopesSupported are the scope tokens to ask for.
	ScopesSupported []string `json:"scopes_supported,omitempty"`
	// BearerMethodsSupported is how tokens are taken: in the header alone.
	BearerMethodsSupported []string `json:"bearer_methods_supported"`
	// ResourceName and what follows are for people.
	ResourceName string `json:"resource_name,omitempty"`
	// ResourceDocumentation is for developers.
	ResourceDocumentation string `json:"resource_documentation,omitempty"`
	// ResourcePolicyURI says how the data may be used.
	ResourcePolicyURI string `json:"resource_policy_uri,omitempty"`
	// ResourceTOSURI are the terms of service.
	ResourceTOSURI string `json:"resource_tos_uri,omitempty"`
	boundTokens
}

// boundTokens is what the metadata says of tokens bound to a key.
type boundTokens struct {
	// DPoPAlgorithms are those of the proofs that are taken; none without DPoP.
	DPoPAlgorithms []string `json:"dpop_signing_alg_values_supported,omitempty"`
	// DPoPRequired says that no other token is taken.
	DPoPRequired bool `json:"dpop_bound_access_tokens_required,omitempty"`
	// CertificateBound says that tokens can be bound to the client's certificate.
	CertificateBound bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
}

// boundTokens tells how possession is proven here.
func (b *BearerAuth) boundTokens() boundTokens {
	bound := boundTokens{CertificateBound: b.ClientCertificate != nil}
	if b.DPoP != nil {
		bound.DPoPAlgorithms, bound.DPoPRequired = b.DPoP.algorithms(), b.DPoP.Required
	}
	return bound
}

// provisionMetadata makes the metadata document of the resource, from the
// configuration alone: nothing of a request is ever in it.
func (b *BearerAuth) provisionMetadata() error {
	address := b.resourceAddress()
	if address == "" {
		return nil
	}
	if err := checkResourceURL(address); err != nil {
		return fmt.Errorf("resource %s %w", address, err)
	}
	document, err := json.Marshal(b.describeResource(address))
	if err != nil {
		return err
	}
	location := metadataURL(address)
	b.metadata = newPublication(location.EscapedPath(), document)
	b.challenges.metadata = location.String()
	return nil
}

func (b *BearerAuth) describeResource(address string) resourceMetadata {
	m := resourceMetadata{
		Resource:               address,
		AuthorizationServers:   b.introspector.IssuerURLs(),
		BearerMethodsSupported: []string{"header"},
		boundTokens:            b.boundTokens(),
	}
	if r := b.Resource; r != nil {
		m.ScopesSupported = r.Scopes
		m.ResourceName, m.ResourceDocumentation, m.ResourcePolicyURI, m.ResourceTOSURI = r.Name, r.Documentation, r.Policy, r.Terms
	}
	if m.ScopesSupported == nil {
		m.ScopesSupported = scopesOf(b.Rules)
	}
	return m
}

// scopesOf are the scope tokens that rules name, each once.
func scopesOf(rules []BearerRule) []string {
	var scopes []string
	for _, rule := range rules {
		for _, scope := range rule.Scope {
			if !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	return scopes
}

// metadataURL is where the metadata of a resource is found: the well-known name
// goes between host and path, and replaces a path that is only a slash (RFC 9728
// §3.1).
func metadataURL(resource string) *url.URL {
	u, err := url.Parse(resource)
	if err != nil {
		return &url.URL{}
	}
	location := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: wellKnownResource + u.Path, RawPath: wellKnownResource + u.EscapedPath()}
	if u.Path == "/" {
		location.Path, location.RawPath = wellKnownResource, ""
	}
	return location
}

// publishesMetadata answers a request for the metadata, and says whether this was
// one. It is there for everybody, browsers on other sites included: whoever has no
// token reads it.
func (b *BearerAuth) publishesMetadata(w http.ResponseWriter, r *http.Request) bool {
	if b.metadata == nil || !strings.HasPrefix(r.URL.Path, wellKnownResource) || r.URL.EscapedPath() != b.metadata.path {
		return false
	}
	b.metadata.serve(w, r)
	return true
}
