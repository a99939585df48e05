package keys_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var symmetricPurposes = []store.KeyPurpose{store.KeyAccess, store.KeyRefresh, store.KeyForm, store.KeyFactor}

func TestOpenMakesWhatIsMissingOnce(t *testing.T) {
	st := full()
	before := len(st.rows)
	if before != len(everyAlgorithm)+len(symmetricPurposes) {
		t.Fatalf("%d keys are stored, want one an algorithm and one a symmetric purpose", before)
	}
	ring := open(t, st, wrapperOf(t, 1), "/", everyAlgorithm...)
	if len(st.rows) != before {
		t.Error("opening again made more keys")
	}
	kid := regexp.MustCompile(`^[0-9a-f]{16}$`)
	seen := map[string]bool{}
	for _, row := range st.rows {
		if !kid.MatchString(row.ID) || seen[row.ID] || row.State != store.KeyActive || !row.Created.Equal(start) {
			t.Errorf("stored as %+v, want a kid of its own of 16 hex digits, active, made now", row)
		}
		seen[row.ID] = true
	}
	for _, algorithm := range everyAlgorithm {
		signer, err := ring.Signer(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		verify, ok := ring.VerifyKey(signer.KeyID)
		if !ok || verify.Algorithm != algorithm || signer.Algorithm != algorithm {
			t.Errorf("%s: verify key %+v", algorithm, verify)
		}
		if row := st.find(t, store.KeySign, algorithm); row.ID != signer.KeyID {
			t.Errorf("%s: signs with %s, stored is %s", algorithm, signer.KeyID, row.ID)
		}
	}
}

func TestSignerOfAnotherAlgorithmIsAnError(t *testing.T) {
	ring := open(t, &memory{}, wrapperOf(t, 1), "/a", oauth.EdDSA)
	if _, err := ring.Signer(oauth.ES256); err == nil || !strings.Contains(err.Error(), "realm /a has no ES256 key") {
		t.Errorf("got %v", err)
	}
	if _, ok := ring.VerifyKey("0000000000000000"); ok {
		t.Error("found a key that is not there")
	}
}

func TestOpenRefusesAlgorithmsItCannotMake(t *testing.T) {
	for _, algorithm := range []string{"HS256", "none", "", oauth.ES512} {
		if _, err := keys.Open(context.Background(), &memory{}, wrapperOf(t, 1), "/", []string{algorithm}, start); err == nil {
			t.Errorf("%q: no error", algorithm)
		}
	}
}

func TestSymmetricKeysHaveOnePurpose(t *testing.T) {
	ring := open(t, &memory{}, wrapperOf(t, 1), "/", oauth.ES256)
	for _, purpose := range symmetricPurposes {
		secret := ring.Secret(purpose)
		if len(secret.Key) != 32 {
			t.Fatalf("%s: %d bytes, want 32", purpose, len(secret.Key))
		}
		for _, asked := range symmetricPurposes {
			found, ok := ring.SecretByID(asked, secret.ID)
			if ok != (asked == purpose) {
				t.Errorf("key of %s asked for as %s: found is %v", purpose, asked, ok)
			}
			if ok && !bytes.Equal(found.Key, secret.Key) {
				t.Errorf("%s: another key by the same id", purpose)
			}
		}
	}
}

func TestRetiredKeysOnlyVerifyAndOpen(t *testing.T) {
	st := &memory{}
	before := open(t, st, wrapperOf(t, 1), "/", oauth.ES256)
	for i := range st.rows {
		st.rows[i].State = store.KeyRetiring
	}
	after := open(t, st, wrapperOf(t, 1), "/", oauth.ES256)

	old, err := before.Signer(oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	current, err := after.Signer(oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	if current.KeyID == old.KeyID {
		t.Error("a retired key still signs")
	}
	if _, ok := after.VerifyKey(old.KeyID); !ok {
		t.Error("a retired key does not verify")
	}
	for _, purpose := range symmetricPurposes {
		retired := before.Secret(purpose)
		if after.Secret(purpose).ID == retired.ID {
			t.Errorf("%s: a retired key is still used", purpose)
		}
		if found, ok := after.SecretByID(purpose, retired.ID); !ok || !bytes.Equal(found.Key, retired.Key) {
			t.Errorf("%s: a retired key cannot be found", purpose)
		}
	}
}

// Nodes that start on an empty database at once all list nothing before any of
// them creates.
func TestRacingOpensEndWithOneActiveKey(t *testing.T) {
	const nodes = 16
	var listed sync.WaitGroup
	listed.Add(nodes)
	st := &memory{listed: func() { listed.Done(); listed.Wait() }}
	wrapper := wrapperOf(t, 1)
	rings := make([]*keys.Ring, nodes)
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			ring, err := keys.Open(context.Background(), st, wrapper, "/", fastAlgorithms, start)
			if err != nil {
				t.Error(err)
				return
			}
			rings[i] = ring
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	if want := len(fastAlgorithms) + len(symmetricPurposes); len(st.rows) != want {
		t.Fatalf("%d keys are stored, want %d", len(st.rows), want)
	}
	first, etag := rings[0].JWKS()
	for _, ring := range rings {
		document, other := ring.JWKS()
		if !bytes.Equal(document, first) || other != etag {
			t.Fatal("two nodes publish two key sets")
		}
		if !bytes.Equal(ring.Secret(store.KeyRefresh).Key, rings[0].Secret(store.KeyRefresh).Key) {
			t.Fatal("two nodes derive refresh tokens from two keys")
		}
	}
}

func TestAS57_RealmsShareNoKeys(t *testing.T) {
	st := &memory{}
	a := open(t, st, wrapperOf(t, 1), "/a", oauth.ES256)
	b := open(t, st, wrapperOf(t, 1), "/b", oauth.ES256)
	signer, err := a.Signer(oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := b.VerifyKey(signer.KeyID); ok {
		t.Error("realm /b verifies with a key of realm /a")
	}
	for _, purpose := range symmetricPurposes {
		if _, ok := b.SecretByID(purpose, a.Secret(purpose).ID); ok {
			t.Errorf("realm /b finds the %s key of realm /a", purpose)
		}
	}
}

func TestAS61_StoreFaultIsPassedOn(t *testing.T) {
	fault := errors.New("disk on fire")
	if _, err := keys.Open(context.Background(), &memory{fault: fault}, wrapperOf(t, 1), "/", fastAlgorithms, start); !errors.Is(err, fault) {
		t.Errorf("got %v, want the store's fault", err)
	}
}

// spellings are the ways in which bytes could have been written down.
func spellings(secret []byte) []string {
	return []string{
		string(secret), hex.EncodeToString(secret),
		base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret),
	}
}

// secretsOf lists every secret number and key of a ring.
func secretsOf(t *testing.T, ring *keys.Ring) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, algorithm := range everyAlgorithm {
		signer, err := ring.Signer(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		switch key := signer.Key.(type) {
		case *rsa.PrivateKey:
			found[algorithm+" d"] = key.D.Bytes()
			found[algorithm+" p"] = key.Primes[0].Bytes()
			found[algorithm+" q"] = key.Primes[1].Bytes()
		case *ecdsa.PrivateKey:
			raw, err := key.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			found[algorithm+" d"] = raw
		case ed25519.PrivateKey:
			found[algorithm+" seed"] = key.Seed()
		default:
			t.Fatalf("%T", key)
		}
	}
	for _, purpose := range symmetricPurposes {
		found[string(purpose)] = ring.Secret(purpose).Key
	}
	return found
}

func TestAS53_NothingPrivateIsStored(t *testing.T) {
	st := full()
	ring := open(t, st, wrapperOf(t, 1), "/", everyAlgorithm...)
	secrets := secretsOf(t, ring)
	if len(secrets) != 2*3+3+len(symmetricPurposes) {
		t.Fatalf("looked for %d secrets only", len(secrets))
	}
	secrets["the operator's key"] = bytes.Repeat([]byte{1}, 32)
	for _, row := range st.rows {
		// What a store could write of the row: the struct as text, and the bytes.
		written := fmt.Sprintf("%+v", row) + string(row.Wrapped)
		for name, secret := range secrets {
			for _, text := range spellings(secret) {
				if strings.Contains(written, text) {
					t.Errorf("the row of %s %s holds %s", row.Purpose, row.Algorithm, name)
				}
			}
		}
	}
}

func TestAS53_NothingPrivateIsPrinted(t *testing.T) {
	ring := open(t, full(), wrapperOf(t, 1), "/", everyAlgorithm...)
	wrapper := wrapperOf(t, 1)
	signer, err := ring.Signer(oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	secret := ring.Secret(store.KeyAccess)
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, value := range []any{ring, wrapper, signer, secret, &signer, &secret, []keys.Secret{secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		log.Info("value", "value", value)
		slog.New(slog.NewTextHandler(&out, nil)).Info("value", "value", value)
		if text, err := json.Marshal(value); err == nil {
			out.Write(text)
		}
	}
	if !strings.Contains(out.String(), secret.ID) {
		t.Fatal("nothing was printed")
	}
	all := secretsOf(t, ring)
	all["the operator's key"] = bytes.Repeat([]byte{1}, 32)
	for name, bytesOf := range all {
		texts := append(spellings(bytesOf), fmt.Sprintf("%d", bytesOf), fmt.Sprintf("%#v", bytesOf))
		for _, text := range texts {
			if strings.Contains(out.String(), text) {
				t.Errorf("printing shows %s", name)
			}
		}
	}
}
