package account_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestPG7_PeopleSeeTheirSessionsAndApplicationsAndNobodyElses(t *testing.T) {
	w := realmtest.New(t)
	phone, laptop := signedIn(t, w, "demo"), signedIn(t, w, "demo")
	phone.grant("web")
	stranger := signedIn(t, w, "ldap:demo")
	stranger.grant("other")

	html := laptop.see()
	for _, want := range []string{phone.session.ID, "Firefox, Linux", "192.0.2.7", "Client web"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q: %s", want, html)
		}
	}
	for _, secret := range []string{stranger.session.ID, "Client other", laptop.cookie.Value, phone.session.Digest} {
		if strings.Contains(html, secret) {
			t.Errorf("the page shows %q", secret)
		}
	}
}

func TestPG22_EndingASessionIsEffectiveAtOnce(t *testing.T) {
	w := realmtest.New(t)
	phone, laptop := signedIn(t, w, "demo"), signedIn(t, w, "demo")
	_, access := phone.grant("web")
	_, mine := laptop.grant("web")
	offline, kept := phone.grant("other", "offline_access")
	w.Observer.Told()
	laptop.pressed("end_session", phone.session.ID)
	laptop.alive("the phone's", access, false)
	laptop.alive("the phone's for while it is away", kept, false)
	if grant, err := w.Store.Grant(t.Context(), "/", offline.ID); err != nil || grant.State != store.GrantRevoked {
		t.Errorf("what the phone may do while it is away lives on: %v, %v", grant.State, err)
	}
	laptop.alive("the laptop's", mine, true)
	if told := strings.Join(w.Observer.Told(), "\n"); !strings.Contains(told, "user session_revoked") {
		t.Errorf("the audit log is told %q", told)
	}
	if answer := phone.send(http.MethodGet, page, nil); answer.Code != http.StatusSeeOther {
		t.Errorf("the phone still sees the page: %d", answer.Code)
	}
	laptop.see()
}

func TestPG22_EndingAllOtherSessionsLeavesTheOneThatAsks(t *testing.T) {
	w := realmtest.New(t)
	first, second, third := signedIn(t, w, "demo"), signedIn(t, w, "demo"), signedIn(t, w, "demo")
	other := signedIn(t, w, "ldap:demo")
	second.pressed("end_other_sessions", "")
	for _, gone := range []*person{first, third} {
		if answer := gone.send(http.MethodGet, page, nil); answer.Code != http.StatusSeeOther {
			t.Errorf("another session lives on: %d", answer.Code)
		}
	}
	second.see()
	_ = other
	if sessions, err := w.Store.Sessions(t.Context(), "/", "ldap:demo", "", 10, w.Clock.Now()); err != nil || len(sessions) != 1 {
		t.Errorf("a stranger's sessions are %v, %v", sessions, err)
	}
}

func TestPG22_TakingAccessAwayIsEffectiveAtOnceAndAsksAgain(t *testing.T) {
	w := realmtest.New(t)
	p := signedIn(t, w, "demo")
	_, web := p.grant("web")
	_, other := p.grant("other")
	w.Clock.Advance(2 * time.Second)
	w.Observer.Told()
	p.pressed("revoke_application", "web")
	p.alive("web", web, false)
	p.alive("other", other, true)
	if told := strings.Join(w.Observer.Told(), "\n"); !strings.Contains(told, "user consent_revoked client=web subject=demo") {
		t.Errorf("the audit log is told %q", told)
	}
	consents, err := w.Store.Consents(t.Context(), "/", "demo")
	if err != nil || len(consents) != 1 || consents[0].ClientID != "other" {
		t.Errorf("consents %v, %v", consents, err)
	}
	if html := p.see(); strings.Contains(html, "Client web") || !strings.Contains(html, "Client other") {
		t.Errorf("the page shows %s", html)
	}
	p.pressed("revoke_all_applications", "")
	p.alive("other", other, false)
	if html := p.see(); strings.Contains(html, "Client other") {
		t.Errorf("the page shows %s", html)
	}
}

// Revocations count whole seconds: an answer in the same second would let people
// allow an application again, and find that its code is good for nothing.
func TestPG22_WhatIsAllowedNextIsGoodAtOnce(t *testing.T) {
	for _, button := range []string{"revoke_application", "revoke_all_applications"} {
		w := realmtest.New(t)
		p := signedIn(t, w, "demo")
		p.grant("web")
		p.pressed(button, "web")
		p.grant("web") // its access token has to be alive
	}
}

func TestAnotherUsersThingsCannotBeEnded(t *testing.T) {
	w := realmtest.New(t)
	victim := signedIn(t, w, "demo")
	_, access := victim.grant("web")
	thief := signedIn(t, w, "ldap:demo")
	thief.pressed("end_session", victim.session.ID)
	thief.pressed("revoke_application", "web")
	victim.alive("the victim's", access, true)
	victim.see()
}

func TestPG3_OnlyTheFormsOfThePageAreTaken(t *testing.T) {
	w := realmtest.New(t)
	p, other := signedIn(t, w, "demo"), signedIn(t, w, "demo")
	_, access := p.grant("web")
	good := url.Values{"form_token": {tokenOf(t, p.see())}, "action": {"revoke_application"}, "id": {"web"}}
	with := func(name, value string) url.Values {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set(name, value)
		return form
	}
	for _, test := range []struct {
		name    string
		form    url.Values
		headers []string
		status  int
	}{
		{"another site's", good, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"a sibling's", good, []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		{"without a token", with("form_token", ""), nil, http.StatusForbidden},
		{"with the token of another session", with("form_token", tokenOf(t, other.see())), nil, http.StatusForbidden},
		{"with an unknown action", with("action", "delete_everything"), nil, http.StatusBadRequest},
		{"without a client", with("id", ""), nil, http.StatusBadRequest},
		{"that is no form", good, []string{"Content-Type", "application/json"}, http.StatusBadRequest},
	} {
		if answer := p.send(http.MethodPost, page, test.form, test.headers...); answer.Code != test.status {
			t.Errorf("a form %s: status %d, want %d: %s", test.name, answer.Code, test.status, answer.Body)
		}
	}
	p.alive("after all these", access, true)
	if answer := p.send(http.MethodPut, page, nil); answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, POST" {
		t.Errorf("PUT: %d, Allow %q", answer.Code, answer.Header().Get("Allow"))
	}
	w.Clock.Advance(2 * time.Hour)
	if answer := p.send(http.MethodPost, page, good); answer.Code == http.StatusSeeOther && strings.Contains(answer.Header().Get("Location"), "said=") {
		t.Error("a form of two hours ago is taken")
	}
}

func TestNobodyIsSentToSignInAndBack(t *testing.T) {
	w := realmtest.New(t)
	p := signedIn(t, w, "demo")
	p.cookie = nil
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		answer := p.send(method, page+"?ui_locales=de&said=saved", nil)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "https://auth.example.com/oauth2/login?page=account&ui_locales=de" {
			t.Errorf("%s: %d, Location %q", method, answer.Code, answer.Header().Get("Location"))
		}
	}
}

func TestPG13_ThePageSaysNothingOfAStrangers(t *testing.T) {
	p := signedIn(t, realmtest.New(t), "demo")
	answer := p.send(http.MethodGet, page+"?said="+url.QueryEscape(`<b>You have won</b>`), nil)
	if answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), "won") {
		t.Errorf("%d: %s", answer.Code, answer.Body)
	}
}

func TestPG10_AButtonPressedTwiceDoesNoHarm(t *testing.T) {
	w := realmtest.New(t)
	p := signedIn(t, w, "demo")
	p.grant("web")
	form := url.Values{"form_token": {tokenOf(t, p.see())}, "action": {"revoke_application"}, "id": {"web"}}
	for range 2 {
		if answer := p.send(http.MethodPost, page, form); answer.Code != http.StatusSeeOther {
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	}
}

func TestAS61_AFaultOfTheStoreIsOurs(t *testing.T) {
	w := realmtest.New(t)
	p := signedIn(t, w, "demo")
	w.Store.Fail("Session")
	if answer := p.send(http.MethodGet, page, nil); answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", answer.Code, answer.Header().Get("Retry-After"))
	}
}
