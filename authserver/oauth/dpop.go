package oauth

import (
	"net/http"
	"slices"
	"time"
)

// RFC 9449

// Error codes of proofs. RFC 9449 §5, §7.1 and §8.
const (
	CodeInvalidDPoPProof = "invalid_dpop_proof"
	CodeUseDPoPNonce     = "use_dpop_nonce"
)

const (
	dpopType = "dpop+jwt"
	// maxProofText bounds jti, nonce and ath; htu has the bound of the proof.
	maxProofText = 256
)

// DPoPAlgorithms are the algorithms that a proof can be signed with.
func DPoPAlgorithms() []string { return []string{ES256, ES384, EdDSA, PS256, RS256} }

// DPoPCredentials is BearerCredentials for the scheme DPoP (RFC 9449 §7.1).
func DPoPCredentials(authorization []string, query string) (token Secret, present bool, err error) {
	return credentials("DPoP", authorization, query)
}

// DPoPProof is what a proof says. It means something once Check and Verify have
// passed.
type DPoPProof struct {
	// Thumbprint is that of the key in the proof (RFC 7638).
	Thumbprint string
	// ID is the jti, Method the htm and Target the htu, as written.
	ID, Method, Target string
	// IssuedAt is the iat, in unix seconds.
	IssuedAt int64
	// TokenHash is the ath and Nonce the nonce, "" when the proof has none.
	TokenHash, Nonce string

	jws *JWS
	key VerifyKey
}

// InvalidDPoPProof is a proof that does not hold. The description names the
// check that it failed, for the developer of the client.
func InvalidDPoPProof(description string) *Error {
	e := NewError(CodeInvalidDPoPProof, description)
	e.Status = http.StatusUnauthorized
	return e
}

// UseDPoPNonce asks for a proof with the nonce that goes with the answer
// (RFC 9449 §8 and §9).
func UseDPoPNonce() *Error {
	e := NewError(CodeUseDPoPNonce, "Make a DPoP proof with the nonce of the DPoP-Nonce header.")
	e.Status = http.StatusUnauthorized
	return e
}

// ParseDPoPProof reads the values of the DPoP headers of one request: exactly
// one, a strict compact JWS with one of algorithms and a public key that belongs
// to it (RFC 9449 §4.3, 1 to 7 without the signature).
func ParseDPoPProof(values, algorithms []string) (*DPoPProof, error) {
	if len(values) != 1 {
		return nil, InvalidDPoPProof("Send exactly one DPoP header with the request.")
	}
	parsed, header, err := parseJWS(values[0], MaxTokenBytes)
	if err != nil {
		return nil, InvalidDPoPProof("The DPoP header is not one compact JWS of at most 8 KiB.")
	}
	if parsed.Type != dpopType {
		return nil, InvalidDPoPProof("The typ of the DPoP proof must be dpop+jwt.")
	}
	if !slices.Contains(algorithms, parsed.Algorithm) {
		return nil, InvalidDPoPProof("The alg of the DPoP proof is not one that is taken here.")
	}
	proof := &DPoPProof{jws: parsed}
	if !proof.readKey(header) {
		return nil, InvalidDPoPProof("The jwk of the DPoP proof must be a public key for its alg, without private members.")
	}
	if !proof.readClaims(parsed.UnverifiedPayload()) {
		return nil, InvalidDPoPProof("The DPoP proof needs jti, htm, htu and iat, each of its type.")
	}
	return proof, nil
}

func (p *DPoPProof) readKey(header map[string]any) bool {
	members, _ := header["jwk"].(map[string]any)
	if alg, there := members["alg"]; there && alg != p.jws.Algorithm {
		return false
	}
	jwk, err := ParsePublicJWK(members)
	if err != nil {
		return false
	}
	p.Thumbprint = jwk.Thumbprint
	p.key, err = NewVerifyKey("", p.jws.Algorithm, jwk.Key)
	return err == nil
}

func (p *DPoPProof) readClaims(payload []byte) bool {
	claims, err := DecodeObject(payload)
	if err != nil {
		return false
	}
	for name, into := range map[string]*string{
		"jti": &p.ID, "htm": &p.Method, "htu": &p.Target, "ath": &p.TokenHash, "nonce": &p.Nonce,
	} {
		text, ok := StringMember(claims, name)
		if !ok || len(text) > maxProofText && name != "htu" {
			return false
		}
		*into = text
	}
	issuedAt, there, ok := NumericDate(claims, "iat")
	p.IssuedAt = issuedAt
	return there && ok && p.ID != "" && p.Method != "" && p.Target != ""
}

// DPoPRequest is the request that a proof must have been made for.
type DPoPRequest struct {
	// Method and Target are what htm and htu must name.
	Method, Target string
	// Token is what ath must be the hash of; empty where there is none yet, at
	// the token endpoint.
	Token Secret
	// Thumbprint is the key that must have made it; "" for any.
	Thumbprint string
	Now        time.Time
	// MaxAge is how long a proof may be used, Leeway what the clocks of client
	// and server may differ by.
	MaxAge, Leeway time.Duration
}

// Check says whether the proof is for a request (RFC 9449 §4.3, 8 to 12). It is
// cheap, and proves nothing without Verify.
func (p *DPoPProof) Check(r DPoPRequest) error {
	age := r.Now.Sub(time.Unix(p.IssuedAt, 0))
	if p.Method != r.Method {
		return InvalidDPoPProof("The htm of the DPoP proof is not the method of the request.")
	}
	asked, err := NormalTarget(r.Target)
	said, errSaid := NormalTarget(p.Target)
	if err != nil || errSaid != nil || said != asked {
		return InvalidDPoPProof("The htu of the DPoP proof is not the public address of the request.")
	}
	if age > r.MaxAge+r.Leeway || age < -r.Leeway {
		return InvalidDPoPProof("The iat of the DPoP proof is too far from now.")
	}
	if !r.Token.Empty() && p.TokenHash != base64Digest([]byte(r.Token.Reveal())) {
		return InvalidDPoPProof("The ath of the DPoP proof is not the hash of the access token.")
	}
	if r.Thumbprint != "" && p.Thumbprint != r.Thumbprint {
		return InvalidDPoPProof("The DPoP proof was made with another key than the token is bound to.")
	}
	return nil
}

// Verify checks the signature with the key in the proof.
func (p *DPoPProof) Verify() error {
	if _, err := p.jws.Verify(p.key); err != nil {
		return InvalidDPoPProof("The signature of the DPoP proof does not verify.")
	}
	return nil
}
