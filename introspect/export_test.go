package introspect

// NewCacheWithHash makes a Cache that looks entries up by another hash.
var NewCacheWithHash = newCache

// MetadataAddresses gives the well-known places of an issuer.
var MetadataAddresses = metadataAddresses

// MaxAge reads a Cache-Control header.
var MaxAge = maxAge

// ParseMetadata gives jwks_uri and introspection_endpoint as far as they may be
// called.
func ParseMetadata(body []byte, issuer string) (keys, introspection string, err error) {
	found, err := parseMetadata(body, issuer)
	if err != nil {
		return "", "", err
	}
	return found.keys, found.introspection, nil
}

// KeySet is what a test may know of a key set.
type KeySet struct {
	// Keys are "kid alg" of each verifier.
	Keys       []string
	Generation uint64
}

// ParseKeySet reads a JWK Set.
func ParseKeySet(body []byte, algorithms []string) (KeySet, error) {
	set, err := parseKeySet(body, algorithms)
	if err != nil {
		return KeySet{}, err
	}
	out := KeySet{Generation: set.generation}
	for _, key := range set.keys {
		out.Keys = append(out.Keys, key.KeyID+" "+key.Algorithm)
	}
	return out, nil
}

// ReadConfirmation reads the claim cnf.
var ReadConfirmation = readConfirmation
