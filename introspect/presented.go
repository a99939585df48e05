package introspect

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7800 §3.1, RFC 9449 §7.1, RFC 8705 §3

// Presented is an access token as a request brought it, with the evidence that
// the caller may use it.
type Presented struct {
	Token oauth.Secret
	// DPoP says that it came under the scheme DPoP and not Bearer.
	DPoP bool
	// Proofs are the values of the request's DPoP headers.
	Proofs []string
	// Method and Target are what htm and htu of a proof must name. Target is the
	// configured address with the path of the request, without query. They are
	// needed only where there are Proofs.
	Method, Target string
	// Certificate is the DER form of the certificate that the client has proven
	// to hold; nil for none.
	Certificate []byte
	// Room is memory for the Token of the Result, of which nobody else may know: a
	// token that is known needs no other. nil makes some. What stands in it counts
	// only where the Result points to it.
	Room *Token
}

// prove says whether the caller may use a token that is otherwise good. A nonce
// that is not "" is for the caller's next DPoP proof.
//
// A token that is bound is worth nothing without its proof, whatever the route
// takes (RFC 9449 §7.2, RFC 8705 §3), and one that is not bound proves nothing
// under the scheme DPoP (RFC 9449 §7.1).
func (i *Introspector) prove(ctx context.Context, token *Token, presented *Presented, now time.Time) (nonce string, err error) {
	asked := token.Confirmation
	if !asked.provenBy(presented.Certificate) {
		return "", refuse(ReasonBound)
	}
	if err := i.provable(token); err != nil {
		return "", err
	}
	switch {
	case asked.Key == "" && presented.DPoP:
		return "", refuse(ReasonUnbound)
	case asked.Key == "":
		return "", nil
	case !presented.DPoP:
		return "", refuse(ReasonBound)
	}
	return i.config.DPoP.prove(ctx, asked.Key, presented, i.config.Leeway, now)
}

// provable refuses a token that no request could bring a proof of here, and one
// that is not bound as the route asks.
func (i *Introspector) provable(token *Token) error {
	asked, dpop := token.Confirmation, i.config.DPoP
	switch {
	case token.Bound() && asked == (Confirmation{}), asked.Key != "" && dpop == nil:
		return refuse(ReasonBound)
	case asked.Key == "" && dpop != nil && dpop.Required, asked.Certificate == "" && i.config.CertificateRequired:
		return refuse(ReasonUnbound)
	}
	return nil
}
