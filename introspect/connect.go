package introspect

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// newClient makes the one kind of HTTP client by which an issuer is reached.
func newClient(f *Foreign) *http.Client {
	client, transport := outbound.NewClient(f.guard(), f.Roots, maxIntrospections)
	if f.Certificate != nil {
		transport.TLSClientConfig.GetClientCertificate = f.Certificate.Get
	}
	return client
}

// guard says where the issuer may be: where the operator wrote that it is.
func (f *Foreign) guard() outbound.Guard {
	return outbound.Guard{
		Private: append(outbound.WrittenAddresses(f.URL, f.JWKSURI, f.Endpoint), f.AllowPrivate...),
		Advice: func(address netip.Prefix) string {
			return fmt.Sprintf(", where issuer %s may not be: if it belongs there, add the line `allow_private %s` to the block of that issuer in the oauth2 option",
				f.Name, address)
		},
	}
}

// get reads one JSON document of an issuer, and gives for how long the issuer
// says that it holds; 0 when it does not say.
func get(ctx context.Context, client *http.Client, address string, timeout time.Duration) ([]byte, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	body, header, err := roundTrip(client, request)
	return body, maxAge(header), err
}
