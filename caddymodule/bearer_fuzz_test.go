package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// Whatever stands in a Caddyfile is an error or a configuration that names
// issuers and an audience, and whose JSON decodes to the same again.
func FuzzBearerCaddyfile(f *testing.F) {
	for _, input := range []string{
		"bearer_auth https://idp.test {\naudience a\n}",
		"bearer_auth a b {\nrealm / /x\naudience a b\npublic GET,HEAD /x /y\nallow * /z* scope r w\nmode optional\ntoken forward\ncors_preflight\nleeway 30s\n}",
		"bearer_auth {\nrealm /\naudience a\nheader X-A {http.auth.token.a.b} as csv\nassertion X-B {\naudience u\nttl 30s\nclaims sub\n}\ntoken exchange / {\naudience u\nlifetime 1m\n}\n}",
		"bearer_auth {\nrealm /\naudience a\nallow GET\n}", "bearer_auth a {\naudience {\n}\n}", "bearer_auth a {\nleeway 99h\n}",
		"bearer_auth a {\naudience a\npublic *\nallow get x\n}", "bearer_auth {",
		"bearer_auth a {\naudience a\nallow * /x claim a.b c d acr 1 max_age 5m scope any r w expression `sub == \"a\"`\n}",
		"bearer_auth a {\naudience a\nallow * /x acr 1 {\nscope all r\nclaim a b\nclaim c d\nmax_age 1h\nexpression true\n}\nallow * *\n}",
		"bearer_auth \"a\nb\" {\naudience `x`\n}",
	} {
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input string) {
		tokens, err := caddyfile.Tokenize([]byte(input), "Caddyfile")
		if err != nil {
			return
		}
		handler := new(caddymodule.BearerAuth)
		if err := handler.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens)); err != nil {
			return
		}
		if len(handler.Issuers)+len(handler.Realms) == 0 || len(handler.Audience) == 0 {
			t.Errorf("it is accepted without an issuer or an audience: %+v", handler)
		}
		adapted := caddyconfig.JSON(handler, nil)
		again := new(caddymodule.BearerAuth)
		if err := caddy.StrictUnmarshalJSON(adapted, again); err != nil {
			t.Fatalf("%v\n%s", err, adapted)
		}
		if second, err := json.Marshal(again); err != nil || !bytes.Equal(adapted, second) {
			t.Errorf("%s\nbecomes\n%s: %v", adapted, second, err)
		}
	})
}
