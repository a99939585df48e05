package integration

import (
	"context"
	"crypto"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// lockLasts is how long the table stays locked: longer than any statement may
// wait, or half a minute when rounds are asked for.
var lockLasts = func() time.Duration {
	if faultRounds(0) > 0 {
		return 30 * time.Second
	}
	return 6 * time.Second
}()

// lockTable keeps a table to itself until unlock.
func lockTable(t *testing.T, dsn, table string) (unlock func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	for _, statement := range []string{"BEGIN", "LOCK TABLE " + table} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
	}
}

// code signs demo in with a browser and gives an authorization code.
func (n *node) code() string {
	n.c.t.Helper()
	query := url.Values{
		"response_type": {"code"}, "client_id": {"myClient"}, "redirect_uri": {"http://127.0.0.1/callback"},
		"scope": {"openid write"}, "state": {"s"},
	}
	answer := n.browser().authorize(n.c.issuer()+"/authorize?"+query.Encode(), "demo", "Ch4ng31t")
	if answer.Get("code") == "" {
		n.c.t.Fatalf("no code: %v", answer)
	}
	return answer.Get("code")
}

// browser is demo's, which stays signed in. The issuer's address is that of a
// balancer, which chooses this node.
func (n *node) browser() *browser {
	n.c.t.Helper()
	if n.c.demo == nil {
		n.c.demo = newBrowser(n.c.t, strings.TrimSuffix(n.c.issuer(), "/oauth2"))
	}
	here, err := url.Parse(n.auth)
	if err != nil {
		n.c.t.Fatal(err)
	}
	n.c.demo.client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, here.Host)
	}}
	return n.c.demo
}

// redeem asks for the tokens of a code.
func (n *node) redeem(code string) answer {
	return n.form(n.c.t.Context(), "/access_token", "grant_type", "authorization_code", "code", code, "redirect_uri", "http://127.0.0.1/callback")
}

// refresh asks for the next tokens of a family.
func (n *node) refresh(ctx context.Context, token string) answer {
	return n.form(ctx, "/access_token", "grant_type", "refresh_token", "refresh_token", token)
}

// family signs demo in and gives the first tokens.
func (n *node) family() (access, refresh string) {
	n.c.t.Helper()
	a := n.redeem(n.code())
	if a.status != http.StatusOK {
		n.c.t.Fatalf("a code: %v", a)
	}
	return a.text("access_token"), a.text("refresh_token")
}

// bound gives an access token that is bound to a key.
func (n *node) bound(key *signer) string {
	n.c.t.Helper()
	sum, err := key.public.Thumbprint(crypto.SHA256)
	if err != nil {
		n.c.t.Fatal(err)
	}
	return n.c.foreign.token(map[string]any{"cnf": map[string]string{"jkt": base64.RawURLEncoding.EncodeToString(sum)}})
}

// proven asks the foreign issuer's API with a bound token and a proof.
func (n *node) proven(token, proof string) answer {
	return visit(n.c.t.Context(), n.foreign, "Authorization", "DPoP "+token, "DPoP", proof)
}
