package grants

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func TestAS7_CheckCode(t *testing.T) {
	client := &store.Client{ID: "web", RedirectURIs: []string{"https://a/cb"}}
	bound := store.Grant{ClientID: "web", CodeHash: "h", RedirectURI: "https://a/cb", RedirectURISent: true}
	change := func(f func(*store.Grant)) store.Grant {
		grant := bound
		f(&grant)
		return grant
	}
	for _, test := range []struct {
		name              string
		grant             store.Grant
		hash, redirectURI string
		ok                bool
	}{
		{"as issued", bound, "h", "https://a/cb", true},
		{"another client's", change(func(g *store.Grant) { g.ClientID = "other" }), "h", "https://a/cb", false},
		{"another code", bound, "x", "https://a/cb", false},
		{"a grant without a code", change(func(g *store.Grant) { g.CodeHash = "" }), "", "https://a/cb", false},
		{"another redirect_uri", bound, "h", "https://a/other", false},
		{"no redirect_uri", bound, "h", "", false},
		{"none was sent", change(func(g *store.Grant) { g.RedirectURISent = false }), "h", "", true},
		{"none was sent, the same is", change(func(g *store.Grant) { g.RedirectURISent = false }), "h", "https://a/cb", true},
		{"sent to a former redirect_uri", change(func(g *store.Grant) { g.RedirectURI = "https://a/old" }), "h", "https://a/old", false},
		{"none was sent, another is", change(func(g *store.Grant) { g.RedirectURISent = false }), "h", "https://a/other", false},
	} {
		err := checkCode(&test.grant, client, test.hash)
		if err == nil {
			err = checkRedirectURI(&test.grant, client, test.redirectURI)
		}
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestAS34_CheckRefresh(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	client := &store.Client{ID: "web", Refresh: store.RefreshPolicy{Lifetime: time.Hour}}
	presented := token.Refresh{KeyID: "key1", GrantID: "g", Generation: 3}
	for _, test := range []struct {
		name  string
		grant store.Grant
		ok    bool
	}{
		{"as issued", store.Grant{ClientID: "web", RefreshKey: "key1", Created: now}, true},
		{"another client's", store.Grant{ClientID: "other", RefreshKey: "key1", Created: now}, false},
		{"within the lifetime", store.Grant{ClientID: "web", RefreshKey: "key1", Created: now.Add(-59 * time.Minute)}, true},
		// It was made when the lifetime was longer.
		{"older than the lifetime", store.Grant{ClientID: "web", RefreshKey: "key1", Created: now.Add(-time.Hour)}, false},
		// Whoever holds one key of the realm cannot forge for families of another.
		{"of another key", store.Grant{ClientID: "web", RefreshKey: "key2", Created: now}, false},
	} {
		if err := checkRefresh(&test.grant, client, presented, now); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestAS32_AResourceThatTheClientLostIsInNoNewToken(t *testing.T) {
	client := &store.Client{Audience: "https://api", Resources: []string{"https://files"}}
	granted := []string{"https://lost", "https://files", "https://api"}
	if got := stillObtainable(granted, client); !slices.Equal(got, granted[1:]) {
		t.Errorf("%q", got)
	}
}

func TestStillAllowed(t *testing.T) {
	granted := oauth.Scope{"openid", "read", "write"}
	for _, test := range []struct{ allowed, want oauth.Scope }{
		{oauth.Scope{"write", "read", "openid", "more"}, granted},
		{oauth.Scope{"write"}, oauth.Scope{"write"}},
		{nil, oauth.Scope{}},
	} {
		if got := stillAllowed(granted, test.allowed); !slices.Equal(got, test.want) {
			t.Errorf("%q of %q: %q", test.allowed, granted, got)
		}
	}
	if !slices.Equal(granted, oauth.Scope{"openid", "read", "write"}) {
		t.Errorf("what was granted changed to %q", granted)
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	var reported recent
	ids := make([]string, len(reported.ids)+1)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
		if !reported.add(ids[i]) {
			t.Fatalf("%s is not new", ids[i])
		}
	}
	if reported.add(ids[1]) || !reported.add(ids[0]) {
		t.Error("the last ones are not remembered, or the first one still is")
	}
}

// spy is a grant that keeps the request it is given.
type spy struct{ seen *Request }

func (*spy) Type() string         { return oauth.GrantClientCredentials }
func (*spy) Parameters() []string { return []string{"scope", "resource"} }

func (s *spy) Redeem(_ context.Context, req *Request) (*Response, error) {
	s.seen = req
	return &Response{AccessToken: oauth.NewSecret("x"), Expires: req.Now}, nil
}

// A grant sees the client that proved who it is, and of the form only what it
// declares: no secret of the client, nothing unknown.
func TestGrantSeesWhatItDeclares(t *testing.T) {
	w := realmtest.New(t)
	s := &spy{}
	e := &endpoint{realm: w.Realm, grants: map[string]Grant{s.Type(): s}}
	form := realmtest.Values("grant_type", s.Type(), "client_id", "web", "client_secret", realmtest.Secret("web"),
		"scope", "read", "code", "c", "foo", "bar")
	form["resource"] = []string{realmtest.API, realmtest.Files}
	realmtest.Do(t, e, realmtest.Form("", form)).Want(http.StatusOK, "")
	if s.seen.Client.ID != "web" || !s.seen.Now.Equal(w.Clock.Now()) {
		t.Errorf("client %q at %v", s.seen.Client.ID, s.seen.Now)
	}
	if !s.seen.Form.Only("scope", "resource") || s.seen.Form.Get("scope") != "read" || len(s.seen.Form.List("resource")) != 2 {
		t.Errorf("it saw %v", s.seen.Form)
	}
}
