package audit_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// Texts come out as they are, unless they could forge a line, steer a terminal or
// fill a disk.
func TestF29_HostileTextsAreHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"demo":                              "demo",
		"Jürgen 火":                          "Jürgen 火",
		"a\nb\r\nc":                         "a?b??c",
		"\x1b[2J\x00\x7f":                   "?[2J??",
		"bad \xff\xfe utf":                  "bad ?? utf",
		"right\u202eleft\u2028next":         "right?left?next",
		strings.Repeat("a", 256):            strings.Repeat("a", 256),
		strings.Repeat("a", 257):            strings.Repeat("a", 253) + "…",
		strings.Repeat("火", 86):             strings.Repeat("火", 84) + "…",
		strings.Repeat("\n", 1<<20):         strings.Repeat("?", 253) + "…",
		`{"event":"sign_in"}` + "\n" + `{"`: `{"event":"sign_in"}?{"`,
	} {
		r := filled(in)
		r.Clean()
		wantAll(t, r, want)
	}
	long := audit.Record{Scope: strings.Repeat("a", 2000)}
	if long.Clean(); len(long.Scope) != 1024 {
		t.Errorf("a scope of %d bytes", len(long.Scope))
	}
}

// filled has one text in every field that can hold any.
func filled(text string) audit.Record {
	return audit.Record{
		Realm: text, ClientID: text, Subject: text, GrantID: text, SessionID: text, GrantType: text, Scope: text,
		Source: text, Node: text, Details: audit.Details{{Key: audit.Reason, Value: text}},
	}
}

func wantAll(t *testing.T, r audit.Record, want string) {
	t.Helper()
	all := filled(want)
	all.Scope = r.Scope // has a longer bound
	if !reflect.DeepEqual(r, all) {
		t.Errorf("became %+v, want %q", r, want)
	}
}

func FuzzClean(f *testing.F) {
	for _, text := range []string{"", "demo", "\n", "\xff", strings.Repeat("火", 100), "\u202e"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := filled(text)
		r.Clean()
		for name, clean := range map[string]string{"subject": r.Subject, "detail": r.Details.Get(audit.Reason)} {
			if !utf8.ValidString(clean) || len(clean) > 256 || strings.ContainsFunc(clean, func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Errorf("%s became %q", name, clean)
			}
		}
		again := r
		again.Details = slices.Clone(r.Details)
		if again.Clean(); !reflect.DeepEqual(again, r) {
			t.Errorf("what is clean changes: %+v, %+v", r, again)
		}
	})
}

func TestARecordSurvivesJSON(t *testing.T) {
	r := filled("text")
	r.Event, r.Outcome, r.Actor = audit.SignIn, audit.Success, audit.ByUser
	r = r.With(audit.Count, "3")
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back audit.Record
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(r.Details, func(a, b audit.Detail) int { return strings.Compare(string(a.Key), string(b.Key)) })
	if !reflect.DeepEqual(r, back) {
		t.Errorf("%s\nbecame %+v, want %+v", text, back, r)
	}
	if err := json.Unmarshal([]byte(`{"details":["x"]}`), &back); err == nil {
		t.Error("details that are no object are taken")
	}
}

func TestWithLeavesTheOtherRecordAlone(t *testing.T) {
	base := audit.Record{Details: make(audit.Details, 0, 8)}
	one, other := base.With(audit.Reason, "one"), base.With(audit.Reason, "other")
	if one.Details.Get(audit.Reason) != "one" || other.Details.Get(audit.Reason) != "other" || base.Details.Get(audit.Reason) != "" {
		t.Errorf("%v %v %v", base, one, other)
	}
}

func TestEveryEventIsKnown(t *testing.T) {
	events := audit.Events()
	if len(events) < 40 || !slices.IsSorted(events) {
		t.Errorf("events %v", events)
	}
	for _, event := range events {
		if !event.Known() || event.Outcome() == "" || strings.ToLower(string(event)) != string(event) {
			t.Errorf("event %q", event)
		}
	}
	if audit.Event("").Known() || audit.Event("made_up").Known() {
		t.Error("what is no event is known")
	}
}
