package introspect

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7517, RFC 7518 §6, RFC 8037 §2

// keySet is the usable part of one issuer's key set. It is immutable.
type keySet struct {
	keys []publishedKey
	// generation is a digest of the keys: the same keys give the same value in
	// any process and after any restart, other keys another one.
	generation uint64
}

// publishedKey is a key pinned to one algorithm, with a digest of the key
// itself.
type publishedKey struct {
	oauth.VerifyKey
	digest [sha256.Size]byte
}

// parseKeySet reads a JWK Set. Keys that do not verify access tokens with one
// of the algorithms are left out, each by itself. A set that is malformed, that
// gives one kid to two keys or that has no usable key is an error as a whole.
func parseKeySet(body []byte, algorithms []string) (*keySet, error) {
	members, err := oauth.ReadKeySet(body)
	if err != nil {
		return nil, err
	}
	set := &keySet{}
	kids := map[string]bool{}
	for _, member := range members {
		key, ok := member.(map[string]any)
		if !ok {
			return nil, errors.New("key set: a member of keys is not an object")
		}
		kid, isText := oauth.StringMember(key, "kid")
		if kid != "" && kids[kid] {
			return nil, fmt.Errorf("key set: two keys are named %q", clip(kid))
		}
		kids[kid] = true
		if isText {
			set.keys = append(set.keys, usable(key, kid, algorithms)...)
		}
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("key set: none of its %d keys is a public key for signatures by %v", len(members), algorithms)
	}
	set.generation = generationOf(set.keys)
	return set, nil
}

// usable makes the verifiers of one JWK: one for its alg, or, when it names
// none, one for each algorithm of the issuer that its type can carry. Nothing
// when the key is private, symmetric, for another use, weak or malformed.
func usable(key map[string]any, kid string, algorithms []string) []publishedKey {
	if !forVerifying(key) {
		return nil
	}
	if alg, there := key["alg"]; there {
		name, _ := alg.(string)
		if !slices.Contains(algorithms, name) {
			return nil
		}
		algorithms = []string{name}
	}
	pub, der, err := publicKey(key)
	if err != nil {
		return nil
	}
	var keys []publishedKey
	for _, algorithm := range algorithms {
		verifier, err := oauth.NewVerifyKey(kid, algorithm, pub)
		if err != nil {
			continue
		}
		keys = append(keys, publishedKey{verifier, sha256.Sum256(append([]byte(algorithm+"\x00"+kid+"\x00"), der...))})
	}
	return keys
}

// forVerifying judges use and key_ops (RFC 7517 §4.2 and §4.3). A key with
// private members is no longer its owner's alone, and a symmetric one has no
// business in a public set: neither verifies anything here.
func forVerifying(key map[string]any) bool {
	if oauth.HasPrivateMember(key) {
		return false
	}
	if use, there := key["use"]; there && use != "sig" {
		return false
	}
	if _, there := key["key_ops"]; there {
		ops, ok := oauth.StringsMember(key, "key_ops")
		return ok && slices.Contains(ops, "verify")
	}
	return true
}

// publicKey lets jwx read the key. Only the members that make the key are
// handed over, so nothing else in it (x5c, x5u, …) is ever looked at.
func publicKey(key map[string]any) (pub any, der []byte, err error) {
	bare := map[string]any{}
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e"} {
		if value, there := key[name]; there {
			bare[name] = value
		}
	}
	text, err := json.Marshal(bare)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := jwk.ParseKey(text)
	if err != nil {
		return nil, nil, err
	}
	if err := parsed.Raw(&pub); err != nil {
		return nil, nil, err
	}
	switch pub.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		der, err = x509.MarshalPKIXPublicKey(pub)
		return pub, der, err
	default:
		return nil, nil, fmt.Errorf("a key of type %T does not verify signatures", pub)
	}
}

func generationOf(keys []publishedKey) uint64 {
	digests := make([][sha256.Size]byte, len(keys))
	for n, key := range keys {
		digests[n] = key.digest
	}
	slices.SortFunc(digests, func(a, b [sha256.Size]byte) int { return slices.Compare(a[:], b[:]) })
	whole := sha256.New()
	for _, digest := range digests {
		whole.Write(digest[:])
	}
	// The lowest bit keeps it apart from 0, which means "not by keys".
	return binary.LittleEndian.Uint64(whole.Sum(nil)) | 1
}

// find gives the one key that may verify a token: by kid and alg, or, for a
// token without kid, the only key of its alg (G12). has says whether the set
// knows the kid at all; when it does not, a newer set might.
func (s *keySet) find(kid, alg string) (key oauth.VerifyKey, found, has bool) {
	for _, candidate := range s.keys {
		if kid != "" && candidate.KeyID != kid {
			continue
		}
		has = has || kid != ""
		if candidate.Algorithm != alg {
			continue
		}
		if found {
			return oauth.VerifyKey{}, false, true
		}
		key, found = candidate.VerifyKey, true
	}
	return key, found, has || kid == ""
}

// rebound lists the kids that name another key than they did in an older set:
// honest issuers never do that.
func (s *keySet) rebound(older *keySet) []string {
	if older == nil {
		return nil
	}
	var kids []string
	for _, key := range s.keys {
		for _, old := range older.keys {
			if key.KeyID != "" && key.KeyID == old.KeyID && key.Algorithm == old.Algorithm && key.digest != old.digest {
				kids = append(kids, key.KeyID)
			}
		}
	}
	return kids
}
