package oidc_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/oidc"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestDepartureAsksForACodeWithPKCE(t *testing.T) {
	w := newWorld(t)
	first, _ := w.depart(t, login.Departure{Hint: "ann@example.com", Languages: []string{"de-CH", "fr"}})
	second, _ := w.depart(t, login.Departure{Again: true})
	at, err := url.Parse(first)
	if err != nil || !strings.HasPrefix(first, w.URL+"/authorize?") {
		t.Fatalf("%s, %v", first, err)
	}
	query := at.Query()
	for name, want := range map[string]string{
		"tenant": "a", "response_type": "code", "client_id": "caddy", "redirect_uri": callback,
		"scope": "openid profile email", "code_challenge_method": "S256",
		"login_hint": "ann@example.com", "ui_locales": "de-CH fr", "prompt": "", "max_age": "",
	} {
		if got := query.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	again, _ := url.Parse(second)
	if q := again.Query(); q.Get("prompt") != "login" || q.Get("max_age") != "0" || q.Has("login_hint") || q.Has("ui_locales") {
		t.Errorf("again: %s", second)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(query.Get(name)) < 22 || query.Get(name) == again.Query().Get(name) {
			t.Errorf("%s is short or the same twice: %q", name, query.Get(name))
		}
	}
	if w.count("/.well-known/openid-configuration") != 1 {
		t.Error("metadata was read for each departure")
	}
}

func TestSignInThroughAnotherProvider(t *testing.T) {
	w := newWorld(t)
	arrival, err := w.signIn(t)
	if err != nil {
		t.Fatal(err)
	}
	want := login.Account{
		Account: store.Account{Service: "corp", ID: "ann"}, Username: "ann",
		Claims: map[string]any{"name": "Ann Example", "preferred_username": "ann", "email": "ann@example.com", "email_verified": true},
	}
	if !reflect.DeepEqual(arrival.Account, want) {
		t.Errorf("account %+v\nwant    %+v", arrival.Account, want)
	}
	if !arrival.At.Equal(w.clock.Now()) || !slices.Equal(arrival.AMR, []string{oidc.AMRFederated}) || login.LevelOf(arrival.AMR) != login.LevelSingle {
		t.Errorf("at %v by %v", arrival.At, arrival.AMR)
	}
	if got, err := w.service.Account(t.Context(), "ann"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("later: %+v, %v", got, err)
	}
	if w.lastAuth != "Basic Y2FkZHk6cytlJTNBY3JldA==" || w.lastForm.Has("client_secret") || w.lastForm.Has("client_id") {
		t.Errorf("credentials %q, %v", w.lastAuth, w.lastForm)
	}
}

func TestHowOurClientShowsWhoItIs(t *testing.T) {
	for _, test := range []struct {
		name   string
		adjust func(*oidc.Settings)
		offers any
		post   bool
		header bool
	}{
		{"as the metadata says: both", func(*oidc.Settings) {}, []string{"client_secret_post", "client_secret_basic"}, false, true},
		{"as the metadata says: post", func(*oidc.Settings) {}, []string{"client_secret_post"}, true, false},
		{"as the settings say", func(s *oidc.Settings) { s.Auth = oidc.AuthPost }, nil, true, false},
		{"not at all", func(s *oidc.Settings) { s.ClientSecret = oauth.Secret{} }, nil, false, false},
	} {
		w := newWorld(t, test.adjust)
		w.metadata["token_endpoint_auth_methods_supported"] = test.offers
		if _, err := w.signIn(t); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if post := w.lastForm.Has("client_secret"); post != test.post || (w.lastAuth != "") != test.header || w.lastForm.Has("client_id") == test.header {
			t.Errorf("%s: form %v, header %q", test.name, w.lastForm, w.lastAuth)
		}
	}
}

func TestAccountCountsUntilItsRecheck(t *testing.T) {
	day := func(s *oidc.Settings) { s.Recheck = 24 * time.Hour }
	w := newWorld(t, day)
	if err := account(t.Context(), w, "ann"); err != login.ErrNoAccount { //nolint:errorlint // it is to be this one
		t.Errorf("before it was here: %v", err)
	}
	signIn := func() {
		t.Helper()
		if _, err := w.signIn(t); err != nil {
			t.Fatal(err)
		}
	}
	signIn()
	for _, test := range []struct {
		after time.Duration
		want  error
	}{{0, nil}, {24*time.Hour - time.Second, nil}, {time.Second, login.ErrNoAccount}} {
		w.clock.advance(test.after)
		if err := account(t.Context(), w, "ann"); err != test.want { //nolint:errorlint // it is to be this one
			t.Errorf("after %v more: %v, want %v", test.after, err, test.want)
		}
	}
	signIn()
	if err := account(t.Context(), w, "ann"); err != nil {
		t.Errorf("after another sign-in: %v", err)
	}
	// What it says now is what counts.
	w.userinfo["name"] = "Ann Married"
	signIn()
	if got, err := w.service.Account(t.Context(), "ann"); err != nil || got.Claims["name"] != "Ann Married" {
		t.Errorf("%+v, %v", got, err)
	}
	// A longer recheck of a new configuration counts from the same sign-in.
	w.clock.advance(25 * time.Hour)
	w.service = w.open(t, func(s *oidc.Settings) { s.Recheck = 48 * time.Hour })
	if err := account(t.Context(), w, "ann"); err != nil {
		t.Errorf("with a longer recheck: %v", err)
	}
	// It is deleted some time after it has ceased to count, with the settings that it
	// signed in under.
	seen, err := w.store.SeenAccount(t.Context(), "/", store.Account{Service: "corp", ID: "ann"})
	if err != nil || !seen.PurgeAt.Equal(seen.Seen.Add(48*time.Hour)) {
		t.Errorf("it is remembered until %v, %v", seen.PurgeAt, err)
	}
}

// Whom an operator has disabled does not come back by signing in.
func TestDisabledAccount(t *testing.T) {
	w := newWorld(t)
	w.store.fault = store.ErrNotFound
	_, err := w.signIn(t)
	wantRefused(t, "disabled", err, login.Disabled)
	if err := account(t.Context(), w, "ann"); !errors.Is(err, login.ErrNoAccount) {
		t.Errorf("disabled: %v", err)
	}
}

func TestIDsOfAccounts(t *testing.T) {
	for theirs, want := range map[string]string{
		"248289761001": "248289761001", "Ann O'Neil": "Ann O'Neil", "a/b?c=d": "a/b?c=d",
		"auth0|5f7c":             "auth0|5f7c",
		"urn:x:1":                "sha256.ilJnBxVaaHU745KrV5Hg60DASx5VAz3Z0TM-h3sfsx0",
		"renée":                  "sha256.",
		"a\tb":                   "sha256.",
		"sha256.x":               "sha256.",
		strings.Repeat("a", 250): strings.Repeat("a", 250),
		strings.Repeat("a", 251): "sha256.",
	} {
		w := newWorld(t)
		w.claims["sub"], w.userinfo["sub"] = theirs, theirs
		arrival, err := w.signIn(t)
		if err != nil {
			t.Errorf("%q: %v", theirs, err)
			continue
		}
		got := arrival.Account.ID
		if got != want && (want != "sha256." || !strings.HasPrefix(got, want) || len(got) != 50) {
			t.Errorf("%q has the id %q, want %q", theirs, got, want)
		}
		if got == theirs && strings.HasPrefix(theirs, "sha256.") {
			t.Errorf("%q has chosen the id of another", theirs)
		}
		if err := account(t.Context(), w, got); err != nil {
			t.Errorf("%q: %v", theirs, err)
		}
	}
}

func TestClaimsOfAccounts(t *testing.T) {
	for _, test := range []struct {
		name   string
		adjust func(*oidc.Settings)
		theirs map[string]any
		want   map[string]any // over those of every account; nil is not there
	}{
		{"others stay there", nil, map[string]any{"groups": []string{"a"}, "role": "admin"}, nil},
		{"others by name", func(s *oidc.Settings) { s.Claims = map[string]string{"groups": "https://x/roles"} },
			map[string]any{"https://x/roles": []string{"a", "b"}}, map[string]any{"groups": []any{"a", "b"}}},
		{"with their type", nil,
			map[string]any{"updated_at": 1700000000, "address": map[string]any{"country": "CH"}, "phone_number_verified": "false"},
			map[string]any{"updated_at": json.Number("1700000000"), "address": map[string]any{"country": "CH"}, "phone_number_verified": false}},
		{"not with another", nil,
			map[string]any{"name": 7, "email_verified": 1, "updated_at": "now", "address": "here", "locale": []string{"de"}, "nickname": "a\nb", "website": ""},
			map[string]any{"name": nil, "email_verified": nil}},
		{"email_verified is of their email", func(s *oidc.Settings) { s.Claims = map[string]string{"email": "upn"} },
			map[string]any{"upn": "boss@example.com"}, map[string]any{"email": "boss@example.com", "email_verified": nil}},
		{"email_verified as text", nil, map[string]any{"email_verified": "false"}, map[string]any{"email_verified": false}},
		{"protocol claims never", nil, map[string]any{"scope": "admin", "acr": "high", "client_id": "x"}, nil},
	} {
		w := newWorld(t)
		if test.adjust != nil {
			w.service = w.open(t, test.adjust)
		}
		maps.Copy(w.userinfo, test.theirs)
		arrival, err := w.signIn(t)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		want := over(map[string]any{
			"name": "Ann Example", "preferred_username": "ann", "email": "ann@example.com", "email_verified": true,
		}, test.want)
		if !reflect.DeepEqual(arrival.Account.Claims, want) {
			t.Errorf("%s: %v\nwant %v", test.name, arrival.Account.Claims, want)
		}
		if later, err := w.service.Account(t.Context(), "ann"); err != nil || !reflect.DeepEqual(later.Claims, want) {
			t.Errorf("%s: later %v, %v", test.name, later.Claims, err)
		}
	}
}

func TestWhoMaySignIn(t *testing.T) {
	allow := func(claim string, values ...string) func(*oidc.Settings) {
		return func(s *oidc.Settings) { s.Allow = append(s.Allow, oidc.Condition{Claim: claim, Values: values}) }
	}
	unverified := map[string]any{"email_verified": nil}
	for _, test := range []struct {
		name   string
		adjust func(*oidc.Settings)
		theirs map[string]any
		reason string
	}{
		{"domain", allow("hd", "example.com"), map[string]any{"hd": "example.com"}, ""},
		{"another domain", allow("hd", "example.com"), map[string]any{"hd": "example.org"}, oidc.ReasonNotAllowed},
		{"longer domain", allow("hd", "example.com"), map[string]any{"hd": "evil-example.com"}, oidc.ReasonNotAllowed},
		{"no domain", allow("hd", "example.com"), nil, oidc.ReasonNotAllowed},
		{"a group", allow("groups", "a", "b"), map[string]any{"groups": []string{"x", "b"}}, ""},
		{"no group", allow("groups", "a", "b"), map[string]any{"groups": []string{"x"}}, oidc.ReasonNotAllowed},
		{"a switch", allow("employee", "true"), map[string]any{"employee": true}, ""},
		{"end of the email", allow("email", "*@Example.com"), nil, ""},
		{"another end", allow("email", "*@example.org"), nil, oidc.ReasonNotAllowed},
		{"email that is not verified", allow("email", "*@example.com"), unverified, oidc.ReasonEmail},
		{"email as id", func(s *oidc.Settings) { s.IDClaim = "email" }, nil, ""},
		{"email as id, not verified", func(s *oidc.Settings) { s.IDClaim = "email" }, unverified, oidc.ReasonEmail},
		{"verified email", func(s *oidc.Settings) { s.VerifiedEmail = true }, nil, ""},
		{"not verified", func(s *oidc.Settings) { s.VerifiedEmail = true }, map[string]any{"email_verified": "no"}, oidc.ReasonEmail},
		{"no id", func(s *oidc.Settings) { s.IDClaim = "oid" }, nil, oidc.ReasonNoID},
		{"an id that is no text", func(s *oidc.Settings) { s.IDClaim = "oid" }, map[string]any{"oid": 7}, oidc.ReasonNoID},
		{"too much", func(s *oidc.Settings) { s.Claims = map[string]string{"groups": "groups"} },
			map[string]any{"groups": strings.Repeat("x", 17<<10)}, oidc.ReasonClaims},
	} {
		w := newWorld(t, test.adjust)
		maps.Copy(w.userinfo, test.theirs)
		if _, err := w.signIn(t); test.reason != "" {
			wantRefused(t, test.name, err, test.reason)
		} else if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestUserinfoIsAskedOnlyForWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	w.claims["name"], w.claims["email"] = "Ann of the ID token", "ann@example.com"
	arrival, err := w.signIn(t)
	if err != nil || w.count("/userinfo") != 0 || arrival.Account.Claims["name"] != "Ann of the ID token" {
		t.Errorf("%d requests, %+v, %v", w.count("/userinfo"), arrival, err)
	}
	// What is signed counts.
	w.claims["email"] = nil
	arrival, err = w.signIn(t)
	if err != nil || w.count("/userinfo") != 1 || arrival.Account.Claims["name"] != "Ann of the ID token" || arrival.Account.Claims["email"] != "ann@example.com" {
		t.Errorf("%d requests, %+v, %v", w.count("/userinfo"), arrival, err)
	}
}

func TestMethodsOfTheOtherSiteCountWhereTheyAreTrusted(t *testing.T) {
	w := newWorld(t, func(s *oidc.Settings) { s.TrustAMR = true })
	arrival, err := w.signIn(t)
	if err != nil || !slices.Equal(arrival.AMR, []string{oidc.AMRFederated, "pwd", "otp"}) || login.LevelOf(arrival.AMR) != login.LevelMultiple {
		t.Errorf("%v, %v", arrival.AMR, err)
	}
}

func TestANewSignInIsANewSignIn(t *testing.T) {
	for name, test := range map[string]struct {
		authTime func(now time.Time) any
		reason   string
	}{
		"new":          {func(now time.Time) any { return now.Unix() }, ""},
		"their clock":  {func(now time.Time) any { return now.Add(-59 * time.Second).Unix() }, ""},
		"an older one": {func(now time.Time) any { return now.Add(-5 * time.Minute).Unix() }, oidc.ReasonNotAgain},
		"not said":     {func(time.Time) any { return nil }, oidc.ReasonNotAgain},
	} {
		w := newWorld(t)
		w.claims["auth_time"] = test.authTime(w.clock.Now())
		location, kept := w.depart(t, login.Departure{Again: true})
		if _, err := w.service.Arrive(t.Context(), w.authorize(t, location), callback, kept); test.reason != "" {
			wantRefused(t, name, err, test.reason)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.signIn(t); err != nil {
			t.Errorf("%s: where an earlier one will do: %v", name, err)
		}
	}
}
