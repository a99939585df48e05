package authorize_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// demo is the account of demo.
func demo(t *testing.T, w *realmtest.World) login.Account {
	t.Helper()
	account, err := w.Staff.Account(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func TestTheGrantIsBoundToTheRequest(t *testing.T) {
	b := newBrowser(t)
	values := params("claims", `{"id_token":{"desk":{"essential":true}}}`)
	values["resource"] = []string{realmtest.Files, realmtest.API}
	got := b.allowed(values)
	if len(got) != 3 || got.Get("state") != "abc123" {
		t.Errorf("the client gets %v", got)
	}
	grant, now := b.grantOf(got.Get("code")), b.world.Clock.Now()
	switch {
	case grant.Realm != "/" || grant.ClientID != "web" || grant.Type != oauth.GrantAuthorizationCode || grant.State != store.GrantPending,
		grant.Account != store.Account{Service: "staff", ID: "demo"} || grant.Subject != "demo" || grant.SessionID == "",
		grant.Scope.String() != "openid email" || !slices.Equal(grant.Resources, []string{realmtest.Files, realmtest.API}),
		grant.RedirectURI != realmtest.Callback || !grant.RedirectURISent || grant.CodeChallenge != realmtest.Challenge || grant.Nonce != "n1",
		grant.Claims != `{"id_token":{"desk":null},"userinfo":{}}`,
		grant.ACR != login.ACRPassword || !slices.Equal(grant.AMR, []string{login.AMRPassword}) || !grant.AuthTime.Equal(now),
		grant.Generation != 0 || !grant.Created.Equal(now):
		t.Errorf("stored %+v", grant)
	}
	if !grant.CodeExpires.Equal(now.Add(time.Minute)) || grant.PurgeAt.Before(now.Add(10*time.Minute)) {
		t.Errorf("AS4: the code ends at %v, the row at %v, now is %v", grant.CodeExpires, grant.PurgeAt, now)
	}
}

func TestRedirectURIThatWasNotSent(t *testing.T) {
	b := newBrowser(t)
	got := b.allowed(params("redirect_uri", "", "scope", "read"))
	if grant := b.grantOf(got.Get("code")); grant.RedirectURISent || grant.RedirectURI != realmtest.Callback {
		t.Errorf("stored %+v", grant)
	}
}

func TestAuthorizeWritesOnce(t *testing.T) {
	b := newBrowser(t)
	address := b.signIn(params("client_id", "ours"))
	b.world.Store.Taken()
	answered(t, b.get(address))
	if steps := b.world.Store.Taken(); !slices.Equal(steps, []string{"Session", "CreateGrant"}) {
		t.Errorf("took %v", steps)
	}
	if counted := b.world.Observer.Answers(); len(counted) != 0 {
		t.Errorf("a code was counted as tokens: %v", counted)
	}
}

func TestAS13_TokensNeverTravelInAQuery(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	for _, responseType := range []string{"token", "id_token", "id_token token", "token id_token"} {
		values := params("client_id", "ours", "response_type", responseType)
		u := location(t, b.get(at("authorize", values)))
		if u.RawQuery != "" || u.Fragment == "" {
			t.Errorf("%s: sent to %s", responseType, u)
		}
		values.Set("response_mode", "query")
		u = location(t, b.get(at("authorize", values)))
		if fragment, _ := url.ParseQuery(u.Fragment); u.RawQuery != "" || fragment.Get("error") != "invalid_request" {
			t.Errorf("%s by query: sent to %s", responseType, u)
		}
	}
}

func TestAS13_ImplicitIsOffUnlessTheRealmListsIt(t *testing.T) {
	b := newBrowser(t, func(s *realm.Settings) {
		notImplicit := func(list []string) []string {
			return slices.DeleteFunc(slices.Clone(list), func(g string) bool { return g == oauth.GrantImplicit })
		}
		s.Grants = notImplicit(s.Grants)
		for i := range s.Clients {
			s.Clients[i].Grants = notImplicit(s.Clients[i].Grants)
		}
	})
	if got := answered(t, b.get(at("authorize", params("response_type", "token")))); got.Get("error") != "unsupported_response_type" {
		t.Errorf("the client gets %v", got)
	}
}

func TestImplicitAnswers(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	ask := func(responseType string) url.Values {
		return answered(t, b.get(at("authorize", params("client_id", "ours", "response_type", responseType, "scope", "openid email offline_access"))))
	}
	keys := func(values url.Values) string {
		var names []string
		for name := range values {
			names = append(names, name)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}

	got := ask("token")
	if keys(got) != "access_token expires_in iss scope state token_type" || got.Get("token_type") != "Bearer" || got.Get("expires_in") != "600" || got.Get("scope") != "openid email" {
		t.Errorf("token: %v", got)
	}
	access, err := b.world.Realm.OpenAccess(oauth.NewSecret(got.Get("access_token")))
	if err != nil || access.Subject != "demo" || access.ClientID != "ours" || access.Scope.String() != "openid email" || access.GrantID == "" {
		t.Fatalf("access token says %+v, %v", access, err)
	}
	grant, err := b.world.Store.Store.Grant(t.Context(), "/", access.GrantID)
	if err != nil || grant.State != store.GrantActive || grant.Type != oauth.GrantImplicit || grant.CodeHash != "" || grant.PurgeAt.Before(access.Expires) {
		t.Errorf("stored %+v, %v", grant, err)
	}
	if got = ask("id_token token"); keys(got) != "access_token expires_in id_token iss scope state token_type" {
		t.Errorf("id_token token: %v", got)
	}
	if claims := payload(t, got.Get("id_token")); claims["at_hash"] == nil || claims["nonce"] != "n1" || claims["email"] != nil {
		t.Errorf("id_token with a token says %v", claims)
	}
	if got = ask("id_token"); keys(got) != "id_token iss state" {
		t.Errorf("id_token: %v", got)
	}
	if claims := payload(t, got.Get("id_token")); claims["at_hash"] != nil || claims["email"] != "demo@example.com" || claims["aud"] != "ours" {
		t.Errorf("id_token alone says %v", claims)
	}
	if answers := b.world.Observer.Answers(); !slices.Equal(answers, []string{"/ implicit ok", "/ implicit ok", "/ implicit ok"}) {
		t.Errorf("counted %v", answers)
	}
}

// payload is what a signed token says, read without checking it.
func payload(t *testing.T, text string) map[string]any {
	t.Helper()
	jws, err := oauth.ParseJWS(text)
	if err != nil {
		t.Fatal(err)
	}
	object, err := oauth.DecodeObject(jws.UnverifiedPayload())
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func TestAS61_NoTokenIsAnsweredThatIsNotCommitted(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	b.world.Store.Fail("CreateGrant")
	for _, responseType := range []string{"code", "token", "id_token"} {
		for _, mode := range []string{"fragment", "form_post"} {
			answer := b.get(at("authorize", params("client_id", "ours", "response_type", responseType, "response_mode", mode)))
			isPage(t, answer, http.StatusServiceUnavailable)
			if strings.Contains(answer.Body.String(), "token") || strings.Contains(answer.Body.String(), "eyJ") {
				t.Errorf("%s: %s", responseType, answer.Body)
			}
		}
	}
	if answers := b.world.Observer.Answers(); len(answers) != 0 {
		t.Errorf("counted %v", answers)
	}
}

func TestPG12_FormPostCarriesTheAnswer(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	state := `"><script>alert(1)</script>`
	page := b.get(at("authorize", params("client_id", "ours", "response_mode", "form_post", "state", state)))
	isPage(t, page, http.StatusOK)
	body := page.Body.String()
	if strings.Contains(body, state) || !strings.Contains(body, `action="`+realmtest.Callback+`"`) || !strings.Contains(body, `name="code"`) {
		t.Errorf("page is %s", body)
	}
	page = b.get(at("authorize", params("scope", "admin", "response_mode", "form_post")))
	isPage(t, page, http.StatusOK)
	if !strings.Contains(page.Body.String(), `name="error" value="invalid_scope"`) {
		t.Errorf("an error by form_post is %s", page.Body)
	}
}
