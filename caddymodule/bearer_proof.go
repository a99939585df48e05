package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 9449, RFC 8705

// provisionProof tells the introspector how possession is proven here.
func (b *BearerAuth) provisionProof(app *App, config *introspect.Config) error {
	config.CertificateRequired = b.ClientCertificate != nil && b.ClientCertificate.Required
	if b.DPoP == nil {
		return nil
	}
	// No address is taken from a request: neither Host nor X-Forwarded-* can make
	// a proof for another server hold here.
	address, err := oauth.NormalTarget(b.resourceAddress())
	if err != nil {
		return errors.New("dpop needs the public address of this API, for a proof names the address that it was made for: " +
			"add `resource` with its https URL, as in `resource https://api.example.com`, or give an audience that is one")
	}
	b.origin = oauth.Origin(address)
	if err := app.needBackend(); err != nil {
		return err
	}
	config.DPoP = b.DPoP.settings()
	config.DPoP.Origin, config.DPoP.Register = b.origin, proofRegister{app}
	b.challenges.proofAlgorithms, b.challenges.proofRequired = b.DPoP.algorithmText(), b.DPoP.Required
	return nil
}

// presented is the token of a request with what proves that it is the caller's.
func (b *BearerAuth) presented(r *http.Request, id *identity, token oauth.Secret) introspect.Presented {
	p := introspect.Presented{Token: token, Certificate: b.certificate(r, id), Room: id.tokenRoom()}
	if b.DPoP != nil && underDPoP(id.authorization) {
		p.DPoP, p.Proofs = true, id.proofs
		p.Method, p.Target = b.asSent(r)
	}
	return p
}

// asSent is the method of a request and its address as its sender knows them:
// the path before handlers rewrote it, at the configured server.
func (b *BearerAuth) asSent(r *http.Request) (method, target string) {
	method, sent := effectiveMethod(r), r.URL
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		sent = original.URL
		if original.Method != r.Method {
			method = original.Method
		}
	}
	if sent.Opaque != "" {
		return method, "" // no path: no proof can name it
	}
	return method, b.origin + sent.EscapedPath()
}

// bindScheme says with a decision which scheme it is about, and what the next
// proof needs.
func (b *BearerAuth) bindScheme(v *verdict, id *identity) {
	if v.refused == nil || b.DPoP == nil {
		return
	}
	v.refused.nonce = v.nonce
	if b.DPoP.Required || underDPoP(id.authorization) {
		v.refused.scheme = schemeDPoP
	}
}

// takeEvidence takes off a request what proves possession of its token. A
// bearer_auth further down finds it in the identity.
func (b *BearerAuth) takeEvidence(r *http.Request, id *identity) {
	if proofs := r.Header[headerDPoP]; len(proofs) > 0 && len(id.authorization) > 0 {
		delete(r.Header, headerDPoP)
		id.proofs = proofs
	}
	b.takeCertificate(r.Header, id)
}
