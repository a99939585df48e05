package keys_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// database is a store that keeps every promise.
func database(t testing.TB) store.Store {
	t.Helper()
	st, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var (
	signES256 = keys.Kind{Purpose: store.KeySign, Algorithm: oauth.ES256}
	sealing   = keys.Kind{Purpose: store.KeyAccess, Algorithm: "XC20P"}
)

func TestAS54_ANextKeyIsPublishedAndAcceptedAndDoesNotSign(t *testing.T) {
	ring := open(t, database(t), wrapperOf(t, 1), "/", oauth.ES256)
	before, sealed := signs(t, ring), ring.Secret(store.KeyAccess).ID
	for _, kind := range []keys.Kind{signES256, sealing} {
		next, err := ring.Rotate(t.Context(), kind, false, start)
		must(t, err)
		again, err := ring.Rotate(t.Context(), kind, false, start)
		must(t, err)
		if again.ID != next.ID || next.State != store.KeyNext || next.Wrapped != nil {
			t.Errorf("asked twice: %+v and %+v", next, again)
		}
		_, verifies := ring.VerifyKey(next.ID)
		_, opens := ring.SecretByID(kind.Purpose, next.ID)
		if document, _ := ring.JWKS(); verifies != (kind == signES256) || opens != (kind == sealing) || bytes.Contains(document, []byte(next.ID)) != verifies {
			t.Errorf("%v: verifies %v, opens %v", kind, verifies, opens)
		}
	}
	if signs(t, ring) != before || ring.Secret(store.KeyAccess).ID != sealed {
		t.Error("a next key is used")
	}
}

func TestAS54_KeysEndInTheirOrderOnly(t *testing.T) {
	ring := open(t, database(t), wrapperOf(t, 1), "/", oauth.ES256)
	first := signs(t, ring)
	next, err := ring.Rotate(t.Context(), signES256, false, start)
	must(t, err)
	for id, want := range map[string]error{first: keys.ErrActiveKey, next.ID: keys.ErrNextKey, "none": keys.ErrUnknownKey} {
		if err := ring.Retire(t.Context(), id, start); !errors.Is(err, want) {
			t.Errorf("retire %s: %v, want %v", id, err, want)
		}
	}
	if _, err := ring.Rotate(t.Context(), keys.Kind{Purpose: store.KeySign, Algorithm: oauth.EdDSA}, false, start); !errors.Is(err, keys.ErrUnknownKind) {
		t.Errorf("rotate what is not there: %v", err)
	}
	_, err = ring.Rotate(t.Context(), signES256, true, start)
	must(t, err)
	generation := ring.Generation()
	must(t, ring.Retire(t.Context(), first, start))
	if _, ok := ring.VerifyKey(first); ok || ring.Generation() == generation || signs(t, ring) != next.ID {
		t.Error("a retired key is accepted, or verdicts that rest on it stay")
	}
	if err := ring.Remove(t.Context(), first, start); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("remove a retired key: %v", err)
	}
}

func TestTheGenerationChangesOnlyWhenAKeyIsTakenAway(t *testing.T) {
	ring := open(t, database(t), wrapperOf(t, 1), "/", oauth.ES256)
	generation := ring.Generation()
	for range 3 {
		_, err := ring.Rotate(t.Context(), sealing, true, start)
		must(t, err)
	}
	if ring.Generation() != generation {
		t.Error("it changes with a new key")
	}
	must(t, ring.Remove(t.Context(), ring.Secret(store.KeyAccess).ID, start))
	if ring.Generation() != generation+1 {
		t.Error("it does not change with a removed key")
	}
}

func TestNobodyPublishesMoreKeysThanVerifiersRead(t *testing.T) {
	ring := open(t, database(t), wrapperOf(t, 1), "/", oauth.ES256)
	var err error
	for range 100 {
		if _, err = ring.Rotate(t.Context(), signES256, true, start); err != nil {
			break
		}
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	document, _ := ring.JWKS()
	must(t, json.Unmarshal(document, &set))
	if !errors.Is(err, keys.ErrTooManyKeys) || len(set.Keys) != 64 {
		t.Errorf("%d keys are published, then %v", len(set.Keys), err)
	}
}

// A set with keys in every state, and one that is not in the store.
func TestAS55_KeysOfEveryStateArePublishedByPublicMembersOnly(t *testing.T) {
	ring := open(t, database(t), wrapperOf(t, 1), "/", oauth.RS256, oauth.ES256, oauth.EdDSA)
	for _, algorithm := range []string{oauth.RS256, oauth.ES256, oauth.EdDSA} {
		kind := keys.Kind{Purpose: store.KeySign, Algorithm: algorithm}
		_, err := ring.Rotate(t.Context(), kind, true, start)
		must(t, err)
		_, err = ring.Rotate(t.Context(), kind, false, start)
		must(t, err)
	}
	must(t, ring.Want(t.Context(), demand(external(t, newEC(t, elliptic.P256()), start)), start))
	document, _ := ring.JWKS()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	must(t, json.Unmarshal(document, &set))
	if len(set.Keys) != 3*3+1 {
		t.Fatalf("%d keys are published", len(set.Keys))
	}
	public := []string{"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"}
	for _, key := range set.Keys {
		for member := range key {
			if !slices.Contains(public, member) {
				t.Errorf("a key has the member %q", member)
			}
		}
	}
}

// What a rotation writes is wrapped as well.
func TestAS53_RowsOfARotationHoldNoPlainKey(t *testing.T) {
	st := database(t)
	ring := open(t, st, wrapperOf(t, 1), "/", oauth.ES256)
	for _, purpose := range symmetricPurposes {
		algorithm := "HS256"
		if purpose == store.KeyAccess {
			algorithm = sealing.Algorithm
		}
		_, err := ring.Rotate(t.Context(), keys.Kind{Purpose: purpose, Algorithm: algorithm}, false, start)
		must(t, err)
	}
	rows, err := st.Keys(t.Context(), "/")
	must(t, err)
	for _, purpose := range symmetricPurposes {
		secrets := ring.Secrets(purpose)
		if len(secrets) != 2 {
			t.Fatalf("%d %s keys", len(secrets), purpose)
		}
		for _, secret := range secrets {
			for _, row := range rows {
				for _, text := range spellings(secret.Key) {
					if bytes.Contains(row.Wrapped, []byte(text)) {
						t.Errorf("the row of %s shows the key %s", row.ID, secret.ID)
					}
				}
			}
		}
	}
}

func TestReadingARingAllocatesNothing(t *testing.T) {
	ring := open(t, full(), wrapperOf(t, 1), "/", everyAlgorithm...)
	kid, id := signs(t, ring), ring.Secret(store.KeyAccess).ID
	if allocations := testing.AllocsPerRun(100, func() {
		_, _ = ring.Signer(oauth.ES256)
		_, _ = ring.VerifyKey(kid)
		_, _ = ring.SecretByID(store.KeyAccess, id)
		_ = ring.Secret(store.KeyRefresh)
		_ = ring.Generation()
		_, _ = ring.JWKS()
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// Several keys of the operator open; the one that the store names wraps.
func TestAS53_TheStoreSaysWhichEncryptionKeyWraps(t *testing.T) {
	st, old, wanted := database(t), wrapperOf(t, 1), wrapperOf(t, 2)
	_, err := st.Remember(t.Context(), store.EncryptionKeyCheck, old.CheckValue())
	must(t, err)
	open(t, st, old, "/", oauth.ES256)
	both := wanted.WithPrevious(old)
	ring := open(t, st, both, "/", oauth.ES256)
	_, err = ring.Rotate(t.Context(), signES256, false, start)
	must(t, err)
	open(t, st, old, "/", oauth.ES256) // opens what a node with both has made
	if _, err := old.Rewrap(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	changed, err := both.Rewrap(t.Context(), st)
	if err != nil || changed != 1+1+len(symmetricPurposes) {
		t.Errorf("%d rows are rewrapped, %v", changed, err)
	}
	open(t, st, wanted, "/", oauth.ES256)
	if _, err := keys.Open(t.Context(), st, old, "/", nil, start.Add(time.Hour)); err == nil {
		t.Error("the old key still opens")
	}
	if _, err := old.Rewrap(t.Context(), st); err == nil {
		t.Error("a wrapper that opens nothing rewraps")
	}
}
