package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// RFC 7636

// PKCEMethodS256 is the only transformation we accept: "plain" protects
// nothing once the authorization request is seen (RFC 9700 §2.1.1).
const PKCEMethodS256 = "S256"

// CheckChallenge judges the PKCE parameters of an authorization request.
// required says whether the client must send a challenge.
func CheckChallenge(challenge, method string, required bool) error {
	switch {
	case challenge == "" && method != "":
		return InvalidRequest("code_challenge_method was sent without code_challenge.")
	case challenge == "" && required:
		return InvalidRequest("This client must use PKCE: send code_challenge and code_challenge_method=S256.")
	case challenge == "":
		return nil
	// An absent method means plain (RFC 7636 §4.3), so S256 must be named.
	case method != PKCEMethodS256:
		return InvalidRequest("code_challenge_method must be S256.")
	case !validS256Challenge(challenge):
		return InvalidRequest("code_challenge must be the unpadded base64url SHA-256 of the verifier, 43 characters.")
	}
	return nil
}

func validS256Challenge(challenge string) bool {
	if len(challenge) != 43 {
		return false
	}
	// encoding/base64 skips line breaks, even when strict: count what came out.
	sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	return err == nil && len(sum) == sha256.Size
}

// CheckVerifierSyntax refuses a code_verifier outside the grammar of RFC 7636
// §4.1 (43 to 128 unreserved characters). An absent one passes: VerifyPKCE
// decides whether it had to be there.
func CheckVerifierSyntax(verifier string) error {
	if verifier == "" {
		return nil
	}
	if len(verifier) < 43 || len(verifier) > 128 {
		return InvalidRequest("code_verifier must have 43 to 128 characters.")
	}
	for i := range len(verifier) {
		if !unreserved(verifier[i]) {
			return InvalidRequest("code_verifier may hold only letters, digits, '-', '.', '_' and '~'.")
		}
	}
	return nil
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// VerifyPKCE says whether verifier answers the challenge that the code was
// issued for. A verifier for a code without a challenge is a downgrade attack
// and fails too (RFC 9700 §4.8.2).
func VerifyPKCE(challenge, verifier string) bool {
	if challenge == "" || verifier == "" {
		return challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(want), []byte(challenge)) == 1
}
