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
}

// prove says whether the caller may use a token that is otherwise good.
func (i *Introspector) prove(_ context.Context, token *Token, _ *Presented, _ time.Time) error {
	// A token bound to a key is worth nothing without proof of possession, which
	// a bearer request does not bring (RFC 9449 §7.2, RFC 8705 §3).
	if _, bound := token.Claims["cnf"]; bound {
		return refuse(ReasonBound)
	}
	return nil
}
