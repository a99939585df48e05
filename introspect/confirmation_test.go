package introspect_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	aThumbprint       = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	anotherThumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
)

func TestG44_RS38_WhatCnfSays(t *testing.T) {
	for cnf, want := range map[string]introspect.Confirmation{
		`{"jkt":"` + aThumbprint + `"}`:                                        {Key: aThumbprint},
		`{"x5t#S256":"` + aThumbprint + `"}`:                                   {Certificate: aThumbprint},
		`{"jkt":"` + aThumbprint + `","x5t#S256":"` + anotherThumbprint + `"}`: {Key: aThumbprint, Certificate: anotherThumbprint},
		// RFC 7800 §3.1: what is not understood is ignored, beside what is.
		`{"jkt":"` + aThumbprint + `","kid":"1","jwk":{}}`: {Key: aThumbprint},
		// Nothing here that anybody could prove to us.
		`{}`: {}, `{"kid":"1"}`: {}, `{"jwk":{}}`: {}, `null`: {}, `"x"`: {}, `[]`: {}, `true`: {}, `{"JKT":"` + aThumbprint + `"}`: {},
		`{"jkt":""}`: {}, `{"jkt":null}`: {}, `{"jkt":1}`: {}, `{"jkt":["` + aThumbprint + `"]}`: {}, `{"jkt":"x"}`: {},
		`{"jkt":"` + aThumbprint + `="}`: {}, `{"jkt":"` + aThumbprint[1:] + `"}`: {}, `{"jkt":"` + aThumbprint + "A" + `"}`: {},
		`{"jkt":"` + strings.Replace(aThumbprint, "-", "+", 1) + `"}`:  {},
		`{"jkt":"` + aThumbprint[:42] + `J"}`:                          {}, // bits that no digest has
		`{"jkt":"` + aThumbprint[:21] + `\n` + aThumbprint[22:] + `"}`: {},
		`{"jkt":"` + aThumbprint + `","x5t#S256":"x"}`:                 {},
		`{"jkt":1,"x5t#S256":"` + aThumbprint + `"}`:                   {},
		`{"jkt":"` + aThumbprint + `","x5t#S256":null}`:                {},
		`{"jkt":"` + strings.Repeat("A", 1<<16) + `"}`:                 {},
	} {
		var value any
		if err := json.Unmarshal([]byte(cnf), &value); err != nil {
			t.Fatal(err)
		}
		got, err := introspect.ReadConfirmation(map[string]any{"cnf": value})
		if got != want || (err == nil) != (want != introspect.Confirmation{}) {
			t.Errorf("%.100s: %+v, %v; want %+v", cnf, got, err, want)
		}
	}
	if got, err := introspect.ReadConfirmation(map[string]any{}); err != nil || got != (introspect.Confirmation{}) {
		t.Errorf("no cnf: %+v, %v", got, err)
	}
}

// Keycloak and others say DPoP in the typ of the payload or in token_type. That is
// an access token when it is bound to a key, and a lie when it is not.
func TestG91_RS38_ATokenThatSaysDPoP(t *testing.T) {
	bound, certificate := map[string]any{"jkt": aThumbprint}, map[string]any{"x5t#S256": aThumbprint}
	withJWTs(t, "", func(t *testing.T, at *introspect.Introspector, key signingKey, _ *issuer) {
		for _, c := range []struct {
			cnf  any
			want string
		}{{bound, introspect.ReasonBound}, {nil, introspect.ReasonType}, {certificate, introspect.ReasonType}} {
			token := key.sign("JWT", claims(time.Now(), map[string]any{"typ": "DPoP", "cnf": c.cnf}))
			expect(t, at, token, c.want)
		}
	})
}

// RFC 9449 §6.2, RFC 8705 §3.2: an introspection answer binds as a JWT does.
func TestG91_RS38_AnIntrospectionAnswerThatBinds(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		bound := map[string]any{"jkt": aThumbprint}
		for token, c := range map[string]struct {
			changes map[string]any
			want    string
		}{
			"a": {map[string]any{"token_type": "DPoP", "cnf": bound}, introspect.ReasonBound},
			"b": {map[string]any{"token_type": "Bearer", "cnf": bound}, introspect.ReasonBound},
			"c": {map[string]any{"cnf": map[string]any{"x5t#S256": aThumbprint}}, introspect.ReasonBound},
			"d": {map[string]any{"token_type": "DPoP", "cnf": map[string]any{"x5t#S256": aThumbprint}}, introspect.ReasonType},
			"e": {map[string]any{"token_type": "DPoP"}, introspect.ReasonType},
			"f": {map[string]any{"token_type": "N_A", "cnf": bound}, introspect.ReasonType},
		} {
			server.tokens[token] = active(c.changes)
			expect(t, at, token, c.want)
		}
	})
}
