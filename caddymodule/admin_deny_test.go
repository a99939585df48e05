package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// entry is what the admin API answers.
type entry struct {
	ID, JTI, Sub, SID, Client, Issuer, Warning string
	Expires, Created                           time.Time
	NotBefore                                  time.Time `json:"not_before"`
}

// An entry of each kind counts on the next request, cached verdicts included,
// and no longer once it is taken off.
func TestDenyListFallsOnTheNextRequest(t *testing.T) {
	o := newOperated(t, "deny_list", setup{})
	for kind, value := range map[string]string{"jti": "j-1", "sub": "u-1", "sid": "s-1", "client": "c-1"} {
		token := o.bearer(map[string]any{"jti": "j-1", "sub": "u-1", "sid": "s-1", "client_id": "c-1"})
		other := o.bearer(map[string]any{"jti": "j-2", "sub": "u-2", "sid": "s-2", "client_id": "c-2"})
		later := o.bearer(map[string]any{"jti": "j-1", "sub": "u-1", "sid": "s-1", "client_id": "c-1", "iat": time.Now().Unix() + 5})
		o.warm(token)
		var made entry
		o.must(http.MethodPost, "/oauth2/deny", map[string]string{kind: value, "expires_in": "1h"}, &made)
		if left := time.Until(made.Expires); made.ID == "" || left < 50*time.Minute || left > time.Hour || made.Created.IsZero() || made.Warning != "" {
			t.Errorf("%s: made %+v", kind, made)
		}
		refused := o.send("GET /", token)
		wantStatus(t, refused, http.StatusUnauthorized)
		if challenge := refused.Header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="invalid_token"`) || strings.Contains(challenge, "den") {
			t.Errorf("challenge %s", challenge)
		}
		wantStatus(t, o.send("GET /", other), http.StatusOK)
		// New tokens of a subject or client go on; a session is over.
		whole := kind == "sub" || kind == "client"
		wantStatus(t, o.send("GET /", later), map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[whole])
		if whole == made.NotBefore.IsZero() {
			t.Errorf("not_before %v", made.NotBefore)
		}
		var list struct {
			Total   int
			Entries []entry
		}
		o.must(http.MethodGet, "/oauth2/deny", nil, &list)
		if list.Total != 1 || list.Entries[0] != made {
			t.Errorf("the list is %+v, want %+v", list, made)
		}
		o.must(http.MethodDelete, "/oauth2/deny/"+made.ID, nil, nil)
		wantStatus(t, o.send("GET /", token), http.StatusOK)
		// And by the body that made it.
		o.must(http.MethodPost, "/oauth2/deny", map[string]string{kind: value}, nil)
		wantStatus(t, o.send("GET /", token), http.StatusUnauthorized)
		o.must(http.MethodDelete, "/oauth2/deny", map[string]string{kind: value}, nil)
		wantStatus(t, o.send("GET /", token), http.StatusOK)
		o.mustRefuse(http.MethodDelete, "/oauth2/deny/"+made.ID, nil, http.StatusNotFound, "no such entry")
	}
	if got := o.metric(`caddy_oauth2_requests_total{decision="refused",issuer="` + o.issuer.URL + `",reason="denied"}`); got == 0 {
		t.Error("refusals are not counted as denied")
	}
}

// A name of one issuer is not that of another.
func TestDenyListOfOneIssuer(t *testing.T) {
	second := newTestIssuer(t)
	o := newOperated(t, "deny_list", setup{matcher: second.URL})
	ours := o.bearer(map[string]any{"sub": "u-1"})
	theirs := "Authorization: Bearer " + second.token(t, map[string]any{"sub": "u-1"})
	var made entry
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"sub": "u-1", "issuer": second.URL}, &made)
	if made.Warning != "" {
		t.Errorf("warns: %s", made.Warning)
	}
	wantStatus(t, o.send("GET /", ours), http.StatusOK)
	wantStatus(t, o.send("GET /", theirs), http.StatusUnauthorized)
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"sub": "u-1"}, nil)
	wantStatus(t, o.send("GET /", ours), http.StatusUnauthorized)
	o.must(http.MethodDelete, "/oauth2/deny", map[string]string{"sub": "u-1"}, nil)
	wantStatus(t, o.send("GET /", ours), http.StatusOK)
	wantStatus(t, o.send("GET /", theirs), http.StatusUnauthorized)
	// An issuer that nobody trusts is written down and said to be of no use.
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"sub": "u-2", "issuer": o.issuer.URL + "/"}, &made)
	if made.Warning == "" {
		t.Error("an entry for nobody's tokens goes without a warning")
	}
}

func TestDenyListInPages(t *testing.T) {
	o := newOperated(t, "deny_list", setup{})
	seen := map[string]bool{}
	for _, jti := range []string{"a", "b", "c"} {
		o.must(http.MethodPost, "/oauth2/deny", map[string]string{"jti": jti}, nil)
	}
	after, pages := "", 0
	for {
		var page struct {
			Total   int
			Entries []entry
			Next    string
		}
		o.must(http.MethodGet, "/oauth2/deny?limit=2&after="+after, nil, &page)
		pages++
		for _, each := range page.Entries {
			seen[each.JTI] = true
		}
		if page.Total != 3 || len(page.Entries) > 2 || pages > 2 {
			t.Fatalf("page %d: %+v", pages, page)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if len(seen) != 3 {
		t.Errorf("saw %v", seen)
	}
	for _, limit := range []string{"0", "-1", "1001", "x"} {
		o.mustRefuse(http.MethodGet, "/oauth2/deny?limit="+limit, nil, http.StatusBadRequest, "limit")
	}
}

// What an operator writes wrongly is refused with words, and changes nothing.
func TestDenyListRefusesWhatItDoesNotUnderstand(t *testing.T) {
	o := newOperated(t, "deny_list", setup{})
	past, far := time.Now().Add(-time.Minute).Format(time.RFC3339), time.Now().AddDate(11, 0, 0).Format(time.RFC3339)
	for name, row := range map[string]struct {
		body any
		want string
	}{
		"nothing":            {"", "one of jti, sub, sid and client"},
		"no name":            {map[string]string{"issuer": "https://a"}, "one of jti, sub, sid and client"},
		"empty name":         {map[string]string{"jti": ""}, "one of jti, sub, sid and client"},
		"two names":          {map[string]string{"jti": "a", "sub": "b"}, "one entry for each"},
		"unknown member":     {map[string]string{"jti": "a", "canary-member": "x"}, "no other members than"},
		"not an object":      {`["jti"]`, "no other members than"},
		"wrong type":         {`{"jti": 1}`, "no other members than"},
		"two objects":        {`{"jti":"a"}{"jti":"b"}`, "no other members than"},
		"cut off":            {`{"jti":"a"`, "no other members than"},
		"too long":           {map[string]string{"jti": strings.Repeat("a", 1025)}, "1024 bytes"},
		"NUL":                {`{"sub":"a\u0000"}`, "NUL"},
		"ended":              {map[string]string{"jti": "a", "expires": past}, "in the future"},
		"too late":           {map[string]string{"jti": "a", "expires": far}, "within ten years"},
		"ends at once":       {map[string]string{"jti": "a", "expires_in": "0s"}, "in the future"},
		"no duration":        {map[string]string{"jti": "a", "expires_in": "soon"}, "duration"},
		"two ends":           {map[string]string{"jti": "a", "expires_in": "1h", "expires": far}, "not both"},
		"not_before of jti":  {map[string]string{"jti": "a", "not_before": past}, "not_before"},
		"not_before of sid":  {map[string]string{"sid": "a", "not_before": past}, "not_before"},
		"not_before no JSON": {map[string]string{"sub": "a", "not_before": "9999-12-31T23:59:59-10:00"}, "within ten years"},
		"not_before no year": {map[string]string{"client": "a", "not_before": "0000-01-01T00:00:00+10:00"}, "within ten years"},
		"not_before epoch":   {map[string]string{"sub": "a", "not_before": "1970-01-01T00:00:00Z"}, "within ten years"},
		"what is not given":  {map[string]string{"jti": "a", "id": "x"}, "are not given"},
		"not_before no time": {map[string]string{"sub": "a", "not_before": "yesterday"}, "no other members than"},
	} {
		t.Run(name, func(t *testing.T) {
			o.mustRefuse(http.MethodPost, "/oauth2/deny", row.body, http.StatusBadRequest, row.want)
		})
	}
	o.mustRefuse(http.MethodPost, "/oauth2/deny", `{"jti":"`+strings.Repeat("a", 70_000)+`"}`, http.StatusRequestEntityTooLarge, "larger than")
	o.mustRefuse(http.MethodPut, "/oauth2/deny", `{}`, http.StatusMethodNotAllowed, "DELETE, GET, POST")
	o.mustRefuse(http.MethodPost, "/oauth2/deny/x", `{}`, http.StatusMethodNotAllowed, "DELETE")
	o.mustRefuse(http.MethodGet, "/oauth2/denied", nil, http.StatusNotFound, "")
	var list struct{ Total int }
	if o.must(http.MethodGet, "/oauth2/deny", nil, &list); list.Total != 0 {
		t.Errorf("%d entries were made", list.Total)
	}
	o.mustNotHold("canary-member")
}

// A gateway without realms opens no store, so it has no deny-list unless it asks
// for one; then the answer is the line to add.
func TestDenyListNeedsAStore(t *testing.T) {
	o := newOperated(t, "", setup{})
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		o.mustRefuse(method, "/oauth2/deny", `{"jti":"a"}`, http.StatusConflict, "`deny_list`")
	}
	o.mustRefuse(http.MethodDelete, "/oauth2/deny/x", nil, http.StatusConflict, "`deny_list`")
	wantStatus(t, o.send("GET /", o.bearer(nil)), http.StatusOK)
	// The line alone is enough, in a reload.
	if err := reload(strings.Replace(o.caddyfile, "oauth2 {", "oauth2 {\ndeny_list", 1)); err != nil {
		t.Fatal(err)
	}
	// A token of a second after that of the denial is spared, so this one is from before.
	token := o.bearer(nil)
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"sub": "frida"}, nil)
	wantStatus(t, o.send("GET /", token), http.StatusUnauthorized)
	// It outlives further ones.
	if err := reload(strings.Replace(o.caddyfile, "oauth2 {", "oauth2 {\ndeny_list\n# again", 1)); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, o.send("GET /", token), http.StatusUnauthorized)
}

// A configuration that is rejected leaves the admin API with the one that runs.
func TestAdminAPIAfterARejectedReload(t *testing.T) {
	o := newOperated(t, "deny_list", setup{})
	if err := reload(strings.Replace(o.caddyfile, "audience ", "audience {env.NOT_SET_ANYWHERE} ", 1)); err == nil {
		t.Fatal("a configuration without an audience loads")
	}
	token := o.bearer(nil) // a later one may be of the second after the denial
	o.must(http.MethodPost, "/oauth2/deny", map[string]string{"sub": "frida"}, nil)
	wantStatus(t, o.send("GET /", token), http.StatusUnauthorized)
	o.must(http.MethodGet, "/oauth2/issuers", nil, nil)
}
