package account_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// below sends a request to a page below the account page.
func (p *person) below(page string, form url.Values) *httptest.ResponseRecorder {
	p.t.Helper()
	handler := map[string]http.HandlerFunc{
		"totp": p.endpoint.TOTP, "passkey": p.endpoint.Passkey, "password": p.endpoint.Password,
	}[page]
	request := httptest.NewRequest(http.MethodGet, "https://auth.example.com/oauth2/account/"+page, nil)
	if form != nil {
		request = httptest.NewRequest(http.MethodPost, request.URL.String(), strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if p.cookie != nil {
		request.AddCookie(p.cookie)
	}
	recorder := httptest.NewRecorder()
	handler(recorder, request)
	return recorder
}

// wants fails the test unless an answer is a page that says something.
func wants(t testing.TB, answer *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if answer.Code != status || !strings.Contains(answer.Body.String(), text) {
			t.Fatalf("status %d to %q, want %d with %q: %s", answer.Code, answer.Header().Get("Location"), status, text, answer.Body)
		}
	}
}

// goes fails the test unless an answer sends the browser somewhere.
func goes(t testing.TB, answer *httptest.ResponseRecorder, to string) {
	t.Helper()
	if got := answer.Header().Get("Location"); answer.Code != http.StatusSeeOther || got != "https://auth.example.com/oauth2/"+to {
		t.Fatalf("status %d to %q, want %s: %s", answer.Code, got, to, answer.Body)
	}
}

var (
	secretField = regexp.MustCompile(`<code class="key"[^>]*>([A-Z2-7 ]+)</code>`)
	sealedField = regexp.MustCompile(`name="sealed" value="([^"]+)"`)
	codeItems   = regexp.MustCompile(`<li><code>([^<]+)</code>`)
)

const again = "login?page=account&prompt=login"

// addApp sets up an app on the pages and gives its secret and the recovery codes.
func (p *person) addApp() (secret string, codes []string) {
	p.t.Helper()
	goes(p.t, p.press("add_totp", ""), "account/totp")
	shown := p.below("totp", nil)
	wants(p.t, shown, http.StatusOK, "<svg")
	html := shown.Body.String()
	secret = strings.ReplaceAll(secretField.FindStringSubmatch(html)[1], " ", "")
	form := url.Values{"form_token": {tokenOf(p.t, html)}, "sealed": {sealedField.FindStringSubmatch(html)[1]}, "code": {"000000"}}
	refused := p.below("totp", form)
	wants(p.t, refused, http.StatusForbidden, strings.TrimSpace(secretField.FindStringSubmatch(html)[1]))
	code, err := totp.GenerateCode(secret, p.world.Clock.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	form.Set("code", code)
	answer := p.below("totp", form)
	wants(p.t, answer, http.StatusOK, "<li><code>")
	for _, found := range codeItems.FindAllStringSubmatch(answer.Body.String(), -1) {
		codes = append(codes, found[1])
	}
	goes(p.t, p.below("totp", url.Values{"form_token": {tokenOf(p.t, answer.Body.String())}}), "account")
	return secret, codes
}

func TestPeopleAddAnAppAndSeeTheirRecoveryCodesOnce(t *testing.T) {
	w := realmtest.New(t)
	p := signedIn(t, w, "demo")
	w.Observer.Told()
	_, codes := p.addApp()
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes", len(codes))
	}
	enrolled, err := w.Realm.Factors.Of(t.Context(), p.session.Account)
	if err != nil || !enrolled.TOTP || enrolled.RecoveryLeft != 10 {
		t.Errorf("enrolled %+v, %v", enrolled, err)
	}
	if html := p.see(); strings.Contains(html, codes[0]) || strings.Contains(html, `value="add_totp"`) || !strings.Contains(html, `value="remove_factor"`) {
		t.Errorf("the page shows %s", html)
	}
	if told := strings.Join(w.Observer.Told(), "\n"); !strings.Contains(told, "user factor_added") || !strings.Contains(told, "user recovery_codes_made") {
		t.Errorf("the audit log is told %q", told)
	}
}

// Whoever finds a browser that was left signed in, or has stolen a session, cannot
// change how its owner signs in (PG18).
func TestPG18_FactorsAreChangedAfterASignInOfAMomentAgoOnly(t *testing.T) {
	w := realmtest.New(t)
	p := signedIn(t, w, "demo")
	p.addApp()
	// There is an app now, and this session has not shown a code of it.
	for _, action := range []string{"remove_factor", "recovery_codes"} {
		goes(t, p.press(action, "totp"), again)
	}
	goes(t, p.below("passkey", nil), again)

	other := signedIn(t, w, "ldap:demo")
	wants(t, other.below("totp", nil), http.StatusOK, "<svg")
	w.Clock.Advance(20 * time.Minute)
	goes(t, other.below("totp", nil), again)
	goes(t, other.below("passkey", nil), again)
	if enrolled, err := w.Realm.Factors.Of(t.Context(), p.session.Account); err != nil || !enrolled.TOTP || enrolled.RecoveryLeft != 10 {
		t.Errorf("enrolled %+v, %v", enrolled, err)
	}
}

func TestFactorsAreRemovedAndCodesMadeAnew(t *testing.T) {
	w := realmtest.New(t)
	first := signedIn(t, w, "demo")
	_, old := first.addApp()
	p := signedIn(t, w, "demo", "pwd", "otp", "mfa")
	shown := p.press("recovery_codes", "")
	wants(t, shown, http.StatusOK, "<li><code>")
	if strings.Contains(shown.Body.String(), old[0]) {
		t.Error("the old codes are shown")
	}
	goes(t, p.send(http.MethodPost, page, url.Values{"form_token": {tokenOf(t, shown.Body.String())}}), "account?said=saved")
	for range 2 { // a second tab presses the same button
		goes(t, p.press("remove_factor", "totp"), "account?said=factor_removed")
	}
	if enrolled, err := w.Realm.Factors.Of(t.Context(), p.session.Account); err != nil || enrolled.Any() || enrolled.RecoveryLeft != 0 {
		t.Errorf("enrolled %+v, %v", enrolled, err)
	}
}

func TestTheSecretOfAnAppIsForOneAccount(t *testing.T) {
	w := realmtest.New(t)
	p, thief := signedIn(t, w, "demo"), signedIn(t, w, "ldap:demo")
	html := thief.below("totp", nil).Body.String()
	sealed := sealedField.FindStringSubmatch(html)[1]
	code, err := totp.GenerateCode(strings.ReplaceAll(secretField.FindStringSubmatch(html)[1], " ", ""), w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	mine := p.below("totp", nil).Body.String()
	answer := p.below("totp", url.Values{"form_token": {tokenOf(t, mine)}, "sealed": {sealed}, "code": {code}})
	if enrolled, err := w.Realm.Factors.Of(t.Context(), p.session.Account); err != nil || enrolled.Any() || answer.Code != http.StatusForbidden {
		t.Errorf("status %d, enrolled %+v, %v", answer.Code, enrolled, err)
	}
}

func TestWhatTheRealmDoesNotAskForCannotBeAdded(t *testing.T) {
	w := realmtest.New(t, func(s *realm.Settings) { s.SecondFactor, s.NoPasskeys = realm.SecondFactorOff, true })
	p := signedIn(t, w, "demo")
	if html := p.see(); strings.Contains(html, "add_totp") || strings.Contains(html, "add_passkey") {
		t.Errorf("the page offers %s", html)
	}
	for _, page := range []string{"totp", "passkey"} {
		wants(t, p.below(page, nil), http.StatusBadRequest, "switched off")
	}
}

func TestPasskeysAreMadeForTheSessionThatAsks(t *testing.T) {
	p := signedIn(t, realmtest.New(t), "demo")
	goes(t, p.press("add_passkey", ""), "account/passkey")
	shown := p.below("passkey", nil)
	wants(t, shown, http.StatusOK, "data-passkey-create", "passkey.js")
	form := url.Values{"form_token": {tokenOf(t, shown.Body.String())}, "passkey": {`{"id":"x"}`}, "label": {"key"}}
	wants(t, p.below("passkey", form), http.StatusForbidden, "data-passkey-create")
	form.Del("passkey")
	goes(t, p.below("passkey", form), "account")
}

// Services that share accounts share the people, and so the factors.
func TestSharedAccountsShareTheirFactors(t *testing.T) {
	w := realmtest.New(t, func(s *realm.Settings) { s.SharedAccounts = true })
	p := signedIn(t, w, "demo")
	p.addApp()
	elsewhere := signedIn(t, w, "ldap:demo")
	if html := elsewhere.see(); !strings.Contains(html, `value="remove_factor"`) || strings.Contains(html, `value="add_totp"`) {
		t.Errorf("the page shows %s", html)
	}
	goes(t, elsewhere.press("remove_factor", "totp"), again)
	goes(t, signedIn(t, w, "ldap:demo", "pwd", "otp", "mfa").press("remove_factor", "totp"), "account?said=factor_removed")
	if enrolled, err := w.Realm.Factors.Of(t.Context(), p.session.Account); err != nil || enrolled.Any() {
		t.Errorf("enrolled %+v, %v", enrolled, err)
	}
}

// What no page asks for cannot be shown: a passkey from before passkeys were
// switched off can be removed without it.
func TestAFactorThatIsNotAskedForAnyMoreCanBeRemoved(t *testing.T) {
	w := realmtest.New(t, func(s *realm.Settings) { s.NoPasskeys = true })
	p := signedIn(t, w, "demo")
	err := w.Store.AddCredential(t.Context(), store.Credential{
		Realm: "/", Account: p.session.Account, Kind: store.CredentialPasskey, ID: "old", Label: "key", Data: "{}", Created: w.Clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	goes(t, p.press("remove_factor", "old"), "account?said=factor_removed")
	if enrolled, err := w.Realm.Factors.Of(t.Context(), p.session.Account); err != nil || enrolled.Any() {
		t.Errorf("enrolled %+v, %v", enrolled, err)
	}
}
