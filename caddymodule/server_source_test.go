package caddymodule

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func introspectText(t *testing.T, issuer introspect.Issuer, text string) (*introspect.Token, error) {
	t.Helper()
	return issuer.Source.Introspect(t.Context(), oauth.NewSecret(text))
}

// reason is why a token was refused, or "" for any other outcome.
func reason(err error) string {
	var refusal *introspect.Refusal
	if errors.As(err, &refusal) {
		return refusal.Reason
	}
	return ""
}

// issuers gives the two realms of a test world and a token of each: a JWT and
// an opaque one.
func issuers(t *testing.T, app *App) (root, b introspect.Issuer, jwt, opaque string) {
	t.Helper()
	root, err1 := app.realmIssuer("/")
	b, err2 := app.realmIssuer("/b")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return root, b, tokenFor(t, app, "/oauth2", "a"), tokenFor(t, app, "/oauth2/realms/root/realms/b", "a")
}

func TestRealmIssuer(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	root, b, jwt, opaque := issuers(t, app)

	if root.URL != "https://auth.example.com/oauth2" || !root.Local || root.Fingerprint == b.Fingerprint {
		t.Errorf("root is %+v, b is %+v", root, b)
	}
	// A route may trust both: each takes its own opaque tokens, and no JWT so.
	for _, row := range []struct {
		text      string
		root, bee bool
	}{{opaque, false, true}, {jwt, false, false}, {"oat_unknown_x", false, false}, {"", false, false}} {
		if root.Opaque(row.text) != row.root || b.Opaque(row.text) != row.bee {
			t.Errorf("%.12s…: opaque token of / %v, of /b %v", row.text, root.Opaque(row.text), b.Opaque(row.text))
		}
	}

	if _, err := app.realmIssuer("/c"); err == nil || !strings.Contains(err.Error(), "there are /, /b") {
		t.Errorf("an unknown realm: %v", err)
	}
}

func TestRealmSource(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	root, b, jwt, opaque := issuers(t, app)

	for _, row := range []struct {
		name     string
		issuer   introspect.Issuer
		text     string
		audience string
	}{
		{"JWT", root, jwt, "https://auth.example.com/oauth2"},
		{"opaque", b, opaque, "https://auth.example.com/oauth2/realms/root/realms/b"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := introspectText(t, row.issuer, row.text)
			if err != nil {
				t.Fatal(err)
			}
			if got.Issuer != row.issuer.URL || got.Subject != "a" || got.ClientID != "a" || got.Scope.String() != "write" ||
				!slices.Equal(got.Audience, []string{row.audience}) || got.ID == "" || got.Expires <= time.Now().Unix() {
				t.Errorf("token %+v", got)
			}
			if claims := got.Claims.All(); claims["sub"] != "a" || claims["scope"] != "write" || claims["jti"] != got.ID {
				t.Errorf("claims %v", claims)
			}
			if !row.issuer.Source.Current(got) {
				t.Error("a fresh verdict does not hold")
			}
		})
	}

	// AS57: a token of one realm is nothing in another.
	for _, err := range []error{second(introspectText(t, b, jwt)), second(introspectText(t, root, opaque))} {
		if reason(err) != introspect.ReasonInactive {
			t.Errorf("error %v", err)
		}
	}
	if err := second(introspectText(t, root, "x")); reason(err) != introspect.ReasonMalformed {
		t.Errorf("error %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// Revocation counts on the next request, with and without a cached verdict.
func TestRealmSourceRevocation(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	root, b, jwt, opaque := issuers(t, app)
	known, err := introspectText(t, root, jwt)
	if err != nil {
		t.Fatal(err)
	}
	other, err := introspectText(t, b, opaque)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := ask(t, app, post("/oauth2/token/revoke", url.Values{"token": {jwt}, "client_id": {"a"}, "client_secret": {"s"}}))
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("revoking: status %d", answer.StatusCode)
	}
	if root.Source.Current(known) {
		t.Error("the old verdict still holds")
	}
	if _, err := introspectText(t, root, jwt); reason(err) != introspect.ReasonRevoked {
		t.Errorf("error %v", err)
	}
	// A verdict rests on the revocations of its time: others are asked for anew.
	if b.Source.Current(other) {
		t.Error("a verdict from before a revocation holds unasked")
	}
	if _, err := introspectText(t, b, opaque); err != nil {
		t.Errorf("another token: %v", err)
	}
}

// Logs and metrics tell a token that was good from one that never was.
func TestRealmSourceTellsAnExpiredTokenFromOthers(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	root, _, _, _ := issuers(t, app)
	r, _ := app.server.Load().Realm("/")
	past := time.Now().Add(-time.Hour)
	expired, _, err := r.Tokens.MintAccess(token.Access{
		Subject: "a", ClientID: "a", Audience: []string{"x"}, IssuedAt: past, Expires: past.Add(time.Minute),
	}, oauth.FormatJWT)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Source.Introspect(t.Context(), expired); reason(err) != introspect.ReasonExpired {
		t.Errorf("error %v", err)
	}
}

func TestRealmSourceCurrentAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	root, _, jwt, _ := issuers(t, app)
	known, err := introspectText(t, root, jwt)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { root.Source.Current(known) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A gateway asks this on each hit of its cache.
func BenchmarkRealmSourceCurrent(b *testing.B) {
	w := newWorld(b)
	app := w.load(w.config("a", ""))
	root, err := app.realmIssuer("/")
	if err != nil {
		b.Fatal(err)
	}
	known, err := root.Source.Introspect(b.Context(), oauth.NewSecret(tokenFor(b, app, "/oauth2", "a")))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !root.Source.Current(known) {
			b.Fatal("a fresh verdict does not hold")
		}
	}
}

// RS21, RS28: while nobody can tell, the answer is that, and never a verdict.
func TestRealmSourceUnavailable(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	root, b, jwt, opaque := issuers(t, app)
	known, err := introspectText(t, root, jwt)
	if err != nil {
		t.Fatal(err)
	}
	unavailable := func(err error) bool {
		var e *introspect.Unavailable
		return errors.As(err, &e) && e.RetryAfter > 0
	}

	notStarted := &App{config: app.config, routes: app.routes, backend: &pooledBackend{resource: "test"}}
	for _, name := range []string{"/", "/b"} {
		issuer, err := notStarted.realmIssuer(name)
		if err != nil {
			t.Fatal(err)
		}
		if !issuer.Opaque(opaque) {
			t.Errorf("%s: an opaque token has no issuer before the start", name)
		}
		if _, err := introspectText(t, issuer, jwt); !unavailable(err) {
			t.Errorf("%s before the start: %v", name, err)
		}
		if issuer.Source.Current(known) {
			t.Errorf("%s: a verdict holds before the start", name)
		}
	}

	w.stop()
	for name, err := range map[string]error{"/": second(introspectText(t, root, jwt)), "/b": second(introspectText(t, b, opaque))} {
		if !unavailable(err) {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	if root.Source.Current(known) {
		t.Error("a verdict holds after the end")
	}
}

// Placeholders see every claim, as it would be read from JSON.
func TestClaimsOfAUser(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	got := tokenOf(token.Access{
		ID: "j", Issuer: "i", Subject: "s", ClientID: "c", GrantID: "g", SessionID: "d",
		Scope: oauth.Scope{"openid", "write"}, Audience: []string{"x", "y"},
		IssuedAt: now, Expires: now.Add(time.Minute), AuthTime: now.Add(-time.Minute), ACR: "1", AMR: []string{"pwd"},
	}, 7)
	want := &introspect.Token{
		Issuer: "i", Subject: "s", ClientID: "c", Scope: oauth.Scope{"openid", "write"}, Audience: []string{"x", "y"},
		ID: "j", GrantID: "g", SessionID: "d", Expires: 1_700_000_060, Generation: 7,
		Claims: introspect.ClaimsOf(map[string]any{
			"jti": "j", "iss": "i", "sub": "s", "client_id": "c", "gid": "g", "sid": "d",
			"scope": "openid write", "aud": []any{"x", "y"}, "acr": "1", "amr": []any{"pwd"},
			"iat": json.Number("1700000000"), "exp": json.Number("1700000060"), "auth_time": json.Number("1699999940"),
		}),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestARouteWhoseAudienceNoClientCanObtainWarns(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	logged := func() string {
		text, err := os.ReadFile(filepath.Join(w.dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const warning = "no client of the realm can obtain a token for the audience"
	// Without any resource, the issuer is the audience of its tokens.
	app.warnUnobtainable("/", []string{"https://api.example.com", "https://auth.example.com/oauth2"})
	if strings.Contains(logged(), warning) {
		t.Errorf("a route that tokens open warns:\n%s", logged())
	}
	app.warnUnobtainable("/", []string{"https://api.example.com"})
	if !strings.Contains(logged(), warning) || !strings.Contains(logged(), `"audience":["https://api.example.com"]`) {
		t.Errorf("a route that no token opens does not warn:\n%s", logged())
	}
}
