package authorize_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// appTest registers the redirect URI that the lookalikes resemble.
func appTest(s *realm.Settings) {
	for i := range s.Clients {
		if s.Clients[i].ID == "web" {
			s.Clients[i].RedirectURIs = []string{"https://app.test/cb"}
		}
	}
}

func TestA1_LookalikesOfTheRedirectURIGetAPage(t *testing.T) {
	b := newBrowser(t, appTest)
	if answer := b.get(at("authorize", params("redirect_uri", "https://app.test/cb"))); answer.Code != http.StatusSeeOther {
		t.Fatalf("the registered URI: %d", answer.Code)
	}
	for _, uri := range []string{
		"https://app.test/cb/", "https://app.test/cb?x=1", "https://app.test/cb#f", "https://app.test/cb%20",
		"https://app.test/cb%2f..", "https://app.test/cb/../evil", "https://app.test/cb/%2e%2e/evil",
		"https://app.test/CB", "HTTPS://app.test/cb", "https://APP.test/cb", "https://app.test:443/cb",
		"http://app.test/cb", "https://app.test.evil.test/cb", "https://evil.test/app.test/cb",
		"https://app.test@evil.test/cb", "https://app.test:x@evil.test/cb", `https://evil.test\@app.test/cb`,
		"https://evil.test%2f@app.test/cb", "https://app.test%00.evil.test/cb", "https://app.test%09/cb",
		"//app.test/cb", "/cb", "https:app.test/cb", "https:///app.test/cb", "https://xn--pp-8ja.test/cb",
		"https://app.test。evil/cb", "javascript:alert(1)//https://app.test/cb", "data:text/html,x",
		"https://app.test/cb\r\nLocation: https://evil.test", "https://app.test/cb?next=https://evil",
		"https://app.test/cb?" + strings.Repeat("x", 64<<10), "", realmtest.Callback,
		"https://app.test/cb%E2%80%AE", "urn:ietf:wg:oauth:2.0:oob", "https://app.test./cb",
		" https://app.test/cb", "https://app.test/cb ", "https://app.test/c%62", "https://app.test/cb%2F",
	} {
		isPage(t, b.get(at("authorize", params("redirect_uri", uri))), http.StatusBadRequest)
		status := http.StatusBadRequest
		if len(uri) > oauth.MaxFormBytes {
			status = http.StatusRequestEntityTooLarge
		}
		isPage(t, b.post(issuer+"/authorize", params("redirect_uri", uri)), status)
	}
	twice := params("redirect_uri", "https://app.test/cb")
	twice.Add("redirect_uri", "https://app.test/cb")
	isPage(t, b.get(at("authorize", twice)), http.StatusBadRequest)
	array := params("redirect_uri", "")
	array.Set("redirect_uri[]", "https://app.test/cb")
	isPage(t, b.get(at("authorize", array)), http.StatusBadRequest)
}

func TestA3_BadClientsGetAPageThatRepeatsNothing(t *testing.T) {
	b := newBrowser(t)
	for _, id := range []string{"", "nobody", "WEB", "web ", "' OR 1=1--", strings.Repeat("x", 1<<20), "web\x00", "wéb"} {
		isPage(t, b.get(at("authorize", params("client_id", id))), http.StatusBadRequest)
	}
	page := b.get(at("authorize", params("client_id", "<script>alert(1)</script>")))
	isPage(t, page, http.StatusBadRequest)
	if strings.Contains(page.Body.String(), "alert(1)") {
		t.Errorf("the page repeats the id: %s", page.Body)
	}
}

func TestAS2_NothingIsRedirectedBeforeTheTargetIsKnown(t *testing.T) {
	b := newBrowser(t)
	for _, step := range []string{"authorize", "login", "consent"} {
		for _, changes := range [][]string{
			{"client_id", "nobody"}, {"client_id", ""}, {"redirect_uri", "https://evil.test/cb"},
			{"redirect_uri", "https://evil.test/cb", "prompt", "none"}, {"redirect_uri", "https://evil.test/cb", "response_type", "magic"},
		} {
			isPage(t, b.get(at(step, params(changes...))), http.StatusBadRequest)
		}
	}
}

func TestAS17_ErrorsGoToTheRegisteredURIAlone(t *testing.T) {
	b := newBrowser(t)
	for _, step := range []string{"authorize", "login", "consent"} {
		for code, changes := range map[string][]string{
			"invalid_scope":             {"scope", "admin"},
			"unsupported_response_type": {"response_type", "magic"},
			"invalid_request":           {"prompt", "maybe"},
			"request_not_supported":     {"request", "x.y.z"},
		} {
			got := answered(t, b.get(at(step, params(changes...))))
			if got.Get("error") != code || got.Get("error_description") == "" || got.Get("state") != "abc123" || got.Has("code") {
				t.Errorf("%s: %v, want %s", step, got, code)
			}
		}
	}
}

func TestPG13_PagesRepeatNoParameter(t *testing.T) {
	b := newBrowser(t)
	canary := "canary-4711"
	for _, changes := range [][]string{{"client_id", canary}, {"redirect_uri", "https://" + canary + "/"}, {"scope", canary, "redirect_uri", "x"}} {
		if page := b.get(at("authorize", params(changes...))); strings.Contains(page.Body.String(), canary) {
			t.Errorf("%v: %s", changes, page.Body)
		}
	}
	if got := answered(t, b.get(at("authorize", params("scope", canary)))); strings.Contains(got.Get("error_description"), canary) {
		t.Errorf("the description repeats the scope: %v", got)
	}
}

func TestAS11_EveryAnswerNamesTheIssuer(t *testing.T) {
	b := newBrowser(t)
	values := params("client_id", "ours")
	address := b.signIn(values)
	for name, answer := range map[string]*httptest.ResponseRecorder{
		"code":            b.get(address),
		"code, fragment":  b.get(at("authorize", params("client_id", "ours", "response_mode", "fragment"))),
		"token":           b.get(at("authorize", params("client_id", "ours", "response_type", "token"))),
		"bad scope":       b.get(at("authorize", params("scope", "admin"))),
		"bad scope token": b.get(at("authorize", params("scope", "admin", "response_type", "token"))),
		"silent":          b.again().get(at("authorize", params("prompt", "none"))),
	} {
		if got := answered(t, answer); got.Get("iss") != issuer || len(got["iss"]) != 1 {
			t.Errorf("%s: iss is %q", name, got["iss"])
		}
	}
	page := b.get(at("authorize", params("client_id", "ours", "response_mode", "form_post")))
	isPage(t, page, http.StatusOK)
	if !strings.Contains(page.Body.String(), `name="iss" value="`+issuer+`"`) {
		t.Errorf("form_post: %s", page.Body)
	}
}

func TestAS15_EveryRedirectIs303(t *testing.T) {
	b := newBrowser(t)
	values := params()
	b.post(issuer+"/authorize", values)
	login := b.login(at("login", values), "demo", "Ch4ng31t")
	consent := b.decide(at("consent", values), "allow")
	for name, answer := range map[string]*httptest.ResponseRecorder{
		"to the login page": b.again().post(issuer+"/authorize", values),
		"after login":       login,
		"to consent":        b.post(issuer+"/authorize", params("prompt", "consent")),
		"to the client":     consent,
		"error":             b.post(issuer+"/authorize", params("scope", "admin")),
	} {
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") == "" {
			t.Errorf("%s: %d", name, answer.Code)
		}
		if answer.Header().Get("Cache-Control") != "no-store" || answer.Header().Get("Referrer-Policy") != "no-referrer" || answer.Body.Len() != 0 {
			t.Errorf("%s: %v with a body of %d bytes", name, answer.Header(), answer.Body.Len())
		}
	}
}

func TestAS16_NoCORSHeaders(t *testing.T) {
	b := newBrowser(t)
	for _, step := range []string{"authorize", "login", "consent"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			answer := b.send(httptest.NewRequest(method, at(step, params()), nil), "Origin", "https://app.example.com", "Access-Control-Request-Method", "GET")
			for name := range answer.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %s", method, step, name)
				}
			}
		}
	}
}

func TestAS18_RepeatedParametersAreRefused(t *testing.T) {
	b := newBrowser(t)
	for name := range params() {
		values := params()
		values.Add(name, values.Get(name))
		isPage(t, b.get(at("authorize", values)), http.StatusBadRequest)
		isPage(t, b.post(issuer+"/authorize", values), http.StatusBadRequest)
		isPage(t, b.get(at("login", values)), http.StatusBadRequest)
	}
	values := params()
	values["resource"] = []string{realmtest.API, realmtest.Files}
	goesTo(t, b.get(at("authorize", values)), "login")
}

func TestRequestsThatAreTooLargeToTravel(t *testing.T) {
	b := newBrowser(t)
	// Unencoded text of two bytes a letter needs six in our own addresses.
	query := params().Encode() + "&login_hint=" + strings.Repeat("é", 16<<10)
	if got := answered(t, b.get(issuer+"/authorize?"+query)); got.Get("error") != "invalid_request" {
		t.Errorf("the client gets %v", got)
	}
}

func TestA36_ParametersInQueryAndBodyAreRefused(t *testing.T) {
	b := newBrowser(t)
	isPage(t, b.post(at("authorize", url.Values{"state": {"x"}}), params()), http.StatusBadRequest)
	isPage(t, b.post(at("authorize", params()), nil), http.StatusBadRequest)
	// The routing layer's own parameter may stand in the query.
	goesTo(t, b.post(issuer+"/authorize?realm=%2F", params()), "login")
}

func TestOnlyGETAndPOST(t *testing.T) {
	b := newBrowser(t)
	for _, step := range []string{"authorize", "login", "consent"} {
		for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, "get"} {
			answer := b.send(httptest.NewRequest(method, at(step, params()), nil))
			if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, POST" {
				t.Errorf("%s %s: %d, Allow %q", method, step, answer.Code, answer.Header().Get("Allow"))
			}
		}
	}
	isPage(t, b.send(httptest.NewRequest(http.MethodPost, issuer+"/authorize", strings.NewReader("{}")), "Content-Type", "application/json"), http.StatusBadRequest)
}

func TestPG20_GETAndPOSTMeanTheSame(t *testing.T) {
	b := newBrowser(t)
	values := params("state", "a&b=ž 🐎")
	byGET := goesTo(t, b.get(at("authorize", values)), "login")
	if byPOST := goesTo(t, b.post(issuer+"/authorize", values), "login"); byPOST != byGET {
		t.Errorf("GET leads to %s, POST to %s", byGET, byPOST)
	}
	got := b.allowed(values)
	if got.Get("state") != values.Get("state") || got.Get("code") == "" {
		t.Errorf("the client gets %v", got)
	}
	values.Set("client_id", "ours")
	if got := answered(t, b.post(issuer+"/authorize", values)); got.Get("code") == "" || got.Get("state") != values.Get("state") {
		t.Errorf("after POST the client gets %v", got)
	}
}

func TestPG20_FormOfAClientFindsTheSession(t *testing.T) {
	b := newBrowser(t)
	values := params("client_id", "ours")
	b.signIn(values)
	// Browsers leave Lax cookies off a form that another site posts.
	posted := b.again().post(issuer+"/authorize", values, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.com")
	address := goesTo(t, posted, "authorize")
	if got := answered(t, b.get(address, "Sec-Fetch-Site", "cross-site")); got.Get("code") == "" {
		t.Errorf("the client gets %v", got)
	}
}

func TestPG19_PromptNoneNeverShowsAPageOverHTTP(t *testing.T) {
	b := newBrowser(t)
	for _, step := range []string{"login", "consent"} {
		address := goesTo(t, b.get(at(step, params("prompt", "none"))), "authorize")
		if got := answered(t, b.get(address)); got.Get("error") != "login_required" {
			t.Errorf("%s without a session: %v", step, got)
		}
	}
	b.signIn(params())
	if got := answered(t, b.get(at("authorize", params("prompt", "none")))); got.Get("error") != "consent_required" || got.Get("state") != "abc123" {
		t.Errorf("without consent: %v", got)
	}
	if got := answered(t, b.get(at("authorize", params("prompt", "none", "client_id", "ours")))); got.Get("code") == "" {
		t.Errorf("with all that it takes: %v", got)
	}
	b.world.Store.Fail("Session")
	if got := answered(t, b.get(at("authorize", params("prompt", "none")))); got.Get("error") != "temporarily_unavailable" {
		t.Errorf("without a store: %v", got)
	}
}

func TestAS61_FaultsOfOursArePagesOf503(t *testing.T) {
	b := newBrowser(t)
	b.signIn(params())
	for _, test := range []struct{ fault, address string }{
		{"Session", at("authorize", params())},
		{"Consent", at("authorize", params())},
		{"Session", at("consent", params())},
		{"Consent", at("consent", params())},
		{"CreateGrant", at("authorize", params("client_id", "ours"))},
	} {
		b.world.Store.Fail(test.fault)
		page := b.get(test.address)
		isPage(t, page, http.StatusServiceUnavailable)
		if page.Header().Get("Retry-After") == "" || strings.Contains(page.Body.String(), realmtest.ErrFault.Error()) {
			t.Errorf("%s: %v %s", test.fault, page.Header(), page.Body)
		}
	}
	if !strings.Contains(b.world.Logged(), realmtest.ErrFault.Error()) {
		t.Error("the operator is not told why")
	}
}

func TestA63_HintOfAnotherUser(t *testing.T) {
	b := newBrowser(t)
	hint, err := b.world.Realm.Tokens.MintID(token.IDToken{
		Subject: "somebody", ClientID: "web", IssuedAt: b.world.Clock.Now(), Expires: b.world.Clock.Now().Add(time.Minute),
	}, oauth.ES256)
	if err != nil {
		t.Fatal(err)
	}
	b.signIn(params())
	values := params("client_id", "ours", "id_token_hint", hint.Reveal())
	address := goesTo(t, b.get(at("authorize", values)), "login")
	if got := answered(t, b.login(address, "demo", "Ch4ng31t")); got.Get("error") != "login_required" {
		t.Errorf("after signing in as demo the client gets %v", got)
	}
	values.Set("prompt", "none")
	if got := answered(t, b.get(at("authorize", values))); got.Get("error") != "login_required" {
		t.Errorf("silently the client gets %v", got)
	}
}

func TestA58_ForgedHostsChangeNothing(t *testing.T) {
	b := newBrowser(t)
	request := httptest.NewRequest(http.MethodGet, at("authorize", params()), nil)
	request.Host = "evil.test"
	goesTo(t, b.send(request, "X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "http", "Forwarded", "host=evil.test"), "login")
	request = httptest.NewRequest(http.MethodGet, at("login", params()), nil)
	request.Host = "evil.test"
	if page := b.send(request, "X-Forwarded-Host", "evil.test"); strings.Contains(page.Body.String(), "evil.test") {
		t.Errorf("page is %s", page.Body)
	}
}

func TestIDTokenHint(t *testing.T) {
	b := newBrowser(t)
	values := params("client_id", "ours", "response_type", "id_token")
	hint := answered(t, b.get(b.signIn(values))).Get("id_token")

	if got := answered(t, b.get(at("authorize", params("id_token_hint", "x.y.z")))); got.Get("error") != "invalid_request" {
		t.Errorf("a hint that is none: %v", got)
	}
	if got := answered(t, b.get(at("authorize", params("client_id", "ours", "id_token_hint", hint, "prompt", "none")))); got.Get("code") == "" {
		t.Errorf("the user of the hint: %v", got)
	}
	if page := b.again().get(at("login", params("id_token_hint", hint))); strings.Contains(page.Body.String(), hint) {
		t.Error("PG11: the hint stands in the page")
	}
}
