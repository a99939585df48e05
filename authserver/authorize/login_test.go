package authorize_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestLoginPageKnowsWhoIsExpected(t *testing.T) {
	b := newBrowser(t)
	page := b.get(at("login", params("login_hint", `demo"><b>`)))
	isPage(t, page, http.StatusOK)
	for _, want := range []string{"Client web", `value="demo&#34;&gt;&lt;b&gt;"`} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page lacks %s: %s", want, page.Body)
		}
	}
	if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https:") {
		t.Errorf("policy is %s", policy)
	}
}

func TestPG5_CookiesOfAnHTTPSIssuer(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	if len(b.jar) != 2 {
		t.Fatalf("cookies are %v", b.jar)
	}
	for name, c := range b.jar {
		if !strings.HasPrefix(name, "__Host-oauth2_") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie %s", c)
		}
	}
}

func TestPG5_CookiesOfALoopbackIssuer(t *testing.T) {
	b := newBrowser(t, func(s *realm.Settings) { s.Issuer = "http://localhost:8080/oauth2" })
	b.login("http://localhost:8080/oauth2/login?"+params().Encode(), "demo", "Ch4ng31t")
	if len(b.jar) != 2 {
		t.Fatalf("cookies are %v", b.jar)
	}
	for name, c := range b.jar {
		if !strings.HasPrefix(name, "oauth2_") || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("cookie %s", c)
		}
	}
}

func TestA18_TheSessionIDRotatesAtSignIn(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	first := b.session()
	b.login(at("login", params()), "demo", "Ch4ng31t")
	second := b.session()
	if first.Value == second.Value {
		t.Fatal("PG6: the session kept its id")
	}
	old := b.again()
	old.jar[first.Name] = first
	goesTo(t, old.get(at("authorize", params())), "login")
	goesTo(t, b.get(at("authorize", params())), "consent")
	if len(second.Value)*6 < 256 {
		t.Errorf("the id has %d characters", len(second.Value))
	}
}

func TestPG6_AnIDThatABrowserBringsIsNotTakenOver(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	name, planted := b.session().Name, strings.Repeat("A", 43)
	victim := b.again()
	victim.jar[name] = &http.Cookie{Name: name, Value: planted}
	victim.login(at("login", params()), "demo", "Ch4ng31t")
	if victim.session().Value == planted {
		t.Error("the planted session id was used")
	}
}

// A sign-in that is on its way while all of its user is revoked makes its session
// afterwards. Who has it signs in again: nothing that comes of it is good.
func TestAS41_ASessionBegunWhileItsUserIsRevokedIsNobodys(t *testing.T) {
	b := newBrowser(t)
	if _, err := b.world.Realm.Revocations.RevokeSubject(t.Context(), "/", "demo", b.world.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	goesTo(t, b.get(b.signIn(params())), "login")
	if got := answered(t, b.get(at("authorize", params("prompt", "none")))).Get("error"); got != oauth.CodeLoginRequired {
		t.Errorf("without a page the client is told %q", got)
	}
	b.world.Clock.Advance(time.Second)
	goesTo(t, b.get(b.signIn(params())), "consent")
}

func TestPG16_FailedSignInsLookAlike(t *testing.T) {
	b := newBrowser(t)
	address := at("login", params())
	var bodies []string
	for _, who := range [][2]string{{"demo", "wrong"}, {"nobody", "wrong"}, {"mallory", "Ch4ng31t"}} {
		answer := b.login(address, who[0], who[1])
		isPage(t, answer, http.StatusForbidden)
		body := strings.ReplaceAll(answer.Body.String(), who[0], "USER")
		bodies = append(bodies, challengeField.ReplaceAllString(tokenField.ReplaceAllString(body, "TOKEN"), "CHALLENGE"))
		if answer.Header().Get("WWW-Authenticate") != "" || strings.Contains(answer.Body.String(), who[1]) {
			t.Errorf("%s: %v %s", who[0], answer.Header(), answer.Body)
		}
	}
	if bodies[0] != bodies[1] || bodies[0] != bodies[2] || !strings.Contains(bodies[0], "Wrong username or password.") {
		t.Errorf("pages differ: %s", bodies)
	}
	if b.session() != nil {
		t.Error("a failed sign-in gave a session")
	}
	if !strings.Contains(b.world.Logged(), "bears the id of a client") {
		t.Error("the operator is not told of the account that nobody can use")
	}
}

func TestIncompleteSignIn(t *testing.T) {
	b := newBrowser(t)
	isPage(t, b.login(at("login", params()), "demo", ""), http.StatusBadRequest)
	isPage(t, b.login(at("login", params()), "", "Ch4ng31t"), http.StatusBadRequest)
	if b.world.Staff.Calls() != 0 {
		t.Error("an incomplete form was tried")
	}
}

func TestFaultsAtSignInAre503(t *testing.T) {
	b := newBrowser(t)
	b.world.Staff.Fail(errors.New("directory is gone"))
	answer := b.login(at("login", params()), "demo", "Ch4ng31t")
	isPage(t, answer, http.StatusServiceUnavailable)
	if answer.Header().Get("Retry-After") == "" || strings.Contains(answer.Body.String(), "directory") {
		t.Errorf("%v %s", answer.Header(), answer.Body)
	}
	b.world.Staff.Fail(nil)
	b.world.Store.Fail("CreateSession")
	isPage(t, b.login(at("login", params()), "demo", "Ch4ng31t"), http.StatusServiceUnavailable)
	if b.session() != nil {
		t.Error("a session that was not stored was handed out")
	}
}

func TestPG4_ALoginFormWorksInItsOwnBrowserAlone(t *testing.T) {
	b := newBrowser(t)
	address := at("login", params())
	form := url.Values{"form_token": {formToken(t, b.get(address))}, "username": {"demo"}, "password": {"Ch4ng31t"}}
	other := b.again()
	other.get(address)
	for name, answer := range map[string]int{
		"another browser":          other.post(address, form, own...).Code,
		"a browser without cookie": b.again().post(address, form, own...).Code,
		"another request":          b.post(at("login", params("state", "other")), form, own...).Code,
		"no token":                 b.post(address, url.Values{"username": {"demo"}, "password": {"Ch4ng31t"}}, own...).Code,
	} {
		if answer != http.StatusForbidden {
			t.Errorf("%s: %d", name, answer)
		}
	}
	if b.world.Staff.Calls() != 0 {
		t.Error("a password was tried")
	}
	b.world.Clock.Advance(time.Hour)
	stale := b.post(address, form, own...)
	isPage(t, stale, http.StatusForbidden)
	if !strings.Contains(stale.Body.String(), "expired") || strings.Contains(stale.Body.String(), "Ch4ng31t") {
		t.Errorf("page says %s", stale.Body)
	}
	form.Set("form_token", formToken(t, stale))
	goesTo(t, b.post(address, form, own...), "authorize")
}

func TestPG3_FormsOfOtherSitesAreRefused(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	for step, form := range map[string]url.Values{
		"login":   {"username": {"demo"}, "password": {"Ch4ng31t"}},
		"consent": {"decision": {"allow"}},
	} {
		address := at(step, params())
		form.Set("form_token", formToken(t, b.get(address)))
		for _, headers := range [][]string{
			nil,
			{"Sec-Fetch-Site", "cross-site", "Origin", "https://auth.example.com"},
			{"Sec-Fetch-Site", "same-site"},
			{"Sec-Fetch-Site", "none"},
			{"Origin", "https://evil.test"},
			{"Origin", "null"},
		} {
			isPage(t, b.post(address, form, headers...), http.StatusForbidden)
		}
		if answer := b.post(address, form, "Origin", "https://auth.example.com"); answer.Code != http.StatusSeeOther {
			t.Errorf("%s: our own form of an older browser: %d", step, answer.Code)
		}
	}
}

func TestPG18_SignInIsRepeatedWhenAsked(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params("client_id", "ours"))
	b.world.Clock.Advance(10 * time.Minute)
	for _, changes := range [][]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "0"}, {"max_age", "60"}} {
		values := params(append([]string{"client_id", "ours"}, changes...)...)
		address := b.signIn(values)
		got := answered(t, b.get(address))
		grant := b.grantOf(got.Get("code"))
		if !grant.AuthTime.Equal(b.world.Clock.Now()) {
			t.Errorf("%v: auth_time is %v, want %v", changes, grant.AuthTime, b.world.Clock.Now())
		}
		b.world.Clock.Advance(2 * time.Minute)
	}
	before := b.world.Clock.Now().Add(-2 * time.Minute)
	got := answered(t, b.get(at("authorize", params("client_id", "ours", "max_age", "600"))))
	if grant := b.grantOf(got.Get("code")); !grant.AuthTime.Equal(before) {
		t.Errorf("fresh enough: auth_time is %v, want %v", grant.AuthTime, before)
	}
}

func TestSignInAsAnotherUserThanAskedFor(t *testing.T) {
	b := newBrowser(t)
	values := params("claims", `{"id_token":{"sub":{"value":"somebody"}}}`)
	address := goesTo(t, b.get(at("authorize", values)), "login")
	if got := answered(t, b.login(address, "demo", "Ch4ng31t")); got.Get("error") != "login_required" {
		t.Errorf("the client gets %v", got)
	}
	if b.session() != nil {
		t.Error("the other user is signed in now")
	}
}

func TestSessionsEndWithTheirAccount(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	goesTo(t, b.get(at("authorize", params())), "consent")
	b.world.Staff.Fail(errors.New("directory is gone"))
	isPage(t, b.get(at("authorize", params())), http.StatusServiceUnavailable)
	b.world.Staff.Fail(nil)
	b.world.Staff.Remove("demo")
	goesTo(t, b.get(at("authorize", params())), "login")
}

func TestSessionsEndWhenTheirSubjectMeansSomeoneElse(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	for _, test := range []struct {
		name   string
		change func(*realm.Settings)
		want   string
	}{
		{"another default service", func(s *realm.Settings) { s.DefaultService = "ldap" }, "login"},
		{"a client of the same name", func(s *realm.Settings) { s.Clients[1].ID = "demo" }, "login"},
		{"the service is gone", func(s *realm.Settings) {
			delete(s.Services, "staff")
			s.DefaultService, s.PasswordServices = "ldap", nil
		}, "login"},
		{"nothing that matters to it", func(*realm.Settings) {}, "consent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			settings := b.world.Settings("/", issuer)
			test.change(&settings)
			after := &browser{t: t, world: b.world, handler: serve(b.world.Open(t, settings)), jar: b.jar}
			goesTo(t, after.get(at("authorize", params())), test.want)
		})
	}
}

func TestAS57_ASessionOfOneRealmIsNobodyInAnother(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	const other = "https://auth.example.com/oauth2/realms/root/realms/customers"
	r := b.world.Open(t, b.world.Settings("/customers", other))
	guest := &browser{t: t, world: b.world, handler: serve(r), jar: b.jar}
	if u := location(t, guest.get(other+"/authorize?"+params().Encode())); u.Path != "/oauth2/realms/root/realms/customers/login" {
		t.Errorf("sent to %s", u)
	}
	// Not even under the other realm's cookie name.
	guest.login(other+"/login?"+params().Encode(), "demo", "Ch4ng31t")
	var names []string
	for name := range guest.jar {
		names = append(names, name)
	}
	if len(names) != 4 {
		t.Fatalf("realms share cookies: %v", names)
	}
	first, _, err := b.world.Realm.Sessions.Start(t.Context(), store.SessionBrowser, b.world.Realm.SignedIn(demo(t, b.world), "demo", login.AMRPassword), oauth.Secret{}, b.world.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		guest.jar[name].Value = first.Reveal()
	}
	if u := location(t, guest.get(other+"/authorize?"+params().Encode())); !strings.HasSuffix(u.Path, "/login") {
		t.Errorf("sent to %s", u)
	}
}

func TestPG10_SubmittingTheLoginFormTwiceIsHarmless(t *testing.T) {
	b := newBrowser(t)
	address := at("login", params())
	form := url.Values{"form_token": {formToken(t, b.get(address))}, "username": {"demo"}, "password": {"Ch4ng31t"}}
	goesTo(t, b.post(address, form, own...), "authorize")
	goesTo(t, b.post(address, form, own...), "authorize")
	goesTo(t, b.get(at("authorize", params())), "consent")
}

func TestPG21_StepsAreNotStored(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	for _, step := range []string{"authorize", "login", "consent"} {
		if got := b.get(at(step, params())).Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q", step, got)
		}
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	b := newBrowser(t)
	got := b.allowed(params())
	b.world.Store.Fail("CreateSession")
	b.login(at("login", params()), "demo", "Ch4ng31t")
	for what, secret := range map[string]string{"password": "Ch4ng31t", "code": got.Get("code"), "cookie": b.session().Value, "state": realmtest.Challenge} {
		if strings.Contains(b.world.Logged(), secret) {
			t.Errorf("the log has the %s", what)
		}
	}
}
