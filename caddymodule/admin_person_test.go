package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"
)

// whose is what an answer says of whom it speaks.
type whose struct {
	Subject string
	Unknown bool
	Grants  any
}

// Operators know people by their usernames; the subject of a user in the store is
// another text.
func TestOperatorsNamePeopleByTheirUsernames(t *testing.T) {
	o := newUsers(t)
	for _, user := range []struct{ service, id, name string }{
		{"staff", "1001", "alice"}, {"staff", "1002", "ann"}, {"guests", "g1", "ann"}, {"guests", "g2", "gus"},
	} {
		o.must(http.MethodPost, "/oauth2/users?service="+user.service, map[string]string{"id": user.id, "username": user.name, "password": firstPassword}, nil)
	}
	wantToken := func(token string, status int) {
		t.Helper()
		wantStatus(t, o.send("GET /", "Authorization: Bearer "+token), status)
	}
	token, _, _ := o.signIn("alice", firstPassword)
	wantToken(token, http.StatusOK)

	// By the username as the subject nothing ends, and it says so.
	var done whose
	o.must(http.MethodPost, "/oauth2/tokens/revoke", map[string]string{"subject": "alice"}, &done)
	if !done.Unknown || done.Subject != "alice" {
		t.Errorf("%+v", done)
	}
	wantToken(token, http.StatusOK)
	for path, array := range map[string]string{"grants": `"grants":[]`, "sessions": `"sessions":[]`, "factors": `"factors":[]`, "consents": `"consents":[]`} {
		if _, text := o.tell(http.MethodGet, "/oauth2/"+path+"?subject=alice", nil); !strings.Contains(text, `"unknown":true`) || !strings.Contains(text, array) {
			t.Errorf("%s: %s", path, text)
		}
		for _, known := range []string{"username=alice", "subject=1001", "username=gus", "subject=guests:g2", "subject=web"} {
			status, text := o.tell(http.MethodGet, "/oauth2/"+path+"?"+known, nil)
			if status != http.StatusOK || strings.Contains(text, "unknown") {
				t.Errorf("%s?%s: %d %s", path, known, status, text)
			}
		}
	}
	for _, path := range []string{"factors", "consents"} {
		o.must(http.MethodDelete, "/oauth2/"+path+"?subject=alice", nil, &done)
		if !done.Unknown {
			t.Errorf("%s: %+v", path, done)
		}
		done = whose{}
		o.must(http.MethodDelete, "/oauth2/"+path+"?username=alice", nil, &done)
		if done.Unknown || done.Subject != "1001" {
			t.Errorf("%s: %+v", path, done)
		}
	}
	if _, text := o.tell(http.MethodGet, "/oauth2/grants?username=alice", nil); !strings.Contains(text, `"subject":"1001"`) {
		t.Errorf("grants: %s", text)
	}
	done = whose{}
	o.must(http.MethodPost, "/oauth2/tokens/revoke", map[string]string{"username": "alice"}, &done)
	if done.Unknown || done.Subject != "1001" || done.Grants != 1.0 {
		t.Errorf("%+v", done)
	}
	wantToken(token, http.StatusUnauthorized)
	token, _, _ = o.signIn("alice", firstPassword)
	wantToken(token, http.StatusOK)

	for _, path := range []string{"grants", "sessions", "factors", "consents"} {
		o.mustRefuse(http.MethodGet, "/oauth2/"+path+"?username=nobody", nil, http.StatusNotFound, "no user of that username")
		o.mustRefuse(http.MethodGet, "/oauth2/"+path+"?username=ann", nil, http.StatusConflict, "which is one of guests:g1, 1002")
		o.mustRefuse(http.MethodGet, "/oauth2/"+path+"?username=ann&subject=1002", nil, http.StatusBadRequest, "by one of subject and username")
		o.mustRefuse(http.MethodGet, "/oauth2/"+path+"?username=%00", nil, http.StatusBadRequest, "NUL")
	}
	o.mustRefuse(http.MethodPost, "/oauth2/tokens/revoke", map[string]string{"username": "nobody"}, http.StatusNotFound, "no user of that username")
	o.mustRefuse(http.MethodPost, "/oauth2/tokens/revoke", map[string]string{"username": "alice", "subject": "1001"}, http.StatusBadRequest, "by one of subject and username")
}
