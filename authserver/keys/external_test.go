package keys_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// scripted is a signer that does what a test says.
type scripted struct {
	crypto.Signer
	sign func(digest []byte) ([]byte, error)
}

func (s scripted) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.sign != nil {
		return s.sign(digest)
	}
	return s.Signer.Sign(random, digest, opts)
}

func newEC(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func external(t testing.TB, key crypto.Signer, since time.Time) keys.External {
	t.Helper()
	e, err := keys.NewExternal("", key)
	if err != nil {
		t.Fatal(err)
	}
	e.Since = since
	return e
}

// demand asks for ES256 and what every realm has, with external keys.
func demand(external ...keys.External) keys.Demand {
	return keys.Demand{Kinds: keys.RealmKinds(oauth.ES256), External: external}
}

func signs(t testing.TB, ring *keys.Ring) string {
	t.Helper()
	signer, err := ring.Signer(oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return signer.KeyID
}

func TestAS54_AnExternalKeySignsWhenItHasBeenPublishedForLongEnough(t *testing.T) {
	st := &memory{}
	ring := open(t, st, wrapperOf(t, 1), "/", oauth.ES256)
	stored := signs(t, ring)
	first, second := external(t, newEC(t, elliptic.P256()), start), external(t, newEC(t, elliptic.P256()), start.Add(time.Hour))
	const wait = 2*keys.CacheTime + time.Minute
	want := func(now time.Time, kid string, demand keys.Demand) {
		t.Helper()
		if err := ring.Want(t.Context(), demand, now); err != nil {
			t.Fatal(err)
		}
		if got := signs(t, ring); got != kid {
			t.Errorf("at %v: %s signs, want %s", now.Sub(start), got, kid)
		}
		document, _ := ring.JWKS()
		for _, e := range demand.External {
			if _, ok := ring.VerifyKey(e.KeyID()); !ok || !strings.Contains(string(document), e.KeyID()) {
				t.Errorf("at %v: %s is not published", now.Sub(start), e.KeyID())
			}
		}
		if _, ok := ring.VerifyKey(stored); !ok {
			t.Error("the store's key is not accepted any more")
		}
	}
	want(start, stored, demand(first))
	want(start.Add(wait-time.Second), stored, demand(first))
	if ring.Stale(start.Add(wait - time.Second)) {
		t.Error("stale too early")
	}
	if !ring.Stale(start.Add(wait)) {
		t.Error("nothing says that it is time")
	}
	want(start.Add(wait), first.KeyID(), demand(first))
	// Its successor stands above it, and waits as any key.
	want(start.Add(time.Hour), first.KeyID(), demand(second, first))
	want(start.Add(time.Hour+wait), second.KeyID(), demand(second, first))
	// Without it the store's key is there, published all the time.
	want(start.Add(2*time.Hour), stored, demand())
}

func TestAnExternalKeyNeedsNoKeyInTheStore(t *testing.T) {
	st := &memory{}
	ring := keys.NewRing(st, wrapperOf(t, 1), "/")
	key := external(t, newEC(t, elliptic.P256()), start)
	if err := ring.Want(t.Context(), demand(key), start); err != nil {
		t.Fatal(err)
	}
	if signs(t, ring) != key.KeyID() || len(st.rows) != len(symmetricPurposes) {
		t.Errorf("%s signs, %d keys are stored", signs(t, ring), len(st.rows))
	}
	// Not even a successor comes at once.
	later := start.Add(time.Minute)
	if err := ring.Want(t.Context(), demand(external(t, newEC(t, elliptic.P256()), later), key), later); err != nil {
		t.Fatal(err)
	}
	if signs(t, ring) != key.KeyID() {
		t.Error("the successor signs at once")
	}
}

func TestRFC7638_TheKidOfAnExternalKeyIsItsThumbprint(t *testing.T) {
	key := newEC(t, elliptic.P384())
	e := external(t, key, start)
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil || e.KeyID() != encode(sum) || e.Algorithm() != oauth.ES384 {
		t.Errorf("%s %s, %v", e.KeyID(), e.Algorithm(), err)
	}
}

func TestExternalKeysThatCannotSignAreRefused(t *testing.T) {
	p256, p521 := newEC(t, elliptic.P256()), newEC(t, elliptic.P521())
	for name, tt := range map[string]struct {
		algorithm string
		key       crypto.Signer
	}{
		"P-521":                  {"", p521},
		"another curve's":        {oauth.ES384, p256},
		"another type's":         {oauth.RS256, p256},
		"a symmetric algorithm":  {"HS256", p256},
		"one that we do not use": {oauth.ES512, p521},
	} {
		if _, err := keys.NewExternal(tt.algorithm, tt.key); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A signer that fails gives no token, and neither does one that signs wrong.
func TestAWrongSignatureOfAnExternalKeyIsAnError(t *testing.T) {
	key, other := newEC(t, elliptic.P256()), newEC(t, elliptic.P256())
	sum := sha256.Sum256([]byte("input"))
	for name, tt := range map[string]struct {
		sign func([]byte) ([]byte, error)
		want string
	}{
		"good":          {nil, ""},
		"fails":         {func([]byte) ([]byte, error) { return nil, errors.New("slot is locked") }, "slot is locked"},
		"another key's": {func(digest []byte) ([]byte, error) { return ecdsa.SignASN1(rand.Reader, other, digest) }, "does not verify"},
		"nonsense":      {func([]byte) ([]byte, error) { return []byte("signed"), nil }, "does not verify"},
		"nothing":       {func([]byte) ([]byte, error) { return nil, nil }, "does not verify"},
	} {
		ring := keys.NewRing(&memory{}, wrapperOf(t, 1), "/")
		if err := ring.Want(context.Background(), demand(external(t, scripted{key, tt.sign}, start)), start); err != nil {
			t.Fatal(err)
		}
		signer, err := ring.Signer(oauth.ES256)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signer.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || signature != nil) {
			t.Errorf("%s: %d bytes, %v", name, len(signature), err)
		}
	}
}

func TestAS53_ExternalKeysPrintTheirNameOnly(t *testing.T) {
	key := newEC(t, elliptic.P256())
	e := external(t, key, start)
	raw, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]keys.External{e})
	printed := string(text) + fmt.Sprintf("%v %+v %#v %s %x", e, e, e, e, e)
	if err != nil || !strings.Contains(printed, e.KeyID()) {
		t.Errorf("%s, %v", printed, err)
	}
	for _, secret := range append(spellings(raw), new(big.Int).SetBytes(raw).String()) {
		if strings.Contains(printed, secret) {
			t.Errorf("%s", printed)
		}
	}
}
