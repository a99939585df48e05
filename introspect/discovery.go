package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// RFC 8414 §3, OpenID Connect Discovery §4

// metadata is what we need of an issuer's metadata.
type metadata struct {
	keys          string // jwks_uri
	introspection string // introspection_endpoint
	// mtlsIntrospection is where to introspect with a client certificate
	// (RFC 8705 §5), "" for the same address.
	mtlsIntrospection string
	// missing says why one of them is "". Each is a fault only for those who
	// need it.
	missing map[string]error
	// document is what was read.
	document []byte
}

// needed gives an endpoint, or says by its name why there is none.
func (m *metadata) needed(name, address string) (string, error) {
	if address == "" {
		return "", fmt.Errorf("metadata: %s %w", name, m.missing[name])
	}
	return address, nil
}

// discover reads an issuer's metadata: where RFC 8414 puts it, then where
// OpenID Connect does. The first document that speaks for the issuer counts.
func discover(ctx context.Context, client *http.Client, issuer string, timeout time.Duration) (*metadata, error) {
	addresses, err := metadataAddresses(issuer)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, address := range addresses {
		body, _, err := get(ctx, client, address, timeout)
		if err == nil {
			var found *metadata
			if found, err = parseMetadata(body, issuer); err == nil {
				return found, nil
			}
			err = fmt.Errorf("%s: %w", address, err)
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// metadataAddresses gives both well-known places. RFC 8414 §3.1 inserts its
// path between host and path of the issuer; OpenID Connect Discovery §4.1
// appends. Either drops a slash at the end of the issuer first.
func metadataAddresses(issuer string) ([]string, error) {
	at, err := url.Parse(issuer)
	if err != nil || at.Host == "" {
		return nil, fmt.Errorf("issuer %q is not an absolute URL", issuer)
	}
	path := strings.TrimSuffix(at.EscapedPath(), "/")
	origin := at.Scheme + "://" + at.Host
	return []string{
		origin + "/.well-known/oauth-authorization-server" + path,
		origin + path + "/.well-known/openid-configuration",
	}, nil
}

// parseMetadata trusts a document only when it names the issuer byte for byte
// (RFC 8414 §3.3, RS24): otherwise one issuer could speak for another.
func parseMetadata(body []byte, issuer string) (*metadata, error) {
	object, err := oauth.DecodeObject(body)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if named, _ := object["issuer"].(string); named != issuer {
		return nil, fmt.Errorf("metadata names the issuer %q, configured is %q: both must be the same, byte for byte", clip(named), issuer)
	}
	found := &metadata{missing: map[string]error{}, document: body}
	for _, member := range [...]struct {
		name string
		into *string
	}{{"jwks_uri", &found.keys}, {"introspection_endpoint", &found.introspection}} {
		address, _ := object[member.name].(string)
		if object[member.name] == nil {
			found.missing[member.name] = errors.New("is not there")
		} else if err := outbound.CheckEndpoint(issuer, address); err != nil {
			found.missing[member.name] = err
		} else {
			*member.into = address
		}
	}
	found.mtlsIntrospection = mtlsAlias(object, issuer)
	return found, nil
}

// clip keeps a stranger's text short in a log.
func clip(text string) string {
	if len(text) > 200 {
		return text[:200] + "…"
	}
	return text
}
