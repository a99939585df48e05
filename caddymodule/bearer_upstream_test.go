package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestASignedTextIsUsedUntilHalfOfItsLifeIsLeft(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	count := 0
	var s signed
	at := func(after, life time.Duration) string {
		now := start.Add(after)
		text, err := s.at(now, func() (string, time.Time, time.Time, error) {
			count++
			return fmt.Sprint(count), now, now.Add(life), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, step := range []struct {
		after, life time.Duration
		want        string
	}{
		{0, time.Minute, "1"}, {29 * time.Second, time.Minute, "1"}, {30 * time.Second, time.Minute, "2"},
		{59 * time.Second, time.Minute, "2"}, {70 * time.Second, time.Second, "3"}, {71 * time.Second, time.Minute, "4"},
	} {
		if got := at(step.after, step.life); got != step.want {
			t.Errorf("after %s it is text %s, want %s", step.after, got, step.want)
		}
	}
	failed := errors.New("no key")
	if _, err := s.at(start.Add(time.Hour), func() (string, time.Time, time.Time, error) { return "", start, start, failed }); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
}

// What is made of a token is made once on each route, and belongs to it.
func TestHeadersArePreparedOnceATokenAndRoute(t *testing.T) {
	token := cached(t, introspect.Token{Subject: "frida", Claims: introspect.ClaimsOf(map[string]any{"roles": "admin"})})
	first := upstream{route: routes.Add(1)}
	second := upstream{route: routes.Add(1), headers: identityHeaders{(&BearerHeader{Name: "X-Roles", Value: "{http.auth.token.roles}"}).mapped()}}
	standard := []string{"frida", absent, absent, streamIssuer}
	for u, want := range map[*upstream][]string{&first: standard, &second: append(slices.Clone(standard), "admin")} {
		once, values := u.prepare(token, false), make([]string, len(standardHeaders)+len(u.headers))
		if u.prepare(token, false) != once || !unpackValues(once.Text, values) || !slices.Equal(values, want) {
			t.Errorf("prepared again, or wrongly: %q, want %q", values, want)
		}
	}
	signs := upstream{route: routes.Add(1)}
	once := signs.prepare(token, true)
	if texts, ok := once.More.(*signedTexts); !ok || texts == nil || signs.prepare(token, true) != once {
		t.Error("what is signed is signed on each request")
	}
	if other := cached(t, introspect.Token{Subject: "frida"}); first.prepare(other, false) == first.prepare(token, false) {
		t.Error("two tokens share what was prepared")
	}
}

func TestPackedValues(t *testing.T) {
	for _, values := range [][]string{{"a"}, {"", "b", absent, "", "cc", ""}, {strings.Repeat("x", maxIdentityTotal), absent}} {
		packed, into := packValues(values), make([]string, len(values))
		if !unpackValues(packed, into) || !slices.Equal(into, values) {
			t.Errorf("%.50q became %.50q", values, into)
		}
	}
	if unpackValues(packValues(nil), nil) {
		t.Error("there are values where none were packed")
	}
}

// cached gives what a cache holds of a token of the tests' issuer.
func cached(t *testing.T, of introspect.Token) *introspect.Token {
	t.Helper()
	of.Issuer, of.Audience, of.Expires = streamIssuer, []string{streamAudience}, time.Now().Add(time.Hour).Unix()
	cache, err := introspect.NewCache(10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	source := &voucher{answer: func(context.Context) (*introspect.Token, error) { return &of, nil }}
	at, err := introspect.New(introspect.Config{
		Issuers:   []introspect.Issuer{{Name: "test", URL: streamIssuer, Source: source, Opaque: func(string) bool { return true }}},
		Audiences: []string{streamAudience}, Cache: cache, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		result, err := at.Introspect(t.Context(), introspect.Presented{Token: oauth.NewSecret("opaque")})
		if err != nil {
			t.Fatal(err)
		}
		if result.Cached {
			return result.Token
		}
		cache.Wait()
	}
}

// notReady is a bearer_auth over an app that has not opened its store.
func notReady() *BearerAuth {
	return &BearerAuth{
		Audience:  []string{"https://api.test"},
		Assertion: &BearerAssertion{Header: "X-Identity-Assertion", Audience: "x", TTL: 60e9, Claims: []string{"sub"}},
		upstream:  upstream{app: new(App), now: time.Now},
		log:       slog.New(slog.DiscardHandler),
	}
}

// What cannot be signed now is our failure, and the upstream sees nothing of it.
func TestWithoutItsStoreTheGatewayIs503AndNot401(t *testing.T) {
	token := &introspect.Token{Subject: "frida", Expires: time.Now().Add(time.Hour).Unix(), Claims: introspect.ClaimsOf(map[string]any{})}
	for name, b := range map[string]*BearerAuth{
		"assertion": notReady(),
		"exchange":  {ExchangeToken: &BearerExchange{Realm: "/", Lifetime: 60e9}, upstream: upstream{app: new(App), now: time.Now}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		refused := b.hand(r, new(identity), token)
		if refused == nil || refused.status != http.StatusServiceUnavailable || refused.retryAfter <= 0 || len(r.Header) > 0 {
			t.Errorf("%s: %+v, headers %v", name, refused, r.Header)
		}
	}
	w := httptest.NewRecorder()
	if !notReady().publishesAssertionKeys(w, httptest.NewRequest(http.MethodGet, assertionKeysPath, nil)) ||
		w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("the keys: %d, %v", w.Code, w.Header())
	}
}

// A JWT is a bearer token whatever the token was, so a bound one has none.
func TestG43_ABoundTokenIsNotExchanged(t *testing.T) {
	b := &BearerAuth{ExchangeToken: &BearerExchange{Realm: "/"}, upstream: upstream{app: new(App), now: time.Now}}
	token := &introspect.Token{Subject: "frida", Expires: time.Now().Add(time.Hour).Unix(), Claims: introspect.ClaimsOf(map[string]any{"cnf": map[string]any{"jkt": "x"}})}
	refused := b.hand(httptest.NewRequest(http.MethodGet, "/", nil), new(identity), token)
	if refused == nil || refused.status != http.StatusUnauthorized || refused.reason != introspect.ReasonBound {
		t.Errorf("%+v", refused)
	}
}

// A configuration in JSON can say what no Caddyfile can.
func TestATokenIsForwardedOrExchangedAndNotBoth(t *testing.T) {
	for name, test := range map[string]struct {
		b  BearerAuth
		ok bool
	}{
		"exchanged":           {BearerAuth{Realms: []string{"/"}, ExchangeToken: &BearerExchange{Realm: "/"}}, true},
		"both":                {BearerAuth{Realms: []string{"/"}, ForwardToken: true, ExchangeToken: &BearerExchange{Realm: "/"}}, false},
		"of another realm":    {BearerAuth{Realms: []string{"/a"}, ExchangeToken: &BearerExchange{Realm: "/"}}, false},
		"of two realms":       {BearerAuth{Realms: []string{"/", "/a"}, ExchangeToken: &BearerExchange{Realm: "/"}}, false},
		"of a foreign issuer": {BearerAuth{Realms: []string{"/"}, Issuers: []string{"corp"}, ExchangeToken: &BearerExchange{Realm: "/"}}, false},
		"for an empty name":   {BearerAuth{Realms: []string{"/"}, ExchangeToken: &BearerExchange{Realm: "/", Audience: []string{""}}}, false},
	} {
		if err := test.b.checkUpstream(); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
