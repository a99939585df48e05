package logout_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

func TestCL8_AHintOfTheSessionEndsItAtOnce(t *testing.T) {
	b := newBrowser(t)
	hint := b.hint(b.world.Realm, "web", b.session.ID)
	b.world.Clock.Advance(50 * time.Minute) // the hint has expired, the session has not
	goesTo(t, b.visit(at("id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye, "state", "a&b=c d")),
		http.StatusFound, realmtest.Goodbye+"?state=a%26b%3Dc+d")
	if b.signedIn() || b.jar[sessionCookie()] != nil {
		t.Error("the session or its cookie is still there (PG6)")
	}
	b.world.Observer.WantTold(t, "user session_ended client=web subject=demo session=* reason=signed_out")
	// Without a session there is nothing to ask: back to the client again (PG10).
	goesTo(t, b.visit(at("id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye)), http.StatusFound, realmtest.Goodbye)
	isPage(t, b.visit(at("id_token_hint", hint)), http.StatusOK, donePage)
	b.world.Observer.WantTold(t)
}

func TestCL8_AnybodyElseIsAsked(t *testing.T) {
	for name, pairs := range map[string]func(b *browser) []string{
		"nothing": func(*browser) []string { return nil },
		"a client alone": func(*browser) []string {
			return []string{"client_id", "web", "post_logout_redirect_uri", realmtest.Goodbye}
		},
		"another session":    func(b *browser) []string { return []string{"id_token_hint", b.hint(b.world.Realm, "web", "another")} },
		"no session":         func(b *browser) []string { return []string{"id_token_hint", b.hint(b.world.Realm, "web", "")} },
		"a hint of nobody":   func(*browser) []string { return []string{"id_token_hint", "x.y.z"} },
		"a sealed request":   func(*browser) []string { return []string{"request", "AAAA"} },
		"a hint to a logout": func(*browser) []string { return []string{"logout_hint", "demo"} },
		"a changed signature": func(b *browser) []string {
			return []string{"id_token_hint", b.hint(b.world.Realm, "web", b.session.ID) + "A"}
		},
		"another realm": func(b *browser) []string {
			other := b.world.Open(b.t, b.world.Settings("/customers", "https://auth.example.com/oauth2/realms/root/realms/customers"))
			return []string{"id_token_hint", b.hint(other, "web", b.session.ID)}
		},
		"an access token": func(b *browser) []string {
			client, _ := b.world.Realm.Client("web")
			grant := b.grant("web", b.session.ID)
			access, _, err := b.world.Realm.AccessFor(client, &grant, grant.Scope, b.world.Clock.Now())
			if err != nil {
				b.t.Fatal(err)
			}
			return []string{"id_token_hint", access.Reveal()}
		},
		"a logout token": func(b *browser) []string {
			text, err := b.world.Realm.Tokens.MintLogout(token.LogoutToken{
				ClientID: "web", Subject: "demo", SessionID: b.session.ID, IssuedAt: b.world.Clock.Now(),
			}, "ES256")
			if err != nil {
				b.t.Fatal(err)
			}
			return []string{"id_token_hint", text.Reveal()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			address := at(pairs(b)...)
			page := b.visit(address)
			isPage(t, page, http.StatusOK, asksPage)
			if !b.signedIn() {
				t.Fatal("nobody was asked")
			}
			goesTo(t, b.decide(address, page, "stay"), http.StatusSeeOther, "https://auth.example.com/oauth2/account")
			isPage(t, b.decide(address, page, "maybe"), http.StatusBadRequest, failedPage)
			if !b.signedIn() {
				t.Fatal("who stays is signed out")
			}
			answer := b.decide(address, page, "sign_out")
			if strings.Contains(address, "post_logout_redirect_uri") {
				goesTo(t, answer, http.StatusSeeOther, realmtest.Goodbye)
			} else {
				isPage(t, answer, http.StatusOK, donePage)
			}
			if b.signedIn() {
				t.Error("the session is still there")
			}
		})
	}
}

// A form is good for its browser, session and request, and sending it twice is no
// fault (PG3, PG10).
func TestPG10_TheForm(t *testing.T) {
	b := newBrowser(t)
	address := at("client_id", "web", "post_logout_redirect_uri", realmtest.Goodbye, "state", "s")
	page := b.visit(address)
	form := url.Values{"form_token": {formToken(t, page)}, "decision": {"sign_out"}}
	for name, answer := range map[string]*httptest.ResponseRecorder{
		"from another site":  b.post(address, form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"),
		"from nowhere":       b.post(address, form),
		"of another request": b.post(at("client_id", "other", "post_logout_redirect_uri", realmtest.Goodbye), form, own...),
		"of another state":   b.post(at("client_id", "web", "post_logout_redirect_uri", realmtest.Goodbye, "state", "t"), form, own...),
		"with another token": b.post(address, url.Values{"form_token": {"1." + "." + "x"}, "decision": {"sign_out"}}, own...),
		"of another browser": another(b).post(address, form, own...),
		"after it has expired": func() *httptest.ResponseRecorder {
			b.world.Clock.Advance(11 * time.Minute)
			return b.post(address, form, own...)
		}(),
	} {
		if answer.Code != http.StatusForbidden || !b.signedIn() {
			t.Errorf("a form %s: %d", name, answer.Code)
		}
	}
	page = b.visit(address)
	second := b.visit(address) // a second tab
	goesTo(t, b.decide(address, page, "sign_out"), http.StatusSeeOther, realmtest.Goodbye+"?state=s")
	for _, again := range []*httptest.ResponseRecorder{page, second} {
		isPage(t, b.decide(address, again, "sign_out"), http.StatusOK, donePage)
	}
	isPage(t, b.visit(address), http.StatusOK, donePage) // the back button
	b.world.Observer.WantTold(t, "user session_ended client=web subject=demo session=* reason=signed_out")
}

// another is a browser with a session of its own.
func another(b *browser) *browser {
	second := &browser{t: b.t, world: b.world, handler: b.handler, jar: map[string]*http.Cookie{}}
	second.session = second.signIn(sessionCookie(), store.SessionBrowser)
	return second
}

// Nothing that is not registered is redirected to, and nothing that was sent is on
// a page (CL8, PG13).
func TestCL8_PG13_HostileParameters(t *testing.T) {
	const evil = "https://evil.example/"
	b := newBrowser(t)
	hint := b.hint(b.world.Realm, "web", b.session.ID)
	for name, pairs := range map[string][]string{
		"unregistered":            {"id_token_hint", hint, "post_logout_redirect_uri", evil},
		"the redirect URI":        {"id_token_hint", hint, "post_logout_redirect_uri", realmtest.Callback},
		"with a query":            {"id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye + "?next=" + evil},
		"with a user":             {"id_token_hint", hint, "post_logout_redirect_uri", "https://app.example.com@evil.example/bye"},
		"in another case":         {"id_token_hint", hint, "post_logout_redirect_uri", "https://APP.example.com/bye"},
		"a prefix":                {"id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye + "evil.example"},
		"a script":                {"id_token_hint", hint, "post_logout_redirect_uri", "javascript:alert(1)//evil.example"},
		"of nobody":               {"post_logout_redirect_uri", evil},
		"registered, of nobody":   {"post_logout_redirect_uri", realmtest.Goodbye},
		"with a hint of nobody":   {"id_token_hint", "evil.example.x", "post_logout_redirect_uri", realmtest.Goodbye},
		"of a client that is not": {"client_id", "<evil.example>", "post_logout_redirect_uri", evil},
		"of another client":       {"client_id", "other", "id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye},
		"a state with a break":    {"id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye, "state", "x\r\nLocation: " + evil},
		"a long state":            {"id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye, "state", strings.Repeat("evil.example", 100)},
		"long languages":          {"ui_locales", strings.Repeat("evil.example ", 100)},
		"twice":                   {"id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye, "post_logout_redirect_uri", evil},
	} {
		for _, answer := range []*httptest.ResponseRecorder{b.visit(at(pairs...)), b.post(address, realmtest.Values(pairs...))} {
			if answer.Code != http.StatusBadRequest || answer.Header().Get("Location") != "" || strings.Contains(answer.Body.String(), "evil.example") {
				t.Errorf("%s: %d %v %s", name, answer.Code, answer.Header(), answer.Body)
			}
		}
		if !b.signedIn() {
			t.Fatalf("%s: the session has ended", name)
		}
	}
	// Texts of a client that are shown are escaped, and a state is the client's alone.
	for _, answer := range []*httptest.ResponseRecorder{b.visit(at("client_id", "web", "post_logout_redirect_uri", realmtest.Goodbye, "state", `"><script>evil.example`))} {
		isPage(t, answer, http.StatusOK, asksPage)
		if strings.Contains(answer.Body.String(), "evil.example") {
			t.Errorf("%s", answer.Body)
		}
	}
	if answer := b.send(httptest.NewRequest(http.MethodDelete, address, nil)); answer.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", answer.Code)
	}
}

// A client's page may post the request. Browsers leave our cookies off it, so it
// goes on as a GET without the hint in its address.
func TestPG20_AClientMayPost(t *testing.T) {
	b := newBrowser(t)
	cookies := b.jar
	b.jar = map[string]*http.Cookie{}
	hint := b.hint(b.world.Realm, "web", b.session.ID)
	form := realmtest.Values("id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye, "state", "s", "client_id", "web")
	answer := b.post(address, form, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.com")
	next := answer.Header().Get("Location")
	if answer.Code != http.StatusSeeOther || !strings.HasPrefix(next, address+"?request=") || strings.Contains(next, hint) {
		t.Fatalf("%d to %s", answer.Code, next)
	}
	b.jar = cookies
	goesTo(t, b.visit(next), http.StatusFound, realmtest.Goodbye+"?state=s")
	if b.signedIn() {
		t.Error("the session is still there")
	}
	// Later the same address is a plain sign-out.
	b.world.Clock.Advance(11 * time.Minute)
	isPage(t, b.visit(next), http.StatusOK, donePage)
}

func TestNobodyIsSignedIn(t *testing.T) {
	b := newBrowser(t)
	b.jar = map[string]*http.Cookie{}
	isPage(t, b.visit(address), http.StatusOK, donePage)
	// A client that shows nothing gets a link at most, for people to follow.
	answer := b.visit(at("client_id", "web", "post_logout_redirect_uri", realmtest.Goodbye, "state", "s"))
	isPage(t, answer, http.StatusOK, donePage)
	if !strings.Contains(answer.Body.String(), `href="`+realmtest.Goodbye+`?state=s"`) {
		t.Errorf("%s", answer.Body)
	}
	// A cookie of a session that is over goes.
	b.jar[sessionCookie()] = &http.Cookie{Name: sessionCookie(), Value: strings.Repeat("A", 43)}
	isPage(t, b.visit(address), http.StatusOK, donePage)
	if b.jar[sessionCookie()] != nil {
		t.Error("the cookie is still there")
	}
}

// What does not outlive the session ends with it, in this process at once.
func TestPG22_WhatEndsWithTheSession(t *testing.T) {
	b := newBrowser(t)
	web, _ := b.world.Realm.Client("web")
	alive := func(grant store.Grant) bool {
		t.Helper()
		_, said, err := b.world.Realm.AccessFor(web, &grant, grant.Scope, b.world.Clock.Now())
		stored, err2 := b.world.Store.Grant(t.Context(), "/", grant.ID)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		access, family := !b.world.Realm.Revocations.Revoked("/", said.Lineage()), !b.world.Realm.Over(&stored)
		if access != family {
			t.Errorf("%v: the access token is alive: %t, the family: %t", grant.Scope, access, family)
		}
		return family
	}
	ends, plain := b.grant("web", b.session.ID), b.grant("web", b.session.ID, "read")
	outlives, elsewhere := b.grant("web", b.session.ID, "offline_access"), b.grant("web", "another")
	b.visit(at("id_token_hint", b.hint(b.world.Realm, "web", b.session.ID)))
	if alive(ends) || alive(plain) {
		t.Error("a family without offline_access goes on")
	}
	if !alive(outlives) || !alive(elsewhere) {
		t.Error("a family with offline_access, or of another session, has ended")
	}
	b.world.Observer.WantTold(t, "user session_ended client=web subject=demo session=* reason=signed_out")
}

// Who signs in again has a new cookie and the same sid: hints from before are
// hints of the session.
func TestASessionGoesOnUnderItsName(t *testing.T) {
	b := newBrowser(t)
	hint := b.hint(b.world.Realm, "web", b.session.ID)
	cookie, session, err := b.world.Realm.Sessions.Start(t.Context(), store.SessionBrowser, login.SignedIn{
		Account: b.session.Account, Subject: b.session.Subject,
	}, oauth.NewSecret(b.jar[sessionCookie()].Value), b.world.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.session, b.jar[sessionCookie()].Value = session, cookie.Reveal()
	isPage(t, b.visit(at("id_token_hint", hint)), http.StatusOK, donePage)
	if b.signedIn() {
		t.Error("the session is still there")
	}
}

// People can sign out while nobody can say what their account is like.
func TestSigningOutNeedsNoDirectory(t *testing.T) {
	b := newBrowser(t)
	b.world.Staff.Fail(realmtest.ErrFault)
	page := b.visit(address)
	isPage(t, page, http.StatusOK, asksPage)
	isPage(t, b.decide(address, page, "sign_out"), http.StatusOK, donePage)
	if b.signedIn() {
		t.Error("the session is still there")
	}
}

func TestAS61_AStoreThatIsGoneIsNoSignOut(t *testing.T) {
	for _, step := range []string{"Session", "RevokeAll"} {
		b := newBrowser(t)
		b.world.Store.Fail(step)
		answer := b.visit(at("id_token_hint", b.hint(b.world.Realm, "web", b.session.ID), "post_logout_redirect_uri", realmtest.Goodbye))
		isPage(t, answer, http.StatusServiceUnavailable, "We cannot answer at the moment")
		if answer.Header().Get("Retry-After") == "" || b.jar[sessionCookie()] == nil || !b.signedIn() {
			t.Errorf("%s: %v", step, answer.Header())
		}
		b.world.Observer.WantTold(t)
	}
}

// Scripts of a realm that has /json/authenticate end sessions as they did with AM:
// by the ID token, with 302 or 204.
func TestProgramsSignOutAsWithAM(t *testing.T) {
	b := newBrowser(t)
	b.jar = map[string]*http.Cookie{}
	send := func(pairs ...string) *httptest.ResponseRecorder {
		return b.send(httptest.NewRequest(http.MethodGet, at(pairs...), nil))
	}
	hint := b.hint(b.world.Realm, "web", b.session.ID)
	if answer := send("id_token_hint", hint); answer.Code != http.StatusNoContent || b.signedIn() {
		t.Errorf("by its hint: %d", answer.Code)
	}
	goesTo(t, send("id_token_hint", hint, "post_logout_redirect_uri", realmtest.Goodbye), http.StatusFound, realmtest.Goodbye)
	b.session = b.signIn("iPlanetDirectoryPro", store.SessionJSON)
	if answer := send(); answer.Code != http.StatusNoContent || b.signedIn() {
		t.Errorf("by its session: %d", answer.Code)
	}
	// A page cannot do either, and other realms know neither.
	b.session = b.signIn("iPlanetDirectoryPro", store.SessionJSON)
	isPage(t, b.visit(at("id_token_hint", b.hint(b.world.Realm, "web", b.session.ID))), http.StatusOK, donePage)
	if !b.signedIn() {
		t.Error("a page has ended the session of a program")
	}
	plain := newBrowser(t, func(s *realm.Settings) { s.JSONAuthenticate = false })
	plain.jar = map[string]*http.Cookie{}
	isPage(t, plain.send(httptest.NewRequest(http.MethodGet, at("id_token_hint", plain.hint(plain.world.Realm, "web", plain.session.ID)), nil)),
		http.StatusOK, donePage)
	if !plain.signedIn() {
		t.Error("a program has ended a session of a realm that knows none")
	}
}
