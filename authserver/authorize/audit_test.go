package authorize_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// Each flow through the front channel tells exactly these records.
func TestAS65_F29_TheAuthorizationEndpointTellsEachEventOnce(t *testing.T) {
	const (
		signedIn = "user sign_in client=web subject=demo session=* method=page"
		ofCode   = " client=web subject=demo grant=* session=* type=authorization_code scope=openid email"
	)
	for name, flow := range map[string]struct {
		run  func(t *testing.T, b *browser)
		want []string
	}{
		"allowed, and remembered": {
			func(_ *testing.T, b *browser) {
				b.allowed(params())
				answered(t, b.get(at("authorize", params())))
			},
			[]string{signedIn, "user consent_given" + ofCode, "user code_issued" + ofCode, "user code_issued" + ofCode},
		},
		"allowed twice by one form": {
			func(t *testing.T, b *browser) {
				consent := goesTo(t, b.get(b.signIn(params())), "consent")
				form := url.Values{"form_token": {formToken(t, b.get(consent))}, "decision": {"allow"}}
				b.post(consent, form, own...)
				isPage(t, b.post(consent, form, own...), http.StatusConflict)
			},
			[]string{signedIn, "user consent_given" + ofCode, "user code_issued" + ofCode},
		},
		"denied": {
			func(t *testing.T, b *browser) {
				b.decide(goesTo(t, b.get(b.signIn(params())), "consent"), "deny")
			},
			[]string{signedIn, "user consent_denied" + ofCode},
		},
		"no consent needed": {
			func(t *testing.T, b *browser) { answered(t, b.get(b.signIn(params("client_id", "ours")))) },
			[]string{
				"user sign_in client=ours subject=demo session=* method=page",
				"user code_issued client=ours subject=demo grant=* session=* type=authorization_code scope=openid email",
			},
		},
		"implicit": {
			func(_ *testing.T, b *browser) { b.allowed(params("response_type", "id_token token")) },
			[]string{
				signedIn, "user consent_given client=web subject=demo grant=* session=* type=implicit scope=openid email",
				"user token_issued client=web subject=demo grant=* session=* type=implicit scope=openid email",
			},
		},
		"signed in again": {
			func(_ *testing.T, b *browser) {
				b.signIn(params())
				b.signIn(params("prompt", "login"))
			},
			[]string{signedIn, "user session_ended subject=demo session=* reason=replaced", signedIn},
		},
		"signed in after the session had ended": {
			func(_ *testing.T, b *browser) {
				b.signIn(params())
				b.world.Clock.Advance(24 * time.Hour)
				b.signIn(params())
			},
			[]string{signedIn, signedIn},
		},
		"cannot sign in": {
			func(t *testing.T, b *browser) {
				login := goesTo(t, b.get(at("authorize", params())), "login")
				for _, names := range [][2]string{{"demo", "wrong"}, {"Ch4ng31t", "demo"}, {"mallory", "Ch4ng31t"}} {
					isPage(t, b.login(login, names[0], names[1]), http.StatusForbidden)
				}
			},
			[]string{
				"user sign_in_failed client=web subject=demo reason=wrong_password",
				"user sign_in_failed client=web reason=unknown_user",
				"user sign_in_failed client=web reason=subject_taken",
			},
		},
		"forms that are empty or not ours": {
			func(t *testing.T, b *browser) {
				login := goesTo(t, b.get(at("authorize", params())), "login")
				isPage(t, b.login(login, "", ""), http.StatusBadRequest)
				isPage(t, b.post(login, url.Values{"username": {"demo"}, "password": {"x"}}, own...), http.StatusForbidden)
			}, nil,
		},
		"a store that is gone": {
			func(t *testing.T, b *browser) {
				login := goesTo(t, b.get(at("authorize", params())), "login")
				b.world.Store.Fail("CreateSession")
				isPage(t, b.login(login, "demo", "Ch4ng31t"), http.StatusServiceUnavailable)
				b.world.Store.Fail("")
				b.signIn(params("client_id", "ours"))
				b.world.Store.Fail("CreateGrant")
				isPage(t, b.get(at("authorize", params("client_id", "ours"))), http.StatusServiceUnavailable)
			},
			[]string{"user sign_in client=ours subject=demo session=* method=page"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			flow.run(t, b)
			b.world.Observer.WantTold(t, flow.want...)
		})
	}
}

func TestF29_AProgramsDecisionIsTold(t *testing.T) {
	b, tokenID := newProgram(t)
	b.post(issuer+"/authorize", command(tokenID))
	b.post(issuer+"/authorize", command(tokenID, "decision", "deny"))
	b.post(issuer+"/authorize", command(tokenID, "csrf", "x"))
	b.world.Observer.WantTold(t,
		"user consent_given client=web subject=demo grant=* session=* type=authorization_code scope=openid",
		"user code_issued client=web subject=demo grant=* session=* type=authorization_code scope=openid",
		"user consent_denied client=web subject=demo session=* scope=openid")
}

// Who signs in in the place of somebody else gets no session, and that is told.
func TestF29_AnotherUserIsTold(t *testing.T) {
	b := newBrowser(t, func(s *realm.Settings) { s.DefaultService = "guests" })
	values := params("claims", `{"id_token":{"sub":{"value":"demo"}}}`)
	login := goesTo(t, b.get(at("authorize", values)), "login")
	if got := answered(t, b.login(login, "guest", "guest")); got.Get("error") != oauth.CodeLoginRequired {
		t.Fatalf("the client gets %v", got)
	}
	b.world.Observer.WantTold(t, "user sign_in_failed client=web subject=guest reason=another_user")
}
