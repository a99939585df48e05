package introspect

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"
)

const denyIssuer, otherDenyIssuer = "https://idp.example.com", "https://other.example.com"

// denied is a token with every name that an entry can be about.
func denied(issuedAt int64) *Token {
	return &Token{
		Issuer: denyIssuer, ID: "j", Subject: "s", ClientID: "c",
		Claims: ClaimsOf(map[string]any{"sid": "d", "iat": json.Number(strconv.FormatInt(issuedAt, 10))}),
	}
}

// cachedDenied is the same as a cache gives it.
func cachedDenied(issuedAt int64) *Token {
	return newEntry(new([32]byte), &Issuer{URL: denyIssuer}, denied(issuedAt), new(commons)).unpack(new(Token))
}

func TestDenyList(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	soon := start.Add(time.Hour)
	for name, row := range map[string]struct {
		entry Denial
		want  bool
	}{
		"jti":                         {Denial{Kind: DenyToken, Value: "j"}, true},
		"jti of another token":        {Denial{Kind: DenyToken, Value: "s"}, false},
		"sub":                         {Denial{Kind: DenySubject, Value: "s"}, true},
		"sub of another":              {Denial{Kind: DenySubject, Value: "S"}, false},
		"sid":                         {Denial{Kind: DenySession, Value: "d"}, true},
		"client":                      {Denial{Kind: DenyClient, Value: "c"}, true},
		"sub of the issuer":           {Denial{Kind: DenySubject, Value: "s", Issuer: denyIssuer}, true},
		"sub of another issuer":       {Denial{Kind: DenySubject, Value: "s", Issuer: otherDenyIssuer}, false},
		"jti of another issuer":       {Denial{Kind: DenyToken, Value: "j", Issuer: otherDenyIssuer}, false},
		"sub, issued a second before": {Denial{Kind: DenySubject, Value: "s", NotBefore: start.Add(time.Second)}, true},
		"sub, issued in that second":  {Denial{Kind: DenySubject, Value: "s", NotBefore: start.Add(time.Second / 2)}, true},
		"sub, issued a second later":  {Denial{Kind: DenySubject, Value: "s", NotBefore: start.Add(-time.Second)}, false},
		"client, issued later":        {Denial{Kind: DenyClient, Value: "c", NotBefore: start.Add(-time.Second)}, false},
		"unknown kind":                {Denial{Kind: "kid", Value: "j"}, false},
		"nothing":                     {Denial{Kind: DenyToken, Value: ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			now := start
			list := NewDenyList(func() time.Time { return now })
			row.entry.Expires = soon
			list.Apply([]Denial{row.entry})
			for how, token := range map[string]*Token{"came": denied(start.Unix()), "cached": cachedDenied(start.Unix())} {
				if got := list.denies(token); got != row.want {
					t.Errorf("denies as it %s: %v, want %v", how, got, row.want)
				}
			}
			now = soon
			if list.denies(denied(start.Unix())) {
				t.Error("an entry counts after its end")
			}
			if rest := list.List(); len(rest) != 0 {
				t.Errorf("an entry is shown after its end: %v", rest)
			}
		})
	}
}

// A token that does not say when it was issued may be older than any time.
func TestDenyListTokenWithoutIssueTime(t *testing.T) {
	list := NewDenyList(time.Now)
	list.Apply([]Denial{{Kind: DenySubject, Value: "s", NotBefore: time.Unix(1, 0), Expires: time.Now().Add(time.Hour)}})
	for _, iat := range []any{nil, "1800000000", json.Number("-1"), json.Number("1e99")} {
		token := denied(1)
		token.Claims.All()["iat"] = iat
		if !list.denies(token) {
			t.Errorf("iat %v: not denied", iat)
		}
	}
	token := denied(1)
	delete(token.Claims.All(), "iat")
	if !list.denies(token) {
		t.Error("without iat: not denied")
	}
}

func TestDenyListSessionOfOurOwnRealms(t *testing.T) {
	list := NewDenyList(time.Now)
	list.Apply([]Denial{{Kind: DenySession, Value: "own", Expires: time.Now().Add(time.Hour)}})
	token := denied(1)
	token.SessionID = "own"
	if !list.denies(token) {
		t.Error("not denied")
	}
}

func TestDenyListChanges(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	list := NewDenyList(func() time.Time { return now })
	if list.ready() || list.List() != nil || list.Len() != 0 || list.Has(Denial{}) {
		t.Error("a list that was not read is ready")
	}
	list.Apply(nil)
	if !list.ready() || list.denies(denied(1)) {
		t.Error("an empty list is not ready, or denies")
	}
	entry := Denial{ID: "2", Kind: DenyToken, Value: "j", Expires: now.Add(time.Hour)}
	another := Denial{ID: "1", Kind: DenyClient, Value: "x", Expires: now.Add(time.Minute)}
	list.Apply([]Denial{entry, another})
	list.Apply(nil)
	if shown := list.List(); len(shown) != 2 || shown[0].ID != "1" || shown[1].ID != "2" || !list.denies(denied(1)) {
		t.Errorf("shows %v", shown)
	}
	entry.Removed = true
	list.Apply([]Denial{entry})
	if list.denies(denied(1)) || len(list.List()) != 1 {
		t.Error("a removed entry counts")
	}
	entry.Removed, entry.Expires = false, now.Add(time.Second)
	list.Apply([]Denial{entry})
	now = now.Add(time.Minute)
	list.Apply([]Denial{{Kind: DenyToken, Value: "k", Expires: now.Add(time.Hour)}})
	if n := list.Len(); n != 1 || !list.Has(Denial{Kind: DenyToken, Value: "k"}) || list.Has(another) {
		t.Errorf("%d entries are kept, want the one that has not ended", n)
	}
	var none *DenyList
	if none.denies(denied(1)) || !none.ready() || none.List() != nil {
		t.Error("no list denies")
	}
}

// It is asked on every request.
func TestDenyListAllocatesNothing(t *testing.T) {
	list := NewDenyList(time.Now)
	list.Apply([]Denial{
		{Kind: DenyToken, Value: "1", Expires: time.Now().Add(time.Hour)}, {Kind: DenySubject, Value: "1", Expires: time.Now().Add(time.Hour)},
		{Kind: DenySession, Value: "1", Expires: time.Now().Add(time.Hour)}, {Kind: DenyClient, Value: "1", Expires: time.Now().Add(time.Hour)},
	})
	token := cachedDenied(1)
	if n := testing.AllocsPerRun(100, func() { list.denies(token) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
