package authserver_test

import (
	"bytes"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// assertionKeys gives the published keys of assertions.
func assertionKeys(t *testing.T, h *house) (ring *keys.Ring, document []byte) {
	t.Helper()
	ring, err := h.open(t, 0).AssertionKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	document, _ = ring.JWKS()
	return ring, document
}

func TestTheKeysOfAssertionsAreOneSetForAllNodesAndNoRealms(t *testing.T) {
	h := newHouse(t)
	here, document := assertionKeys(t, h)
	if _, there := assertionKeys(t, h); !bytes.Equal(document, there) {
		t.Errorf("two nodes publish\n%s\n%s", document, there)
	}
	signer, err := here.Signer(oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	for _, settings := range h.config.Realms {
		r, _ := h.server.Realm(settings.Name)
		if _, known := r.Keys.VerifyKey(signer.KeyID); known {
			t.Errorf("realm %s takes what the gateway has signed", settings.Name)
		}
	}
	// They lie in the store as the keys of realms do: no use without the operator's.
	stored, err := h.Store.Keys(t.Context(), "identity-assertion")
	if err != nil || len(stored) == 0 {
		t.Fatalf("%d keys, %v", len(stored), err)
	}
	if _, err := h.tryOpen(t, 1); err == nil {
		t.Error("another encryption key opens them")
	}
}
