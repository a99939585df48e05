package caddymodule_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// trusting runs a gateway for issuers of the oauth2 option: blocks by name.
func trusting(t *testing.T, names string, issuer *testIssuer, blocks string) (*gateway, error) {
	t.Helper()
	g := &gateway{t: t, issuer: issuer, upstream: newRawUpstream(t), address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	return g, load(t, config(t, "", "oauth2 {\n"+blocks+"\n}", fmt.Sprintf("http://%s {\nbearer_auth %s {\naudience {$API_AUDIENCE:%s}\n}\nreverse_proxy %s\n}\n",
		g.address, names, apiAudience, g.upstream.address)))
}

func TestRS23_AnIssuerOverTLSIsVerified(t *testing.T) {
	issuer := newTestIssuerOver(t, httptest.NewTLSServer)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]int{"": http.StatusServiceUnavailable, "tls_ca " + ca: http.StatusOK} {
		g, err := trusting(t, "corp", issuer, fmt.Sprintf("issuer corp %s {\n%s\n}", issuer.URL, options))
		if err != nil {
			t.Fatal(err)
		}
		if response := g.send("GET /", g.bearer(nil)); response.StatusCode != want {
			t.Errorf("with %q: status %d, want %d", options, response.StatusCode, want)
		}
	}
}

func TestOpaqueTokensGoToTheOneIssuerThatIntrospects(t *testing.T) {
	t.Setenv("GATEWAY_SECRET", "s3cret")
	issuer := newTestIssuer(t)
	introspection := "introspection {\nclient gateway {env.GATEWAY_SECRET}\n}"
	g, err := trusting(t, "corp", issuer, fmt.Sprintf("issuer corp %s {\n%s\n}", issuer.URL, introspection))
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, g.send("GET /", "Authorization: Bearer opaque"), http.StatusOK)
	raw := g.upstream.next()
	if !slices.Equal(header(raw, "X-Auth-Subject"), []string{"olga"}) || strings.Contains(raw, "X-Auth-Scope") {
		t.Errorf("the upstream got\n%s", raw)
	}
	wantStatus(t, g.send("GET /", "Authorization: Bearer unknown"), http.StatusUnauthorized)
	wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusOK)

	// What this process made is shown to nobody else, good or not.
	before := issuer.asked.Load()
	for _, prefix := range []string{"oat_", "ort_", "oac_"} {
		wantStatus(t, g.send("GET /", "Authorization: Bearer "+prefix+"x"), http.StatusUnauthorized)
	}
	if after := issuer.asked.Load(); before != 2 || after != before {
		t.Errorf("the issuer was asked %d times, and then %d times about tokens of ours", before, after-before)
	}

	other := newTestIssuer(t)
	_, err = trusting(t, "corp other", issuer, fmt.Sprintf("issuer corp %s {\n%s\n}\nissuer other %s {\n%s\n}", issuer.URL, introspection, other.URL, introspection))
	if err == nil || !strings.Contains(err.Error(), "both introspect opaque tokens") {
		t.Errorf("two issuers that introspect: %v", err)
	}
}
