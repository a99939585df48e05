package introspect

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Reasons of a Refusal: a closed set, fit for logs and metric labels.
const (
	// ReasonMalformed is a text that is no token: empty, too long, or a JWT
	// that is not one strict compact JWS.
	ReasonMalformed = "malformed"
	// ReasonIssuer is a token of nobody that the route trusts.
	ReasonIssuer = "issuer"
	// ReasonAlgorithm is an alg that the issuer, or its key, does not use.
	ReasonAlgorithm = "algorithm"
	// ReasonType is a token that is no access token: an ID token, a logout
	// token, a refresh token and the like.
	ReasonType = "type"
	// ReasonUnknownKey is a key that the issuer does not publish.
	ReasonUnknownKey = "unknown_key"
	// ReasonSignature is a signature that does not verify.
	ReasonSignature = "signature"
	// ReasonClaims is a required claim that is missing or not of its type.
	ReasonClaims = "claims"
	// ReasonExpired is a token whose exp has passed.
	ReasonExpired = "expired"
	// ReasonNotYetValid is a token whose nbf or iat lies in the future.
	ReasonNotYetValid = "not_yet_valid"
	// ReasonAudience is a token for somebody else.
	ReasonAudience = "audience"
	// ReasonBound is a token bound to a key (cnf) whose possession was not
	// proven.
	ReasonBound = "bound"
	// ReasonUnbound is a token bound to no key, or to none of the kind that is
	// asked for.
	ReasonUnbound = "unbound"
	// ReasonProof is a DPoP proof that does not hold, ReasonReplayed one that was
	// used before, and ReasonNonce one without the nonce that we gave.
	ReasonProof    = "proof"
	ReasonReplayed = "proof_replayed"
	ReasonNonce    = "nonce"
	// ReasonDenied is a token that an operator has put on the deny-list.
	ReasonDenied = "denied"
	// ReasonInactive is a token that an introspection endpoint does not know,
	// or no longer.
	ReasonInactive = "inactive"
	// ReasonRevoked is a token of our own realms that was revoked.
	ReasonRevoked = "revoked"
)

// retrySoon is what a caller is told to wait for a fault that may pass soon.
const retrySoon = 2 * time.Second

// Refusal says that a token is not good, by a reason from a closed set, for
// logs and metrics. The caller learns invalid_token and no more, but for what is
// wrong with a proof.
type Refusal struct {
	Reason string
	// Claim is the claim that is to blame, with ReasonClaims.
	Claim string
	// Proof is what the caller is told of a DPoP proof; nil where the fault is
	// the token's.
	Proof *oauth.Error
}

// Error implements error.
func (r *Refusal) Error() string { return "token refused: " + r.Reason }

func refuse(reason string) error { return &Refusal{Reason: reason} }

func refuseClaim(name string) error { return &Refusal{Reason: ReasonClaims, Claim: name} }

func refuseProof(reason string, err error) error {
	return &Refusal{Reason: reason, Proof: oauth.AsError(err)}
}

// Unavailable says that nobody can tell now: answer 503, never invalid_token.
type Unavailable struct {
	Cause      error
	RetryAfter time.Duration
}

// Error implements error.
func (u *Unavailable) Error() string { return "token cannot be checked now: " + u.Cause.Error() }

// Unwrap gives the cause.
func (u *Unavailable) Unwrap() error { return u.Cause }

func unavailable(cause error) error { return &Unavailable{Cause: cause, RetryAfter: retrySoon} }
