package caddymodule_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

const keysPath = "/.well-known/identity-assertion/jwks.json"

// keeping gives the global options of a gateway without realms that has a store.
func keeping(t *testing.T) string {
	t.Helper()
	database := filepath.Join(t.TempDir(), "oauth2.db")
	t.Cleanup(caddymodule.DrainStores)
	return "oauth2 {\nstorage sqlite " + database + "\n}"
}

// keySet reads the published keys.
func (g *gateway) keySet() (set jwk.Set, document string) {
	g.t.Helper()
	response := g.send("GET " + keysPath)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if set, err = jwk.Parse(body); err != nil || response.StatusCode != http.StatusOK {
		g.t.Fatalf("%d %s: %v", response.StatusCode, body, err)
	}
	return set, string(body)
}

// asserted gives the assertion that the upstream has just got.
func (g *gateway) asserted() string {
	g.t.Helper()
	raw := g.upstream.next()
	values := header(raw, "X-Identity-Assertion")
	if len(values) != 1 {
		g.t.Fatalf("the upstream got %d assertions:\n%s", len(values), raw)
	}
	return values[0]
}

func TestAnUpstreamVerifiesTheAssertionWithThePublishedKeys(t *testing.T) {
	g := newGateway(t, setup{globals: keeping(t), block: `public /public
		allow * *
		assertion {
			audience http://orders.internal
			claims sub client_id scope tenant realm_access.roles missing
		}`})
	set, _ := g.keySet()
	token := g.issuer.token(t, map[string]any{"tenant": "a", "realm_access": map[string]any{"roles": []string{"x"}}})
	for _, spelled := range spellings("X-Identity-Assertion") {
		wantStatus(t, g.send("GET /", "Authorization: Bearer "+token, spelled+": forged"), http.StatusOK)
		text := g.asserted()
		read, err := jwt.ParseString(text, jwt.WithKeySet(set), jwt.WithIssuer(apiAudience), jwt.WithAudience("http://orders.internal"),
			jwt.WithClaimValue("sub", "frida"), jwt.WithClaimValue("client_id", "shop"), jwt.WithClaimValue("scope", "read"),
			jwt.WithClaimValue("tenant", "a"), jwt.WithClaimValue("token_iss", g.issuer.URL), jwt.WithRequiredClaim("jti"), jwt.WithRequiredClaim("realm_access.roles"))
		if err != nil {
			t.Fatal(err)
		}
		if life := read.Expiration().Sub(read.IssuedAt()); life <= 0 || life > time.Minute {
			t.Errorf("it lives for %s", life)
		}
		if _, there := read.Get("missing"); there {
			t.Error("it says what the token does not")
		}
		message, err := jws.ParseString(text)
		if err != nil || message.Signatures()[0].ProtectedHeaders().Type() != "identity-assertion+jwt" {
			t.Errorf("typ: %v", err)
		}
	}
	wantStatus(t, g.send("GET /public", "Authorization: Bearer "+token, "X-Identity-Assertion: forged"), http.StatusOK)
	if raw := g.upstream.next(); raw == "" || strings.Contains(raw, "Assertion") {
		t.Errorf("on a public path the upstream got\n%s", raw)
	}
}

func TestAnAssertionIsSignedOnceATokenAndNeverOutlivesIt(t *testing.T) {
	g := newGateway(t, setup{globals: keeping(t), block: "assertion X-Identity-Assertion {\naudience http://orders.internal\n}"})
	assert := func(token string) string {
		wantStatus(t, g.send("GET /", token), http.StatusOK)
		return g.asserted()
	}
	token, other := g.bearer(nil), g.bearer(nil)
	first := assert(token)
	if second := assert(token); second != first {
		t.Error("the same token is signed for twice")
	}
	if assert(other) == first {
		t.Error("two tokens have one assertion")
	}
	end := time.Now().Add(20 * time.Second).Unix()
	read, err := jwt.ParseInsecure([]byte(assert(g.bearer(map[string]any{"exp": end}))))
	if err != nil || read.Expiration().Unix() != end {
		t.Errorf("a token until %d has an assertion until %v: %v", end, read.Expiration(), err)
	}
	// The leeway lets the token pass, but no assertion could still be good.
	wantStatus(t, g.send("GET /", g.bearer(map[string]any{"exp": time.Now().Unix() - 2})), http.StatusUnauthorized)
	// It opens nothing itself.
	wantStatus(t, g.send("GET /", "Authorization: Bearer "+first), http.StatusUnauthorized)
}

func TestTheKeysOfAssertionsArePublishedToAnyone(t *testing.T) {
	g := newGateway(t, setup{globals: keeping(t), block: "assertion {\naudience http://orders.internal\n}"})
	_, document := g.keySet()
	var keys struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(document), &keys); err != nil || len(keys.Keys) != 1 || keys.Keys[0]["alg"] != "ES256" || keys.Keys[0]["d"] != nil {
		t.Errorf("%s: %v", document, err)
	}
	response := g.send("HEAD " + keysPath)
	wantStatus(t, response, http.StatusOK)
	etag := response.Header.Get("ETag")
	if etag == "" || response.Header.Get("Cache-Control") != "public, max-age=300" || response.Header.Get("Content-Type") != "application/jwk-set+json" {
		t.Errorf("headers %v", response.Header)
	}
	wantStatus(t, g.send("GET "+keysPath, "If-None-Match: "+etag), http.StatusNotModified)
	response = g.send("POST " + keysPath)
	wantStatus(t, response, http.StatusMethodNotAllowed)
	if response.Header.Get("Allow") == "" {
		t.Error("no Allow")
	}
	for _, path := range []string{keysPath + "/", strings.ToUpper(keysPath), "/.well-known/identity-assertion"} {
		wantStatus(t, g.send("GET "+path), http.StatusUnauthorized)
	}
	// Another configuration over the same store has the same keys.
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	caddymodule.DrainStores()
	if err := load(t, g.caddyfile); err != nil {
		t.Fatal(err)
	}
	if _, again := g.keySet(); again != document {
		t.Errorf("after a restart the keys are %s, before %s", again, document)
	}
}
