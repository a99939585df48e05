package introspect

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

// What a cache holds says what the verdict said, and is not changed with it.
func TestAnEntryIsACopyOfItsVerdict(t *testing.T) {
	verdict := &Token{
		Issuer: "https://idp.test", Subject: "alice", ClientID: "web", Scope: []string{"read", "write"}, Audience: []string{"https://api.test"},
		ID: "1", GrantID: "g", SessionID: "own", Expires: 1800000000, NotBefore: 1, IssuedAt: 2, Until: 3, Generation: 4,
		Confirmation: Confirmation{Key: "k", Certificate: "c"}, Claims: ClaimsOf(map[string]any{"sub": "alice", "sid": "s"}),
	}
	for i, v := 0, reflect.ValueOf(*verdict); i < v.NumField(); i++ {
		if field := v.Type().Field(i); field.IsExported() && v.Field(i).IsZero() {
			t.Errorf("%s is not tested", field.Name)
		}
	}
	want := *verdict
	want.Scope, want.Audience = slices.Clone(want.Scope), slices.Clone(want.Audience)
	e := newEntry(&[32]byte{1}, &Issuer{URL: "https://idp.test", Fingerprint: 5}, verdict, new(commons))
	verdict.Scope[0], verdict.Audience[0] = "changed", "changed"
	for name, got := range map[string]*Token{"kept": e.unpack(new(Token)), "first": e.first(verdict.Claims)} {
		if all := got.Claims.All(); !reflect.DeepEqual(all, want.Claims.All()) {
			t.Errorf("%s: claims %v", name, all)
		}
		if got.session() != "s" {
			t.Errorf("%s: session %q", name, got.session())
		}
		plain := *got
		plain.Claims, plain.entry, plain.sid = want.Claims, nil, ""
		if !reflect.DeepEqual(plain, want) {
			t.Errorf("%s: %+v, want %+v", name, plain, want)
		}
	}
	found := e.unpack(new(Token))
	if kept := e.first(verdict.Claims).Kept(); kept.Claims != found.Claims || kept.Subject != "alice" || found.Kept() != found || verdict.Kept() != verdict {
		t.Error("kept is another token, or not as the cache has it")
	}
	if e.digest != [32]byte{1} || e.fingerprint != 5 || e.size < int64(len(`{"sid":"s","sub":"alice"}`)) {
		t.Errorf("%+v", e)
	}
}

// The claims of a JWT are kept as it has them, those of others are written.
func TestAnEntryKeepsClaimsAsTheyCame(t *testing.T) {
	const text = `{ "sub": "alice", "n": 1.0 }`
	all := map[string]any{"sub": "alice", "n": json.Number("1.0")}
	for want, claims := range map[string]*Claims{text: {all: all, text: text}, `{"n":1.0,"sub":"alice"}`: ClaimsOf(all)} {
		e := newEntry(new([32]byte), new(Issuer), &Token{Claims: claims}, new(commons))
		if e.claims.text[e.claims.start:] != want || !reflect.DeepEqual(e.claims.All(), all) {
			t.Errorf("%s is kept as %s, %v", want, e.claims.text, e.claims.All())
		}
	}
	// RS33: a token that is found has the claims that it had.
	for _, all := range []map[string]any{{"x": func() {}}, {"sub": "a", "Sub": "b"}} {
		if e := newEntry(new([32]byte), new(Issuer), &Token{Claims: ClaimsOf(all)}, new(commons)); e != nil {
			t.Errorf("what cannot be written or read again is kept as %+v", e)
		}
	}
}
