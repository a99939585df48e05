package introspect

import (
	"encoding/json"
	"reflect"
	"runtime"
	"testing"
)

// keep gives a token as a cache holds it.
func keep(t *Token) *Token {
	return newEntry(new([32]byte), new(Issuer), t, new(commons)).unpack(new(Token))
}

// What a cache keeps of a token says what the token did, now and after the decoded
// claims were collected.
func TestKeptClaims(t *testing.T) {
	all := map[string]any{
		"sub": "alice", "exp": json.Number("1.8e9"), "iat": json.Number("1800000000.5"), "sid": "s", "cnf": map[string]any{"jkt": "x"},
		"roles": []any{"a", json.Number("1"), true, nil, map[string]any{"b": []any{}}}, "text": "<é\u2028\"\\\t😀>", "empty": "", "none": nil,
	}
	kept := keep(&Token{Subject: "alice", Claims: ClaimsOf(all)})
	for range 3 {
		if got := kept.Claims.All(); !reflect.DeepEqual(got, all) {
			t.Fatalf("kept %v, want %v", got, all)
		}
		if !kept.Bound() || !kept.Dated() || kept.session() != "s" || kept.Subject != "alice" {
			t.Errorf("bound %v, dated %v, session %q", kept.Bound(), kept.Dated(), kept.session())
		}
		runtime.GC()
	}
	again := keep(kept)
	if !reflect.DeepEqual(again.Claims.All(), all) {
		t.Errorf("kept again: %v", again.Claims.All())
	}
	for name, claims := range map[string]*Claims{"none": nil, "empty": ClaimsOf(map[string]any{}), "nil": ClaimsOf(nil)} {
		kept := keep(&Token{Claims: claims})
		if len(kept.Claims.All()) != 0 || kept.Bound() || kept.Dated() || kept.session() != "" {
			t.Errorf("%s: %v", name, kept.Claims.All())
		}
	}
}

// What a route asks for on each request is decoded once, not on each.
func TestKeptClaimsStayDecodedForAWhile(t *testing.T) {
	kept := keep(&Token{Claims: ClaimsOf(map[string]any{"sub": "alice"})}).Claims
	all := kept.All()
	if n := testing.AllocsPerRun(10, func() { _ = kept.All() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	runtime.KeepAlive(all)
}
