package caddymodule_test

import (
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// RFC 9449 §9: the challenge brings the nonce, and it holds over a restart.
func TestRFC9449_9_TheServerGivesNonces(t *testing.T) {
	g := newProvingGateway(t, setup{block: "dpop {\nnonce\n}"})
	token := g.bound(nil)
	response := g.send("GET /", g.proof("GET", "/", token, nil)...)
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenges(t, response, challengeNone, ofDPoP("use_dpop_nonce", "Make a DPoP proof with the nonce of the DPoP-Nonce header."))
	nonces := response.Header.Values("DPoP-Nonce")
	if len(nonces) != 1 || len(nonces[0]) != 32 {
		t.Fatalf("DPoP-Nonce %q", nonces)
	}
	if exposed := response.Header.Values("Access-Control-Expose-Headers"); len(exposed) != 2 || exposed[1] != "DPoP-Nonce" {
		t.Errorf("exposed to scripts: %q", exposed)
	}
	with := map[string]any{"nonce": nonces[0]}
	response = g.send("GET /", g.proof("GET", "/", token, with)...)
	wantStatus(t, response, http.StatusOK)
	if given := response.Header.Values("DPoP-Nonce"); len(given) != 0 {
		t.Errorf("a new nonce %q beside one that lasts", given)
	}
	// A bad proof gets the nonce at once, to spare a round.
	response = g.send("GET /", "Authorization: DPoP "+token)
	if response.Header.Get("DPoP-Nonce") == "" {
		t.Error("no nonce for a request without a proof")
	}
	// Tokens that need no proof need no nonce.
	wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusOK)

	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := load(t, g.caddyfile); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, g.send("GET /", g.proof("GET", "/", token, with)...), http.StatusOK)
}
