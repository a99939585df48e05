package introspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9449 §4.3, §7, §8, §9 and §11.1

const (
	// MaxProofAge is the most that DPoP.MaxAge can be.
	MaxProofAge = 5 * time.Minute
	// MaxNonceLifetime is the most that DPoP.Nonce can be.
	MaxNonceLifetime = time.Hour

	// proofMemory is how long after its iat a proof is remembered. It covers what
	// any configuration takes (the next one may take more than this one), and
	// clocks of nodes that are apart.
	proofMemory = MaxProofAge + 2*MaxLeeway
)

// ProofRegister is what all nodes of a gateway know together of DPoP proofs. Any
// error means that it cannot tell now.
type ProofRegister interface {
	// Spend says whether this is the first use of an id, and remembers it until
	// expires.
	Spend(ctx context.Context, id string, expires time.Time) (first bool, err error)
	// NonceKey is the key that nonces are made with, the same on all nodes.
	NonceKey(ctx context.Context) ([]byte, error)
}

// DPoP is how a route takes tokens that are bound to a key.
type DPoP struct {
	// Required refuses tokens that are not.
	Required bool
	// Algorithms are those that a proof may be signed with, of
	// oauth.DPoPAlgorithms.
	Algorithms []string
	// MaxAge is how long a proof may be used, 1 s to MaxProofAge.
	MaxAge time.Duration
	// Nonce is the time after which the server wants another nonce in proofs, 1 s
	// to MaxNonceLifetime; 0 asks for none.
	Nonce time.Duration
	// Origin is scheme and host of the resource: a jti is used up for all of it.
	Origin string
	// Register is asked last, by proofs that are good in every other way.
	Register ProofRegister
}

func (d *DPoP) check() error {
	if d == nil {
		return nil
	}
	for _, algorithm := range d.Algorithms {
		if !slices.Contains(oauth.DPoPAlgorithms(), algorithm) {
			return fmt.Errorf("DPoP proofs cannot be signed with %q here; there are %v", algorithm, oauth.DPoPAlgorithms())
		}
	}
	switch {
	case len(d.Algorithms) == 0 || d.Origin == "" || d.Register == nil:
		return errors.New("DPoP needs algorithms, an origin and a register of proofs")
	case d.MaxAge < time.Second || d.MaxAge > MaxProofAge:
		return fmt.Errorf("DPoP proofs may be used for %s; that is 1s to %s", d.MaxAge, MaxProofAge)
	case d.Nonce != 0 && (d.Nonce < time.Second || d.Nonce > MaxNonceLifetime):
		return fmt.Errorf("DPoP nonces last %s; that is 1s to %s", d.Nonce, MaxNonceLifetime)
	}
	return nil
}

// prove looks at the proof for a token that is bound to a key. What is cheap
// comes first, then the one signature; only then is the proof used up, so that
// nothing is stored for a caller who does not have the key.
func (d *DPoP) prove(ctx context.Context, key string, presented *Presented, leeway time.Duration, now time.Time) (nonce string, err error) {
	var server nonces
	if d.Nonce > 0 {
		secret, err := d.Register.NonceKey(ctx)
		if err != nil {
			return "", unavailable(fmt.Errorf("the key of DPoP nonces: %w", err))
		}
		server = nonces{key: secret, origin: d.Origin, lifetime: d.Nonce}
		nonce = server.at(now)
	}
	proof, err := oauth.ParseDPoPProof(presented.Proofs, d.Algorithms)
	if err == nil {
		err = proof.Check(oauth.DPoPRequest{
			Method: presented.Method, Target: presented.Target, Token: presented.Token, Thumbprint: key,
			Now: now, MaxAge: d.MaxAge, Leeway: leeway,
		})
	}
	if err != nil {
		return nonce, refuseProof(ReasonProof, err)
	}
	if d.Nonce > 0 {
		good, lasts := server.check(proof.Nonce, now, leeway)
		if !good {
			return nonce, refuseProof(ReasonNonce, oauth.UseDPoPNonce())
		}
		if lasts {
			nonce = ""
		}
	}
	if err := proof.Verify(); err != nil {
		return nonce, refuseProof(ReasonProof, err)
	}
	switch first, err := d.Register.Spend(ctx, d.id(proof), time.Unix(proof.IssuedAt, 0).Add(proofMemory)); {
	case err != nil:
		return "", unavailable(fmt.Errorf("the register of DPoP proofs: %w", err))
	case !first:
		return nonce, refuseProof(ReasonReplayed, oauth.InvalidDPoPProof("The DPoP proof was used before; make a new one for each request."))
	}
	return nonce, nil
}

// id names a proof in the register: the jti is unique for the key that signed it
// and the server that it was made for (RFC 9449 §11.1). Quoting keeps the parts
// apart; the digest bounds what is stored.
func (d *DPoP) id(proof *oauth.DPoPProof) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "dpop %q %q %q", d.Origin, proof.Thumbprint, proof.ID))
	return hex.EncodeToString(sum[:])
}
