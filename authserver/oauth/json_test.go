package oauth_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestDecodeObject(t *testing.T) {
	for input, want := range map[string]map[string]any{
		`{}`:                           {},
		` {"a" : 1} ` + "\n":           {"a": json.Number("1")},
		`{"a":[1,"x",null,true,{}]}`:   {"a": []any{json.Number("1"), "x", nil, true, map[string]any{}}},
		`{"a":"\u00e9\ud83d\ude00\\"}`: {"a": "é😀\\"},
		`{"a":"\\u0000"}`:              {"a": `\u0000`},
		`{"a":{"B":1,"b":2}}`:          {"a": map[string]any{"B": json.Number("1"), "b": json.Number("2")}},
		`{"a":12345678901234567890.5}`: {"a": json.Number("12345678901234567890.5")},
	} {
		got, err := oauth.DecodeObject([]byte(input))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v, want %v", input, got, err, want)
		}
	}
}

func TestG25_DuplicateMembers(t *testing.T) {
	for _, input := range []string{
		`{"alg":"RS256","alg":"none"}`,
		`{"sub":"a","sub":"a"}`,
		`{"exp":1,"exp":2}`,
		`{"aud":"a","aud":["b"]}`,
		`{"exp":1,"Exp":2}`,
		`{"a":{"b":1,"b":2}}`,
		`{"a":[{"b":1,"b":2}]}`,
		`{"sub":"a","s\u0075b":"b"}`,
	} {
		if _, err := oauth.DecodeObject([]byte(input)); err == nil {
			t.Errorf("%s was read", input)
		}
	}
	// A name in another case alone is another name, never the registered one.
	object, err := oauth.DecodeObject([]byte(`{"EXP":1,"Aud":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, present, _ := oauth.NumericDate(object, "exp"); present {
		t.Error("EXP counts as exp")
	}
	if list, _ := oauth.StringsMember(object, "aud"); list != nil {
		t.Error("Aud counts as aud")
	}
}

func TestG26_Encoding(t *testing.T) {
	for name, input := range map[string]string{
		"byte order mark":        "\ufeff{}",
		"invalid UTF-8":          "{\"a\":\"\xff\"}",
		"overlong UTF-8":         "{\"a\":\"\xc0\x80\"}",
		"raw surrogate":          "{\"a\":\"\xed\xa0\x80\"}",
		"lone high surrogate":    `{"a":"\ud800"}`,
		"lone low surrogate":     `{"a":"\udc00"}`,
		"high, then text":        `{"a":"\ud800x"}`,
		"high, then other":       `{"a":"\ud800\n"}`,
		"high, then high":        `{"a":"\ud800\ud800"}`,
		"swapped pair":           `{"a":"\ude00\ud83d"}`,
		"surrogate in a name":    `{"\ud800":1}`,
		"escaped NUL":            `{"a":"x\u0000"}`,
		"NUL in a name":          `{"a\u0000":1}`,
		"raw NUL":                "{\"a\":\"\x00\"}",
		"control character":      "{\"a\":\"\n\"}",
		"UTF-16 big endian":      "\xfe\xff\x00{\x00}",
		"UTF-16 little endian":   "\xff\xfe{\x00}\x00",
		"UTF-16 without mark":    "{\x00}\x00",
		"truncated escape":       `{"a":"\u12"}`,
		"backslash at the end":   `{"a":"\`,
		"surrogate at the end":   `{"a":"\ud800`,
		"half a pair at the end": `{"a":"\ud800\u`,
	} {
		if got, err := oauth.DecodeObject([]byte(input)); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

func TestG27_ShapeAndBounds(t *testing.T) {
	nested := func(depth int) string {
		return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
	}
	for name, input := range map[string]string{
		"null": "null", "array": "[]", "number": "1", "string": `"x"`, "empty": "", "space": " ",
		"two objects": "{}{}", "trailing text": "{} x", "trailing comma": `{"a":1,}`, "trailing brace": "{}}",
		"open": `{"a":1`, "wrong closing": `{"a":[1}]`, "comma in array": `{"a":[1,]}`, "no colon": `{"a" 1}`,
		"no value": `{"a":}`, "bare name": `{a:1}`, "single quotes": `{'a':1}`, "NaN": `{"a":NaN}`,
		"leading zero": `{"a":01}`, "plus": `{"a":+1}`, "comment": `{/**/}`,
		"17 levels":        nested(17),
		"10 000 levels":    nested(10_000),
		"10 000 arrays":    `{"a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}",
		"2 001 elements":   `{"a":[` + strings.Repeat("1,", 2_000) + "1]}",
		"100 000 elements": `{"a":[` + strings.Repeat("1,", 100_000) + "1]}",
	} {
		if _, err := oauth.DecodeObject([]byte(input)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := oauth.DecodeObject([]byte(nested(16))); err != nil {
		t.Error("16 levels were refused")
	}
}

func TestRS8_NumericDate(t *testing.T) {
	for value, want := range map[string]int64{
		"0": 0, "1700000000": 1700000000, "1700000000.9": 1700000000, "1.7e9": 1700000000, "253402300799": 253402300799,
	} {
		object, err := oauth.DecodeObject([]byte(`{"exp":` + value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, present, ok := oauth.NumericDate(object, "exp"); got != want || !present || !ok {
			t.Errorf("%s: %d, %v, %v", value, got, present, ok)
		}
	}
	for _, value := range []string{"-1", "1e400", "-1e400", "253402300800", "1e300", `"1700000000"`, "null", "true", "[1]", "{}"} {
		object, err := oauth.DecodeObject([]byte(`{"exp":` + value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, present, ok := oauth.NumericDate(object, "exp"); ok || !present {
			t.Errorf("%s: %d, %v, %v", value, got, present, ok)
		}
	}
	if _, present, ok := oauth.NumericDate(map[string]any{}, "exp"); present || !ok {
		t.Error("an absent member is present or wrong")
	}
}

func TestMembers(t *testing.T) {
	object := map[string]any{"text": "x", "null": nil, "number": json.Number("1"), "list": []any{"a", "b"}, "mixed": []any{"a", json.Number("1")}, "empty": []any{}}
	for name, want := range map[string]bool{"text": true, "absent": true, "null": false, "number": false, "list": false} {
		if _, ok := oauth.StringMember(object, name); ok != want {
			t.Errorf("StringMember %s: %v", name, ok)
		}
	}
	for name, want := range map[string]bool{"text": true, "absent": true, "list": true, "empty": true, "null": false, "number": false, "mixed": false} {
		if _, ok := oauth.StringsMember(object, name); ok != want {
			t.Errorf("StringsMember %s: %v", name, ok)
		}
	}
}

// FuzzDecodeObject holds the decoder against one that looks at each member: both
// read the same, and refuse the same but for escapes.
func FuzzDecodeObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1,"A":2}`, `{"a":"\ud83d\ude00"}`, `{"a":[1,{"b":null}]}`, `{"a":1}x`, "\ufeff{}", `{"a":"\\"}`, `{"":-0}`,
		`{"a":"\":,","b":[{},[],{"c":{}}]}`, `{"a":{"b":1,"b":2}}`, `{"\u0061":1,"a":2}`, `{"K":1,"k":2}`, `{"K":1,"k":2}`, `{"a":[[[[]]]],"b":":,"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := oauth.DecodeObject(data)
		want, wantErr := decodeByToken(data)
		if err != nil && wantErr == nil && !bytes.Contains(data, []byte(`\u`)) || err == nil && wantErr != nil {
			t.Fatalf("%q: %v, member by member %v", data, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %v, member by member %v", data, got, want)
		}
	})
}

func BenchmarkDecodeObject(b *testing.B) {
	data := []byte(`{"iss":"https://idp.example.com","sub":"248289761001","aud":["https://api.example.com"],"client_id":"web","scope":"orders:read orders:write",` +
		`"jti":"c3f1d7a2","iat":1700000000,"exp":1700000600,"name":"Jos\u00e9","realm_access":{"roles":["admin","user"]},"acr":"1","sid":"8f3a"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := oauth.DecodeObject(data); err != nil {
			b.Fatal(err)
		}
	}
}
