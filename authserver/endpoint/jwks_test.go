package endpoint_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestAS55_A60_JWKSHasPublicMembersOnly(t *testing.T) {
	w := realmtest.New(t)
	settings := w.Realm.Settings
	settings.Clients = slices.Clone(settings.Clients)
	settings.Clients[0].IDTokenAlgorithm = oauth.RS256
	r := w.Open(t, settings)
	answer := get(t, endpoint.JWKS(r), http.MethodGet)
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/jwk-set+json" {
		t.Fatalf("answered %d with %v", answer.Code, answer.Header())
	}
	entries, ok := answer.Document()["keys"].([]any)
	if !ok || len(entries) != 2 {
		t.Fatalf("answered %s", answer.Body)
	}
	kids := map[any]bool{}
	for _, entry := range entries {
		members, ok := entry.(map[string]any)
		if !ok || kids[members["kid"]] || members["kid"] == nil || members["use"] != "sig" || members["alg"] == nil {
			t.Errorf("entry %v", entry)
		}
		kids[members["kid"]] = true
		for name := range members {
			if !slices.Contains([]string{"kty", "kid", "use", "alg", "key_ops", "n", "e", "crv", "x", "y"}, name) {
				t.Errorf("a private or unknown member %q", name)
			}
		}
	}
	// What is published verifies what is signed, as others read it.
	set, err := jwk.Parse(answer.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	issued := family(t, w, "web")
	client, _ := r.Client("web")
	idToken, err := r.IDFor(t.Context(), client, &issued.grant, issued.access, oauth.Secret{}, false, w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, signed := range []oauth.Secret{issued.access, idToken} {
		if _, err := jws.Verify([]byte(signed.Reveal()), jws.WithKeySet(set)); err != nil {
			t.Error(err)
		}
	}
}
