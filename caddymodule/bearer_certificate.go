package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 8705 §3, RFC 9440 §2 and §4

// BearerClientCertificate is what a route asks of TLS client certificates. A
// token that is bound to one (RFC 8705) needs it in any case; without these
// settings it is that of the connection to Caddy, whose TLS policy must ask for
// one (`client_auth`).
type BearerClientCertificate struct {
	// Required refuses tokens that are not bound to a certificate. Default: false.
	Required bool `json:"required,omitempty"`

	// Forwarded takes the certificate from the header `Client-Cert` (RFC 9440)
	// when the connection comes from one of the server's `trusted_proxies`. The
	// header counts from nobody else, and no upstream sees it. Default: false.
	Forwarded bool `json:"forwarded,omitempty"`
}

// certificateGuard is what a route with Forwarded takes off every request.
var certificateGuard = newGuard("Client-Cert", "Client-Cert-Chain")

func (b *BearerAuth) forwarded() bool {
	return b.ClientCertificate != nil && b.ClientCertificate.Forwarded
}

// takeCertificate takes the header off a request, whoever sent it.
func (b *BearerAuth) takeCertificate(h http.Header, id *identity) {
	if !b.forwarded() {
		return
	}
	if values := h["Client-Cert"]; len(values) > 0 {
		id.certificate = values
	}
	certificateGuard.strip(h)
}

// stripForgedCertificate takes the header off a request that does not come from a
// trusted proxy, whatever is decided of it later.
func (b *BearerAuth) stripForgedCertificate(r *http.Request) {
	if b.forwarded() && !fromTrustedProxy(r) {
		certificateGuard.strip(r.Header)
	}
}

func fromTrustedProxy(r *http.Request) bool {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
}

// certificate is the one that the client has proven to hold, in DER; nil for
// none. On a connection from a trusted proxy the certificate of the connection
// would be the proxy's own.
func (b *BearerAuth) certificate(r *http.Request, id *identity) []byte {
	if b.forwarded() && fromTrustedProxy(r) {
		der, _ := oauth.ParseClientCert(id.certificate)
		return der
	}
	// In early data nothing is proven yet (RFC 8446 §2.3).
	if r.TLS == nil || !r.TLS.HandshakeComplete || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0].Raw
}

// readClientCertificate reads: client_certificate [required] [forwarded].
func (b *BearerAuth) readClientCertificate(d *caddyfile.Dispenser) error {
	b.ClientCertificate = new(BearerClientCertificate)
	line := d.Val()
	if d.CountRemainingArgs() == 0 {
		return d.Errf("%s takes required, forwarded or both; a certificate of the connection itself needs no line", line)
	}
	return switches(map[string]*bool{
		"required": &b.ClientCertificate.Required, "forwarded": &b.ClientCertificate.Forwarded,
	})(d)
}
