package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestAClaimIsFoundByItsNameAndThenByItsPath(t *testing.T) {
	claims := map[string]any{
		"sub":   "frida",
		"age":   json.Number("7"),
		"admin": true,
		"none":  nil,
		"list":  []any{"a", "b,c"},
		"a":     map[string]any{"b": map[string]any{"c": "deep"}, "b.c": "dotted inside"},
		"a.b":   "exact",
		"https://claims.test/x.y": map[string]any{
			"z": "under a URL",
		},
	}
	for path, want := range map[string]string{
		"sub": "frida", "age": "7", "admin": "true", "none": "", "list": `["a","b,c"]`,
		"a.b": "exact", "a.b.c": "dotted inside", "a.x": "", "x": "", "": "", ".": "", "sub.x": "",
		"https://claims.test/x.y": `{"z":"under a URL"}`,
	} {
		if got := caddy.ToString(claimText(claims, path)); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
}

func TestF30_AnIdentityShowsNothingWhenPrinted(t *testing.T) {
	id := &identity{
		token:         &introspect.Token{Subject: "canary", Claims: introspect.ClaimsOf(map[string]any{"sub": "canary"})},
		authorization: []string{"Bearer canary"},
	}
	text, err := json.Marshal(map[string]any{"id": id})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(id), fmt.Sprintf("%+v %#v %s %q %x", id, id, id, id, id), caddy.ToString(id), string(text)} {
		if strings.Contains(shown, "canary") || strings.Contains(shown, fmt.Sprintf("%x", "canary")) {
			t.Errorf("it shows %s", shown)
		}
	}
}

func FuzzCarriesToken(f *testing.F) {
	for _, value := range []string{"Bearer x", "bearer\tx", "DPoP x", "Basic eDp5", "", " Bearer x", "Bearer", "Bearerx y", "Bearer,x"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		lower := strings.ToLower(strings.TrimLeft(value, " \t"))
		for _, scheme := range []string{"bearer", "dpop"} {
			rest, found := strings.CutPrefix(lower, scheme)
			if found && (rest == "" || rest[0] == ' ' || rest[0] == '\t' || rest[0] == ',') && !carriesToken(value) {
				t.Errorf("%q would reach the upstream", value)
			}
		}
	})
}

// The user is whom the token names, whoever a basic_auth before has found.
func TestTheSubjectWinsOverABasicAuthBefore(t *testing.T) {
	for name, before := range map[string]any{"nobody before": nil, "a basic_auth before": "basil"} {
		repl := caddy.NewReplacer()
		if before != nil {
			repl.Set(userPlaceholder, before)
		}
		ctx := context.WithValue(context.WithValue(t.Context(), caddy.ReplacerCtxKey, repl), caddyhttp.VarsCtxKey, map[string]any{})
		id := newIdentity(ctx)
		for _, want := range []string{"frida", "root", ""} {
			var token *introspect.Token
			if want != "" {
				token = &introspect.Token{Subject: want}
			}
			id.set(ctx, token)
			if got, _ := repl.GetString(userPlaceholder); got != want {
				t.Errorf("%s: the user is %q, want %q", name, got, want)
			}
		}
	}
}

// A second bearer_auth may find another token: what the first has found stays as it
// is, for the first may still watch over the answer with it.
func TestTheRoomForATokenIsGivenOnce(t *testing.T) {
	id := new(identity)
	if id.tokenRoom() == nil || id.tokenRoom() != nil {
		t.Error("two bearer_auths share the memory of their tokens")
	}
}
