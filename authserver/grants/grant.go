package grants

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 6749 §1.3

// Grant turns one kind of proof into tokens. The endpoint has already read the
// form, authenticated the client and seen that it may use this grant.
type Grant interface {
	// Type is the grant_type value.
	Type() string
	// Parameters are those that Redeem reads; it sees no others.
	Parameters() []string
	// Redeem checks the proof and gives the tokens, everything committed. Errors
	// are *oauth.Error for what the caller can mend; any other is a fault of ours.
	Redeem(ctx context.Context, req *Request) (*Response, error)
}

// Request is a token request of an authenticated client.
type Request struct {
	// Client is who proved to be asking.
	Client *store.Client
	// Form has the parameters that the grant declares, nothing else.
	Form oauth.Form
	// Now is the one time that the whole request is judged by.
	Now time.Time
}
