package caddymodule_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
)

// provingGateway is a gateway that takes DPoP, with a client that has a key.
type provingGateway struct {
	*gateway
	key *dpoptest.Key
}

// newProvingGateway opens a store, though it has no realm: block is what follows
// dpop, and further options.
func newProvingGateway(t *testing.T, s setup) provingGateway {
	t.Helper()
	s.globals += fmt.Sprintf("\noauth2 {\n\tstorage sqlite %s\n}", filepath.Join(t.TempDir(), "oauth2.db"))
	return provingGateway{newGateway(t, s), dpoptest.NewKey()}
}

// bound is a token for the key, with more claims.
func (g provingGateway) bound(claims map[string]any) string {
	all := map[string]any{"cnf": map[string]any{"jkt": g.key.Thumbprint()}}
	for name, value := range claims {
		all[name] = value
	}
	return g.issuer.token(g.t, all)
}

// proof makes the two header lines of a request with a token.
func (g provingGateway) proof(method, path, token string, claims map[string]any) []string {
	return []string{"Authorization: DPoP " + token, "DPoP: " + g.key.Sign(dpoptest.Proof{
		Method: method, Target: apiAudience + path, Token: token, At: time.Now(), Claims: claims,
	})}
}

// wantChallenges compares all WWW-Authenticate headers, but for the address of the
// metadata, which stands in each of them.
func wantChallenges(t *testing.T, response *http.Response, want ...string) {
	t.Helper()
	var got []string
	for _, challenge := range response.Header.Values("WWW-Authenticate") {
		if !strings.HasSuffix(challenge, metadataParameter) {
			t.Errorf("without the metadata: %s", challenge)
		}
		got = append(got, strings.TrimSuffix(challenge, metadataParameter))
	}
	for n := range want {
		want[n] = strings.Replace(want[n], metadataParameter, "", 1)
	}
	if !slices.Equal(got, want) {
		t.Errorf("WWW-Authenticate\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// metadataParameter is in every challenge of the API.
const metadataParameter = `, resource_metadata="https://api.test/.well-known/oauth-protected-resource"`

const (
	challengeDPoP = `DPoP realm="https://api.test", algs="ES256 ES384 EdDSA PS256 RS256"`
	errorBound    = `, error="invalid_token", error_description="The access token is bound to a key and needs proof of its possession"`
	errorUnbound  = `, error="invalid_token", error_description="The access token is not bound to a key as this resource asks"`
)

// ofDPoP is the DPoP challenge with an error.
func ofDPoP(code, description string) string {
	return strings.Replace(challengeDPoP, ", algs", `, error="`+code+`", error_description="`+description+`", algs`, 1)
}

func TestRS38_G43_ABoundTokenNeedsItsProof(t *testing.T) {
	g := newProvingGateway(t, setup{block: "dpop"})
	token := g.bound(nil)
	dpop := strings.Replace(challengeDPoP, ", algs", errorUnbound+", algs", 1)
	for name, c := range map[string]struct {
		headers []string
		status  int
		want    []string
	}{
		"no token":       {nil, 401, []string{challengeNone, challengeDPoP}},
		"good":           {g.proof("GET", "/", token, nil), 200, nil},
		"Bearer":         {[]string{"Authorization: Bearer " + token}, 401, []string{challengeNone + errorBound, challengeDPoP}},
		"Bearer, proof":  {append(g.proof("GET", "/", token, nil)[1:], "Authorization: Bearer "+token), 401, []string{challengeNone + errorBound, challengeDPoP}},
		"unbound":        {[]string{g.bearer(nil)}, 200, nil},
		"unbound, DPoP":  {g.proof("GET", "/", g.issuer.token(t, nil), nil), 401, []string{challengeNone, dpop}},
		"expired":        {g.proof("GET", "/", g.bound(map[string]any{"exp": 1}), nil), 401, []string{challengeNone, ofDPoP("invalid_token", "The access token is not valid for this resource")}},
		"no proof":       {[]string{"Authorization: DPoP " + token}, 401, []string{challengeNone, ofDPoP("invalid_dpop_proof", "Send exactly one DPoP header with the request.")}},
		"no token, DPoP": {[]string{"Authorization: DPoP "}, 400, []string{challengeNone, ofDPoP("invalid_request", "The Authorization header must be the word DPoP, one space and one token.")}},
		"in capitals":    {append(g.proof("GET", "/", token, nil)[1:], "Authorization: dpop  "+token), 200, nil},
	} {
		t.Run(name, func(t *testing.T) {
			response := g.send("GET /", c.headers...)
			wantStatus(t, response, c.status)
			wantChallenges(t, response, c.want...)
			raw := g.upstream.next()
			if (raw != "") != (c.status == 200) {
				t.Errorf("upstream got %q", raw)
			}
			if strings.Contains(raw, "Authorization") || strings.Contains(strings.ToLower(raw), "dpop") {
				t.Errorf("credentials go on:\n%s", raw)
			}
		})
	}
}

func TestRS38_RequiredRefusesWhatIsNotBound(t *testing.T) {
	g := newProvingGateway(t, setup{block: "dpop required {\nalgorithms EdDSA\n}"})
	only := `DPoP realm="https://api.test"%s, algs="EdDSA"`
	response := g.send("GET /")
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenges(t, response, fmt.Sprintf(only, ""))
	response = g.send("GET /", g.bearer(nil))
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenges(t, response, fmt.Sprintf(only, errorUnbound))
	// ES256 is not in the list.
	wantStatus(t, g.send("GET /", g.proof("GET", "/", g.bound(nil), nil)...), http.StatusUnauthorized)
}

// RFC 9449 §7.1: what else is wrong is said of the scheme that the request used.
func TestRS38_ErrorsAreOfTheSchemeOfTheRequest(t *testing.T) {
	g := newProvingGateway(t, setup{block: "dpop\nallow * * scope write"})
	dpop := strings.Replace(challengeDPoP, ", algs", `, error="insufficient_scope", `+
		`error_description="The access token does not have the scope that this request needs", scope="write", algs`, 1)
	response := g.send("GET /", g.proof("GET", "/", g.bound(nil), nil)...)
	wantStatus(t, response, http.StatusForbidden)
	wantChallenges(t, response, challengeNone+`, scope="write"`, dpop)
}

func TestG43_WithoutDPoPABoundTokenIsRefused(t *testing.T) {
	g := provingGateway{newGateway(t, setup{}), dpoptest.NewKey()}
	token := g.bound(nil)
	response := g.send("GET /", "Authorization: Bearer "+token)
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenges(t, response, challengeNone+errorBound)
	response = g.send("GET /", g.proof("GET", "/", token, nil)...)
	wantStatus(t, response, http.StatusUnauthorized)
	wantChallenges(t, response, challengeNone)
}

// The address of a proof is the configured one, whatever the request says.
func TestG74_TheAddressIsConfigured(t *testing.T) {
	g := newProvingGateway(t, setup{block: "dpop", site: "uri strip_prefix /v1\nmethod /w POST"})
	token := g.bound(nil)
	signed := func(method, target string) []string {
		return []string{"Authorization: DPoP " + token, "DPoP: " + g.key.Sign(dpoptest.Proof{Method: method, Target: target, Token: token, At: time.Now()})}
	}
	for name, c := range map[string]struct {
		request string
		proof   []string
		more    string
		want    int
	}{
		"as configured":         {"GET /a", signed("GET", "https://api.test/a"), "", 200},
		"another spelling":      {"GET /a", signed("GET", "HTTPS://API.test:443/%61?x#y"), "", 200},
		"query":                 {"GET /a?b=c", signed("GET", "https://api.test/a"), "", 200},
		"absolute form":         {"GET http://evil.test/a", signed("GET", "https://api.test/a"), "", 200},
		"the Host of the lines": {"GET /a", signed("GET", "http://"+g.address+"/a"), "", 401},
		"X-Forwarded-Host":      {"GET /a", signed("GET", "https://evil.test/a"), "X-Forwarded-Host: evil.test", 401},
		"X-Forwarded-Proto":     {"GET /a", signed("GET", "http://api.test/a"), "X-Forwarded-Proto: http", 401},
		"another path":          {"GET /a", signed("GET", "https://api.test/b"), "", 401},
		"before the rewrite":    {"GET /v1/a", signed("GET", "https://api.test/v1/a"), "", 200},
		"after the rewrite":     {"GET /v1/a", signed("GET", "https://api.test/a"), "", 401},
		"the method as sent":    {"GET /w", signed("GET", "https://api.test/w"), "", 200},
		"the method as changed": {"GET /w", signed("POST", "https://api.test/w"), "", 401},
		"another method":        {"POST /a", signed("GET", "https://api.test/a"), "", 401},
		"escaped slash":         {"GET /a%2fb", signed("GET", "https://api.test/a%2Fb"), "", 200},
		"unescaped slash":       {"GET /a%2fb", signed("GET", "https://api.test/a/b"), "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			headers := c.proof
			if c.more != "" {
				headers = append(slices.Clone(headers), c.more)
			}
			wantStatus(t, g.send(c.request, headers...), c.want)
		})
	}
}

// The store remembers proofs over a reload and over a restart of the process.
func TestG77_AReplayedProofIsRefusedAfterARestart(t *testing.T) {
	g := newProvingGateway(t, setup{block: "dpop"})
	token := g.bound(nil)
	used := g.proof("GET", "/", token, nil)
	wantStatus(t, g.send("GET /", used...), http.StatusOK)
	again := func(when string) {
		t.Helper()
		response := g.send("GET /", used...)
		wantStatus(t, response, http.StatusUnauthorized)
		wantChallenges(t, response, challengeNone, ofDPoP("invalid_dpop_proof", "The DPoP proof was used before; make a new one for each request."))
		if t.Failed() {
			t.Fatal(when)
		}
	}
	again("at once")
	if err := reload(strings.Replace(g.caddyfile, "dpop", "dpop {\nmax_age 5m\n}", 1)); err != nil {
		t.Fatal(err)
	}
	again("after a reload")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := load(t, g.caddyfile); err != nil {
		t.Fatal(err)
	}
	again("after a restart")
	wantStatus(t, g.send("GET /", g.proof("GET", "/", token, nil)...), http.StatusOK)
}

// Two bearer_auth on the way of one request see one proof, which is no replay.
func TestG77_TwoHandlersOnOneWayTakeOneProof(t *testing.T) {
	g := newProvingGateway(t, setup{block: "dpop\ntoken forward"})
	second := fmt.Sprintf("route {\nbearer_auth %s {\naudience %s\ndpop\n}\n}\nreverse_proxy", g.issuer.URL, apiAudience)
	if err := reload(strings.Replace(g.caddyfile, "reverse_proxy", second, 1)); err != nil {
		t.Fatal(err)
	}
	token := g.bound(nil)
	used := g.proof("GET", "/", token, nil)
	wantStatus(t, g.send("GET /", used...), http.StatusOK)
	if raw := g.upstream.next(); len(header(raw, "X-Auth-Subject")) != 1 || strings.Contains(raw, "Dpop") {
		t.Errorf("upstream got\n%s", raw)
	}
	wantStatus(t, g.send("GET /", used...), http.StatusUnauthorized)
}

func TestDPoPNeedsAPublicAddress(t *testing.T) {
	for audience, ok := range map[string]bool{
		"api": false, "urn:api": false, "http://api.test": false, "https:": false,
		"https://api.test": true, "api https://api.test/v1": true, "http://127.0.0.1:8081": true,
	} {
		text := config(t, "", "oauth2 {\nstorage sqlite "+filepath.Join(t.TempDir(), "oauth2.db")+"\n}", fmt.Sprintf(
			"http://127.0.0.1:%d {\nbearer_auth https://idp.test {\naudience %s\ndpop\n}\n}", freePort(t), audience))
		err := load(t, text)
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "dpop needs the public address of this API") {
			t.Errorf("%s: %v", audience, err)
		}
	}
}
