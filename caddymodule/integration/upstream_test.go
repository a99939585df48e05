package integration

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// ordersAudience is what the upstream of these tests is called.
const ordersAudience = "http://orders.internal"

// distrustful is an upstream that believes no header but what it has verified with
// libraries that are not ours, by keys that it fetches where they are published.
type distrustful struct {
	*httptest.Server
	issuer, keys, assertionKeys string

	mu    sync.Mutex
	calls []string
}

func newDistrustful(t *testing.T) *distrustful {
	t.Helper()
	d := &distrustful{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /phantom", func(w http.ResponseWriter, r *http.Request) { d.answer(w, d.accessToken(r)) })
	mux.HandleFunc("GET /assertion", func(w http.ResponseWriter, r *http.Request) { d.answer(w, d.assertion(r)) })
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	return d
}

func (d *distrustful) answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
	}
}

// accessToken verifies a JWT of the realm with go-oidc.
func (d *distrustful) accessToken(r *http.Request) error {
	text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	verifier := oidc.NewVerifier(d.issuer, oidc.NewRemoteKeySet(ctx, d.keys), &oidc.Config{ClientID: ordersAudience, SupportedSigningAlgs: []string{oidc.ES256}})
	token, err := verifier.Verify(ctx, text)
	if err != nil {
		return err
	}
	var claims struct {
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	if err := token.Claims(&claims); err != nil {
		return err
	}
	if subject := r.Header.Get("X-Auth-Subject"); token.Subject != subject || claims.ClientID != r.Header.Get("X-Auth-Client-Id") || claims.Scope != r.Header.Get("X-Auth-Scope") {
		return fmt.Errorf("%s %+v, with headers %v", token.Subject, claims, r.Header)
	}
	d.saw(text)
	return nil
}

// assertion verifies one with jwx.
func (d *distrustful) assertion(r *http.Request) error {
	set, err := jwk.Fetch(r.Context(), d.assertionKeys)
	if err != nil {
		return err
	}
	text := r.Header.Get("X-Identity-Assertion")
	token, err := jwt.ParseString(text, jwt.WithKeySet(set), jwt.WithIssuer("https://api.test"), jwt.WithAudience(ordersAudience),
		jwt.WithSubject(r.Header.Get("X-Auth-Subject")), jwt.WithClaimValue("token_iss", r.Header.Get("X-Auth-Issuer")), jwt.WithRequiredClaim("jti"))
	if err != nil {
		return err
	}
	message, err := jws.ParseString(text)
	if err != nil {
		return err
	}
	if typ := message.Signatures()[0].ProtectedHeaders().Type(); typ != "identity-assertion+jwt" || token.Expiration().Sub(token.IssuedAt()) > time.Minute {
		return fmt.Errorf("typ %s, from %v to %v", typ, token.IssuedAt(), token.Expiration())
	}
	d.saw(text)
	return nil
}

func (d *distrustful) saw(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, text)
}

// last gives what was verified last, and how often something was.
func (d *distrustful) last() (text string, calls int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.calls) == 0 {
		return "", 0
	}
	return d.calls[len(d.calls)-1], len(d.calls)
}

// startDistrusted runs the binary with a realm of opaque tokens, whose API hands
// the upstream a JWT, and an API that takes tokens of f and signs assertions.
func startDistrusted(t *testing.T, f *foreignIssuer, d *distrustful) (oauth2, phantom, asserted string) {
	t.Helper()
	ports, home := freePorts(t, 4), t.TempDir()
	site := func(n int) string { return fmt.Sprintf("http://localhost:%d", ports[n]) }
	d.issuer = site(0) + "/oauth2"
	d.keys, d.assertionKeys = d.issuer+"/connect/jwk_uri", site(2)+"/.well-known/identity-assertion/jwks.json"
	start(t, strings.NewReplacer(
		"DATABASE", home+"/oauth2.db", "AUTH", site(0), "PHANTOM", site(1), "ASSERTED", site(2), "FOREIGN", f.URL,
		"UPSTREAM", strings.TrimPrefix(d.URL, "http://"), "ORDERS", ordersAudience,
	).Replace(`{
	admin off
	default_bind 127.0.0.1 [::1]
	oauth2 {
		storage sqlite DATABASE
		realm / {
			issuer AUTH/oauth2
			resource https://api.test
			access_token {
				format opaque
			}
			client shop {
				secret shop-secret
				grants client_credentials
				scopes read write
				default_scopes read
			}
		}
	}
}
AUTH {
	oauth2_server
}
PHANTOM {
	bearer_auth {
		realm /
		audience https://api.test
		token exchange / {
			audience ORDERS
		}
	}
	reverse_proxy UPSTREAM
}
ASSERTED {
	bearer_auth FOREIGN {
		audience https://api.test
		assertion {
			audience ORDERS
		}
	}
	reverse_proxy UPSTREAM
}
`), home)
	return d.issuer, site(1), site(2)
}

// A client that holds nothing but an opaque token reaches an upstream that takes
// nothing but a JWT of the realm.
func TestAnUpstreamVerifiesTheJWTOfAClientWithAnOpaqueToken(t *testing.T) {
	d := newDistrustful(t)
	oauth2, phantom, _ := startDistrusted(t, newForeignIssuer(t), d)
	answer := curlJSON(t, "--user", "shop:shop-secret", "--data", "grant_type=client_credentials&scope=read write", oauth2+"/access_token")
	opaque := text(t, answer, "access_token")
	if strings.Contains(opaque, ".") {
		t.Fatal("the client's token is a JWT")
	}
	wantStatus(t, phantom+"/phantom", opaque, "200")
	seen, calls := d.last()
	if calls != 1 || seen == opaque || strings.Count(seen, ".") != 2 {
		t.Fatalf("after %d calls the upstream saw %s", calls, seen)
	}
	// It is of no use to the client, and the upstream takes nothing else.
	wantStatus(t, phantom+"/phantom", seen, "401")
	wantStatus(t, d.URL+"/phantom", opaque, "418")
	wantStatus(t, phantom+"/phantom", opaque+"x", "401")
	if _, calls := d.last(); calls != 1 {
		t.Errorf("the upstream verified %d", calls)
	}
	curl(t, "--fail", "--user", "shop:shop-secret", "--data", "token="+opaque, oauth2+"/token/revoke")
	wantStatus(t, phantom+"/phantom", opaque, "401")
}

// RS40: an upstream that checks the assertion notices who came past the gateway.
func TestRS40_AnUpstreamNoticesWhoComesPastTheGateway(t *testing.T) {
	d, f := newDistrustful(t), newForeignIssuer(t)
	_, _, asserted := startDistrusted(t, f, d)
	eventually(t, asserted+"/assertion", f.token(nil), "200")
	assertion, _ := d.last()
	past := func(header string) string {
		return curl(t, "--output", "/dev/null", "--write-out", "%{http_code}", "--header", "X-Auth-Subject: frida", "--header", "X-Auth-Issuer: "+f.URL,
			"--header", "X-Identity-Assertion: "+header, d.URL+"/assertion")
	}
	if got := past(assertion); got != "200" {
		t.Fatalf("the assertion itself: %s", got)
	}
	for name, forged := range map[string]string{
		"none": "", "the client's token": f.token(map[string]any{"aud": ordersAudience}), "changed": assertion[:len(assertion)-8] + "AAAAAAAA",
	} {
		if got := past(forged); got != "418" {
			t.Errorf("%s: status %s", name, got)
		}
	}
	// It is no way back in.
	wantStatus(t, asserted+"/assertion", assertion, "401")
}
