package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// phantom is a Caddy with a realm whose client holds opaque tokens, the API that
// exchanges them, and a service behind it that takes what it gets.
type phantom struct {
	*gateway
	server, service *gateway
	issuer          string
}

func newPhantom(t *testing.T, exchange string) *phantom {
	t.Helper()
	site := func() *gateway { return &gateway{t: t, address: fmt.Sprintf("127.0.0.1:%d", freePort(t))} }
	p := &phantom{gateway: site(), server: site(), service: site()}
	p.upstream = newRawUpstream(t)
	p.issuer = "http://" + p.server.address + "/oauth2"
	globals := strings.TrimSuffix(keeping(t), "}") + fmt.Sprintf(`
	realm / {
		issuer %s
		resource %s
		access_token {
			format opaque
		}
		client shop {
			secret 0123456789abcdef
			grants client_credentials
			scopes read write
			default_scopes read
		}
	}
}`, p.issuer, apiAudience)
	if err := load(t, config(t, "", globals, fmt.Sprintf(`http://%s {
	oauth2_server
}
http://%s {
	bearer_auth {
		realm /
		audience %s
		public /public
		allow * *
		token exchange / {
			%s
		}
	}
	reverse_proxy %s
}
http://%s {
	bearer_auth {
		realm /
		audience http://orders.internal
	}
	respond ok
}
`, p.server.address, p.address, apiAudience, exchange, p.upstream.address, p.service.address))); err != nil {
		t.Fatal(err)
	}
	return p
}

// post sends a form as the client, and gives the JSON of the answer, if any.
func (p *phantom) post(path, form string) map[string]any {
	p.t.Helper()
	response := p.server.raw(fmt.Sprintf("POST /oauth2/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic c2hvcDowMTIzNDU2Nzg5YWJjZGVm\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, p.server.address, len(form), form))
	wantStatus(p.t, response, http.StatusOK)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	document := map[string]any{}
	_ = json.Unmarshal(body, &document) // a revocation has none
	return document
}

// exchanged sends an opaque token to the API and gives what the upstream gets.
func (p *phantom) exchanged(opaque string) string {
	p.t.Helper()
	wantStatus(p.t, p.send("GET /", "Authorization: Bearer "+opaque), http.StatusOK)
	raw := p.upstream.next()
	values := header(raw, "Authorization")
	if len(values) != 1 || strings.Contains(raw, opaque) {
		p.t.Fatalf("the upstream got\n%s", raw)
	}
	text, _ := strings.CutPrefix(values[0], "Bearer ")
	return text
}

func TestClientsHoldOpaqueTokensAndUpstreamsSeeAJWT(t *testing.T) {
	p := newPhantom(t, "audience http://orders.internal\nlifetime 2m")
	opaque := p.post("access_token", "grant_type=client_credentials")["access_token"].(string)
	if !strings.HasPrefix(opaque, "oat_") {
		t.Fatalf("the token is not opaque")
	}
	text := p.exchanged(opaque)
	if again := p.exchanged(opaque); again != text {
		t.Error("the same token is exchanged twice")
	}
	body, err := io.ReadAll(p.server.send("GET /oauth2/connect/jwk_uri").Body)
	if err != nil {
		t.Fatal(err)
	}
	set, err := jwk.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	read, err := jwt.ParseString(text, jwt.WithKeySet(set), jwt.WithIssuer(p.issuer), jwt.WithAudience("http://orders.internal"),
		jwt.WithClaimValue("sub", "shop"), jwt.WithClaimValue("client_id", "shop"), jwt.WithClaimValue("scope", "read"))
	if err != nil {
		t.Fatal(err)
	}
	if audience := read.Audience(); len(audience) != 1 || !lasts(read, 2*time.Minute) {
		t.Errorf("audience %v, from %v to %v", audience, read.IssuedAt(), read.Expiration())
	}
	if message, err := jws.ParseString(text); err != nil || message.Signatures()[0].ProtectedHeaders().Type() != "at+jwt" {
		t.Errorf("typ: %v", err)
	}

	// It opens the service behind the API, and not the API.
	wantStatus(t, p.service.send("GET /", "Authorization: Bearer "+text), http.StatusOK)
	wantStatus(t, p.service.send("GET /", "Authorization: Bearer "+opaque), http.StatusUnauthorized)
	wantStatus(t, p.send("GET /", "Authorization: Bearer "+text), http.StatusUnauthorized)

	// On a public path there is no token that was verified, so none to exchange.
	wantStatus(t, p.send("GET /public", "Authorization: Bearer "+opaque), http.StatusOK)
	if raw := p.upstream.next(); raw == "" || strings.Contains(raw, "Authorization") {
		t.Errorf("on a public path the upstream got\n%s", raw)
	}

	// What ends the token ends the JWT.
	p.post("token/revoke", "token="+opaque)
	wantStatus(t, p.send("GET /", "Authorization: Bearer "+opaque), http.StatusUnauthorized)
	wantStatus(t, p.service.send("GET /", "Authorization: Bearer "+text), http.StatusUnauthorized)
	if raw := p.upstream.next(); raw != "" {
		t.Errorf("after the revocation the upstream got\n%s", raw)
	}
}

func TestAnExchangedTokenIsForTheAudienceOfTheAPIByDefault(t *testing.T) {
	p := newPhantom(t, "")
	granted := p.post("access_token", "grant_type=client_credentials&scope=write")
	read, err := jwt.ParseInsecure([]byte(p.exchanged(granted["access_token"].(string))))
	if err != nil {
		t.Fatal(err)
	}
	if audience := read.Audience(); len(audience) != 1 || audience[0] != apiAudience || !lasts(read, 5*time.Minute) {
		t.Errorf("audience %v, from %v to %v", audience, read.IssuedAt(), read.Expiration())
	}
	if scope, _ := read.Get("scope"); scope != "write" {
		t.Errorf("scope %v", scope)
	}
}

// lasts says whether a token that was granted and exchanged in this test is good
// for so long from its exchange.
func lasts(read jwt.Token, span time.Duration) bool {
	life := read.Expiration().Sub(read.IssuedAt())
	return life >= span && life < span+time.Minute
}
