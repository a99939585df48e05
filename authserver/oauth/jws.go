package oauth

import (
	"encoding/base64"
	"errors"
	"strings"
)

// RFC 7515 §3.1 and §5.2, RFC 8725

// JWS is a parsed compact JWS whose signature has not been checked yet.
type JWS struct {
	// Algorithm, KeyID and Type are the header's alg, kid and typ. Members
	// that bring or point to keys (jku, jwk, x5c, x5u) are never read (RS4).
	Algorithm, KeyID, Type string

	payload      []byte
	signingInput string
	signature    []byte
}

var (
	// ErrMalformedJWS is a text that is not one strict compact JWS.
	ErrMalformedJWS = errors.New("malformed compact JWS")
	// ErrSignature is a signature that the key does not verify.
	ErrSignature = errors.New("signature does not verify")
)

// ParseJWS reads one compact JWS: exactly three parts of strict unpadded
// base64url, a strict JSON header with alg, and no crit, since we implement no
// extension (RFC 7515 §4.1.11).
func ParseJWS(token string) (*JWS, error) { return ParseJWSWithin(token, MaxTokenBytes) }

// ParseJWSWithin is ParseJWS for what is no access token and may be longer.
func ParseJWSWithin(token string, maxBytes int) (*JWS, error) {
	parsed, _, err := parseJWS(token, maxBytes)
	return parsed, err
}

// parseJWS is ParseJWS for those who must read more of the header.
func parseJWS(token string, maxBytes int) (parsed *JWS, header map[string]any, err error) {
	if len(token) > maxBytes || strings.Count(token, ".") != 2 {
		return nil, nil, ErrMalformedJWS
	}
	last := strings.LastIndexByte(token, '.')
	header64, payload64, _ := strings.Cut(token[:last], ".")
	headerJSON, err1 := decodeSegment(header64)
	payload, err2 := decodeSegment(payload64)
	signature, err3 := decodeSegment(token[last+1:])
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, nil, ErrMalformedJWS
	}
	if header, err = DecodeObject(headerJSON); err != nil {
		return nil, nil, ErrMalformedJWS
	}
	for _, refused := range []string{"crit", "b64", "zip", "enc"} {
		if _, there := header[refused]; there {
			return nil, nil, ErrMalformedJWS
		}
	}
	alg, okAlg := StringMember(header, "alg")
	kid, okKid := StringMember(header, "kid")
	typ, okTyp := StringMember(header, "typ")
	if !okAlg || !okKid || !okTyp || alg == "" || len(kid) > 255 {
		return nil, nil, ErrMalformedJWS
	}
	return &JWS{
		Algorithm: alg, KeyID: kid, Type: typ,
		payload: payload, signingInput: token[:last], signature: signature,
	}, header, nil
}

func decodeSegment(segment string) ([]byte, error) {
	// encoding/base64 skips line breaks, even when strict.
	if strings.ContainsAny(segment, "\r\n") {
		return nil, ErrMalformedJWS
	}
	return base64.RawURLEncoding.Strict().DecodeString(segment)
}

// UnverifiedPayload is what the token says before anyone has checked it: good
// for choosing among configured issuers and for cheap refusals, nothing else.
func (j *JWS) UnverifiedPayload() []byte { return j.payload }

// Verify checks the signature with key. The key decides the algorithm; the
// header may only agree (RFC 8725 §3.1).
func (j *JWS) Verify(key VerifyKey) (payload []byte, err error) {
	if key.verify == nil || j.Algorithm != key.Algorithm {
		return nil, ErrSignature
	}
	if !key.verify([]byte(j.signingInput), j.signature) {
		return nil, ErrSignature
	}
	return j.payload, nil
}

// MediaType folds a typ header for comparison: case does not count and the
// "application/" prefix may be left out (RFC 7515 §4.1.9).
func (j *JWS) MediaType() string {
	return strings.TrimPrefix(strings.ToLower(j.Type), "application/")
}
