package authorize

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

var allGrants = []string{oauth.GrantAuthorizationCode, oauth.GrantImplicit}

func webClient() *store.Client {
	return &store.Client{
		ID: "web", Public: true, RedirectURIs: []string{"https://app.test/cb"}, Grants: allGrants,
		Scopes:        oauth.Scope{"openid", "profile", "email", "offline_access", "orders:read"},
		DefaultScopes: oauth.Scope{"orders:read"},
		Resources:     []string{"https://api.test", "https://other.test"}, Audience: "https://api.test",
	}
}

// valid is a good request for a code; changes alter it pair by pair, and an
// empty value takes a parameter out.
func valid(changes ...string) url.Values {
	values := url.Values{
		"client_id": {"web"}, "redirect_uri": {"https://app.test/cb"}, "response_type": {"code"},
		"scope": {"openid orders:read"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		values.Set(changes[i], changes[i+1])
	}
	return values
}

// read parses a request like the endpoint does. step says which function
// refused it: "target" for a page, "request" for an error to the client.
func read(t *testing.T, values url.Values, client *store.Client, grants []string) (r *request, step string, err error) {
	t.Helper()
	form, err := oauth.ParseForm(values.Encode(), "resource")
	if err != nil {
		t.Fatal(err)
	}
	goal, err := parseTarget(form, client)
	if err != nil {
		return nil, "target", err
	}
	if r, err = parseRequest(form, goal, grants); err == nil {
		err = r.readAssurance(&realm.Settings{})
	}
	return r, "request", err
}

func accept(t *testing.T, values url.Values) *request {
	t.Helper()
	r, _, err := read(t, values, webClient(), allGrants)
	if err != nil {
		t.Fatalf("%v: %v", values, err)
	}
	return r
}

func codeOf(err error) string {
	var e *oauth.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}

func TestRequestErrorsThatTheClientGets(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes []string
		want    string
	}{
		{"no response_type", []string{"response_type", ""}, oauth.CodeInvalidRequest},
		{"unknown response_type", []string{"response_type", "magic"}, oauth.CodeUnsupportedResponseType},
		{"hybrid", []string{"response_type", "code id_token"}, oauth.CodeUnsupportedResponseType},
		{"response_type none", []string{"response_type", "none"}, oauth.CodeUnsupportedResponseType},
		{"upper case", []string{"response_type", "CODE"}, oauth.CodeUnsupportedResponseType},
		{"twice in one value", []string{"response_type", "code code"}, oauth.CodeUnsupportedResponseType},
		{"unknown scope", []string{"scope", "openid admin"}, oauth.CodeInvalidScope},
		{"malformed scope", []string{"scope", "openid  profile"}, oauth.CodeInvalidScope},
		{"foreign resource", []string{"resource", "https://evil.test"}, oauth.CodeInvalidTarget},
		{"request object", []string{"request", "eyJ.e30."}, oauth.CodeRequestNotSupported},
		{"request object by reference", []string{"request_uri", "https://app.test/r"}, oauth.CodeRequestURINotSupported},
		{"registration", []string{"registration", "{}"}, oauth.CodeRegistrationUnsupported},
		{"unknown prompt", []string{"prompt", "login create"}, oauth.CodeInvalidRequest},
		{"prompt none and more", []string{"prompt", "none login"}, oauth.CodeInvalidRequest},
		{"prompt with two spaces", []string{"prompt", "login  consent"}, oauth.CodeInvalidRequest},
		{"max_age negative", []string{"max_age", "-1"}, oauth.CodeInvalidRequest},
		{"max_age no number", []string{"max_age", "1h"}, oauth.CodeInvalidRequest},
		{"max_age absurd", []string{"max_age", "99999999999999999999"}, oauth.CodeInvalidRequest},
		{"nonce too long", []string{"nonce", strings.Repeat("n", maxNonce+1)}, oauth.CodeInvalidRequest},
		{"id_token without nonce", []string{"response_type", "id_token", "nonce", ""}, oauth.CodeInvalidRequest},
		{"id_token without openid", []string{"response_type", "id_token", "scope", "orders:read"}, oauth.CodeInvalidScope},
		{"response_mode unknown", []string{"response_mode", "web_message"}, oauth.CodeInvalidRequest},
	} {
		_, step, err := read(t, valid(test.changes...), webClient(), allGrants)
		if codeOf(err) != test.want || step != "request" {
			t.Errorf("%s: %s says %v, want %s", test.name, step, err, test.want)
		}
	}
}

func TestA63_ClaimsAndAuthenticationContexts(t *testing.T) {
	for _, test := range []struct{ name, parameter, value, want string }{
		{"malformed", "claims", "{", oauth.CodeInvalidRequest},
		{"no object", "claims", `["id_token"]`, oauth.CodeInvalidRequest},
		{"huge", "claims", `{"id_token":{"` + strings.Repeat("x", oauth.MaxClaimsBytes) + `":null}}`, oauth.CodeInvalidRequest},
		{"huge when written again", "claims", `{"id_token":{"` + strings.Repeat("<", 5000) + `":null}}`, oauth.CodeInvalidRequest},
		{"essential acr out of reach", "claims", `{"id_token":{"acr":{"essential":true,"values":["urn:gold"]}}}`, oauth.CodeUnmetAuthRequirements},
		{"essential acr in reach", "claims", `{"id_token":{"acr":{"essential":true,"values":["urn:gold","` + login.ACRPassword + `"]}}}`, ""},
		{"essential acr of any value", "claims", `{"id_token":{"acr":{"essential":true}}}`, ""},
		{"voluntary acr out of reach", "claims", `{"id_token":{"acr":{"values":["urn:gold"]}}}`, ""},
		{"acr_values unknown", "acr_values", "urn:gold urn:silver", ""},
	} {
		_, step, err := read(t, valid(test.parameter, test.value), webClient(), allGrants)
		if codeOf(err) != test.want || step != "request" {
			t.Errorf("%s: %s says %v, want %q", test.name, step, err, test.want)
		}
	}
}

func TestRequestIsReadWhole(t *testing.T) {
	values := valid("prompt", "login consent", "max_age", "60", "login_hint", "alice@a.test",
		"claims", `{"id_token":{"sub":{"value":"alice"},"phone_number":null},"userinfo":{"email":null}}`)
	values["resource"] = []string{"https://other.test", "https://api.test"}
	r := accept(t, values)
	if r.redirectURI != "https://app.test/cb" || !r.named || r.mode != "query" || r.state != "s" || r.nonce != "n" || r.challenge != challenge {
		t.Errorf("read %+v", r)
	}
	if r.scope.String() != "openid orders:read" || !slices.Equal(r.resources, []string{"https://other.test", "https://api.test"}) {
		t.Errorf("scope %v, resources %v", r.scope, r.resources)
	}
	if !r.prompts("login") || !r.prompts("consent") || r.prompts("none") || r.maxAge != time.Minute || r.loginHint != "alice@a.test" {
		t.Errorf("prompt %v, max_age %v, login_hint %q", r.prompt, r.maxAge, r.loginHint)
	}
	if !r.concerns("alice") || r.concerns("bob") {
		t.Error("the sub asked for by value does not decide whom the request concerns")
	}
	if _, there := r.claims.IDToken["phone_number"]; there {
		t.Error("a claim of a scope that the client may not have is asked for")
	}
}

func TestRequestDefaults(t *testing.T) {
	r := accept(t, valid("scope", ""))
	if r.scope.String() != "orders:read" || !slices.Equal(r.resources, []string{"https://api.test"}) || r.maxAge >= 0 || len(r.prompt) != 0 {
		t.Errorf("read %+v", r)
	}
	r = accept(t, valid("display", "touch", "ui_locales", strings.Repeat("xx ", 999), "unknown", "x", "login_hint", strings.Repeat("x", maxLoginHint+1)))
	if r.loginHint != "" {
		t.Error("an endless login_hint was taken")
	}
	if r = accept(t, valid("scope", "openid offline_access", "response_type", "id_token token")); r.scope.Has("offline_access") {
		t.Error("offline_access was granted without a code")
	}
}

func TestAS8_EveryClientUsesPKCEUnlessExcused(t *testing.T) {
	for _, test := range []struct {
		name             string
		public, optional bool
		ok               bool
	}{
		{"public", true, false, false},
		{"public clients cannot be excused", true, true, false},
		{"confidential", false, false, false},
		{"confidential and excused", false, true, true},
	} {
		client := webClient()
		client.Public, client.PKCEOptional = test.public, test.optional
		_, _, err := read(t, valid("code_challenge", "", "code_challenge_method", ""), client, allGrants)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, _, err := read(t, valid("code_challenge_method", "plain"), client, allGrants); codeOf(err) != oauth.CodeInvalidRequest {
			t.Errorf("%s: plain gives %v", test.name, err)
		}
	}
}

func TestA9_BadChallengesAreInvalidRequests(t *testing.T) {
	for name, changes := range map[string][]string{
		"none":            {"code_challenge", "", "code_challenge_method", ""},
		"empty":           {"code_challenge", ""},
		"42 characters":   {"code_challenge", challenge[:42]},
		"129 characters":  {"code_challenge", strings.Repeat("A", 129)},
		"illegal":         {"code_challenge", "!" + challenge[1:]},
		"unknown method":  {"code_challenge_method", "S512"},
		"plain":           {"code_challenge_method", "plain"},
		"method left out": {"code_challenge_method", ""},
	} {
		if _, step, err := read(t, valid(changes...), webClient(), allGrants); codeOf(err) != oauth.CodeInvalidRequest || step != "request" {
			t.Errorf("%s: %s says %v", name, step, err)
		}
	}
}

func TestAS12_AnswersAreLimitedPerClient(t *testing.T) {
	for _, test := range []struct {
		name               string
		realm, client      []string
		responseType, want string
	}{
		{"code", allGrants, allGrants, "code", ""},
		{"token", allGrants, allGrants, "token", ""},
		{"id_token", allGrants, allGrants, "id_token", ""},
		{"any order", allGrants, allGrants, "token id_token", ""},
		{"client without code", allGrants, []string{oauth.GrantImplicit}, "code", oauth.CodeUnauthorizedClient},
		{"client without implicit", allGrants, []string{oauth.GrantAuthorizationCode}, "token", oauth.CodeUnauthorizedClient},
		{"client without anything", allGrants, nil, "id_token", oauth.CodeUnauthorizedClient},
	} {
		client := webClient()
		client.Grants = test.client
		_, _, err := read(t, valid("response_type", test.responseType), client, test.realm)
		if codeOf(err) != test.want {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestAS13_ImplicitIsOffWhereTheRealmDoesNotListIt(t *testing.T) {
	code := []string{oauth.GrantAuthorizationCode}
	for _, responseType := range []string{"token", "id_token", "id_token token"} {
		if _, _, err := read(t, valid("response_type", responseType), webClient(), code); codeOf(err) != oauth.CodeUnsupportedResponseType {
			t.Errorf("%s: %v", responseType, err)
		}
	}
}

func TestPG9_DigestNamesTheWholeRequest(t *testing.T) {
	base := accept(t, valid()).digest()
	if accept(t, valid("unknown", "x")).digest() != base {
		t.Error("an ignored parameter changes the digest")
	}
	for _, changes := range [][]string{
		{"state", "t"}, {"scope", "openid"}, {"nonce", "m"}, {"resource", "https://api.test"}, {"prompt", "consent"}, {"max_age", "1"},
		{"response_mode", "fragment"}, {"response_type", "id_token"}, {"claims", "{}"}, {"login_hint", "x"}, {"id_token_hint", "x"},
		{"acr_values", "x"}, {"ui_locales", "de"},
	} {
		if accept(t, valid(changes...)).digest() == base {
			t.Errorf("%v does not change the digest", changes)
		}
	}
}

// Whatever a stranger sends is refused or leads to a registered redirect URI,
// within the client's scopes, and survives the trip to the next step.
func FuzzParseRequest(f *testing.F) {
	f.Add(valid().Encode())
	f.Add(valid("prompt", "login", "max_age", "0", "claims", `{"id_token":{"acr":null}}`).Encode())
	f.Add(valid("response_type", "token id_token", "response_mode", "form_post").Encode())
	f.Add(valid("acr_values", "a b "+login.ACRMultiple, "claims", `{"id_token":{"acr":{"essential":true,"values":["x"]}}}`).Encode())
	f.Add("client_id=web&redirect_uri=https%3A%2F%2Fevil.test&response_type=code")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := oauth.ParseForm(query, "resource")
		if err != nil {
			return
		}
		client := webClient()
		goal, err := parseTarget(form, client)
		if err != nil {
			return
		}
		if goal.redirectURI != "https://app.test/cb" {
			t.Fatalf("would answer to %q", goal.redirectURI)
		}
		if location := locate(goal, [][2]string{{"error", "x"}}); strings.ContainsAny(location, "\r\n") {
			t.Fatalf("location %q", location)
		}
		r, err := parseRequest(form, goal, allGrants)
		if err == nil {
			err = r.readAssurance(&realm.Settings{})
		}
		if err != nil {
			if codeOf(err) == "" {
				t.Fatalf("%v is no protocol error", err)
			}
			return
		}
		if !r.scope.Within(client.Scopes) || r.mode == "query" && r.responseType != "code" {
			t.Fatalf("accepted %+v", r)
		}
		again, err := oauth.ParseForm(r.encode(), "resource")
		if err != nil {
			t.Fatalf("%q does not travel: %v", r.encode(), err)
		}
		next, err := parseRequest(again, goal, allGrants)
		if err != nil || next.digest() != r.digest() {
			t.Fatalf("%q reads differently after the trip: %v", r.encode(), err)
		}
	})
}
