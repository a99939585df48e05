package keys_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestAS55_JWKSHasOnlyPublicMembers(t *testing.T) {
	ring := open(t, full(), wrapperOf(t, 1), "/", everyAlgorithm...)
	document, _ := ring.JWKS()
	for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if bytes.Contains(document, []byte(`"`+member+`"`)) {
			t.Errorf("the key set has a member %q", member)
		}
	}
	for name, secret := range secretsOf(t, ring) {
		for _, text := range spellings(secret) {
			if bytes.Contains(document, []byte(text)) {
				t.Errorf("the key set shows %s", name)
			}
		}
	}
}

func TestJWKSNamesUseAlgorithmAndKid(t *testing.T) {
	ring := open(t, full(), wrapperOf(t, 1), "/", everyAlgorithm...)
	document, _ := ring.JWKS()
	set, err := jwk.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != len(everyAlgorithm) {
		t.Fatalf("%d keys are published, want %d", set.Len(), len(everyAlgorithm))
	}
	for _, algorithm := range everyAlgorithm {
		signer, err := ring.Signer(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		key, ok := set.LookupKeyID(signer.KeyID)
		if !ok || key.KeyUsage() != "sig" || key.Algorithm().String() != algorithm {
			t.Errorf("%s: published as %v", algorithm, key)
			continue
		}
		var public crypto.PublicKey
		if err := key.Raw(&public); err != nil {
			t.Fatal(err)
		}
		if same, ok := public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !same.Equal(signer.Key.Public()) {
			t.Errorf("%s: another key is published", algorithm)
		}
	}
}

// Clients that read only the first key of an algorithm get the one that signs.
func TestJWKSActiveKeysComeFirst(t *testing.T) {
	st := &memory{}
	open(t, st, wrapperOf(t, 1), "/", fastAlgorithms...)
	retired := st.find(t, store.KeySign, oauth.ES256)
	retired.State = store.KeyRetiring
	retiredID := retired.ID
	ring := open(t, st, wrapperOf(t, 1), "/", fastAlgorithms...)

	document, _ := ring.JWKS()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 3 || set.Keys[2].ID != retiredID {
		t.Errorf("published %v, want the retired %s last of three", set.Keys, retiredID)
	}
}

func TestJWKSETagIsStrongAndFollowsTheKeys(t *testing.T) {
	st := &memory{}
	document, etag := open(t, st, wrapperOf(t, 1), "/", fastAlgorithms...).JWKS()
	again, same := open(t, st, wrapperOf(t, 1), "/", fastAlgorithms...).JWKS()
	if !bytes.Equal(document, again) || etag != same {
		t.Error("the same keys make two documents")
	}
	if !regexp.MustCompile(`^"[!#-~]+"$`).MatchString(etag) {
		t.Errorf("ETag %s is not a strong one (RFC 9110 section 8.8.3)", etag)
	}
	st.find(t, store.KeySign, oauth.EdDSA).State = store.KeyRetiring
	if _, other := open(t, st, wrapperOf(t, 1), "/", fastAlgorithms...).JWKS(); other == etag {
		t.Error("new keys have the old ETag")
	}
}

func TestVerifyKeyVerifiesWhatSignerSigns(t *testing.T) {
	ring := open(t, &memory{}, wrapperOf(t, 1), "/", oauth.EdDSA)
	signer, err := ring.Signer(oauth.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	input := "eyJhbGciOiJFZERTQSJ9.e30"
	signature, err := signer.Key.Sign(rand.Reader, []byte(input), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := oauth.ParseJWS(strings.Join([]string{input, encode(signature)}, "."))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := ring.VerifyKey(signer.KeyID)
	if _, err := jws.Verify(key); err != nil {
		t.Error(err)
	}
}

func encode(raw []byte) string { return spellings(raw)[3] }
