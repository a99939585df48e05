package grants_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/grants"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestCodeExchange(t *testing.T) {
	w := newWorld(t)
	answer := w.exchange(t, "web", w.Code(t, w.Realm, "web")).Want(http.StatusOK, "")
	if answer.Text("scope") != "openid email read" || answer.Document()["expires_in"] != 600.0 {
		t.Errorf("answered %s", answer.Body)
	}
	access := w.access(t, answer)
	if access.Subject != "demo" || access.ClientID != "web" || access.SessionID != "session-1" ||
		!slices.Equal(access.Audience, []string{realmtest.API, realmtest.Files}) {
		t.Errorf("access token says %+v", access)
	}
	id := payload(t, answer.Text("id_token"))
	for name, want := range map[string]any{
		"iss": w.Realm.Issuer, "sub": "demo", "aud": "web", "nonce": "n-0S6_WzA2Mj", "sid": "session-1", "acr": login.ACRPassword,
	} {
		if id[name] != want {
			t.Errorf("ID token: %s = %v, want %v", name, id[name], want)
		}
	}
	if seconds, _, ok := oauth.NumericDate(id, "auth_time"); !ok || seconds != w.Clock.Now().Add(-time.Minute).Unix() {
		t.Errorf("ID token: auth_time = %v", id["auth_time"])
	}
	if id["at_hash"] == nil {
		t.Error("the ID token is not tied to the access token")
	}
	// The code flow gives claims at userinfo, not here (OpenID Connect Core §5.4).
	if id["email"] != nil {
		t.Errorf("ID token: email = %v", id["email"])
	}
	w.refresh(t, "web", answer.Text("refresh_token")).Want(http.StatusOK, "")
	w.wantEvents(t)
}

func TestAS30_AccessTokenClaims(t *testing.T) {
	w := newWorld(t)
	answer := w.exchange(t, "web", w.Code(t, w.Realm, "web")).Want(http.StatusOK, "")
	jws, err := oauth.ParseJWS(answer.Text("access_token"))
	if err != nil || jws.Type != "at+jwt" {
		t.Fatalf("typ %q, %v", jws.Type, err)
	}
	claims := payload(t, answer.Text("access_token"))
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "gid"} {
		if claims[name] == nil {
			t.Errorf("no %s in %v", name, claims)
		}
	}
}

func TestCodeExchangeWithoutRefreshToken(t *testing.T) {
	for name, adjust := range map[string]func(*store.Client){
		"the client gets none":           func(c *store.Client) { c.Refresh.Issue = false },
		"the client may not use the one": func(c *store.Client) { c.Grants = []string{oauth.GrantAuthorizationCode} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, client("web", adjust))
			code := w.Code(t, w.Realm, "web")
			answer := w.exchange(t, "web", code).Want(http.StatusOK, "")
			if _, there := answer.Document()["refresh_token"]; there {
				t.Errorf("answered %s", answer.Body)
			}
			// The replay is seen as long as the access token lives.
			w.Clock.Advance(9 * time.Minute)
			if _, err := w.Store.DeleteExpired(t.Context(), w.Clock.Now(), 100); err != nil {
				t.Fatal(err)
			}
			w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
			if w.alive(answer) {
				t.Error("the access token outlives the replay")
			}
		})
	}
}

func TestCodeExchangeWithoutOpenID(t *testing.T) {
	w := newWorld(t)
	code := w.Code(t, w.Realm, "web", func(g *store.Grant) { g.Scope = oauth.Scope{"read"} })
	answer := w.exchange(t, "web", code).Want(http.StatusOK, "")
	if _, there := answer.Document()["id_token"]; there {
		t.Errorf("answered %s", answer.Body)
	}
}

func TestAS4_CodeExpires(t *testing.T) {
	w := newWorld(t)
	good, late := w.Code(t, w.Realm, "web"), w.Code(t, w.Realm, "web")
	w.Clock.Advance(59 * time.Second)
	w.exchange(t, "web", good).Want(http.StatusOK, "")
	w.Clock.Advance(time.Second)
	w.exchange(t, "web", late).Want(http.StatusBadRequest, "invalid_grant")
	w.wantEvents(t)
}

func TestAS5_CodeIsRedeemedOnce(t *testing.T) {
	w := newWorld(t)
	code := w.Code(t, w.Realm, "web")
	statuses := parallel(64, func() int { return w.exchange(t, "web", code).Code })
	if statuses[http.StatusOK] != 1 || statuses[http.StatusBadRequest] != 63 {
		t.Errorf("answers by status: %v", statuses)
	}
	w.wantEvents(t, audit.CodeReplay)
}

// parallel calls ask n times at once and counts what it answers.
func parallel[T comparable](n int, ask func() T) map[T]int {
	var wg sync.WaitGroup
	answers := make(chan T, n)
	start := make(chan struct{})
	for range n {
		wg.Go(func() {
			<-start
			answers <- ask()
		})
	}
	close(start)
	wg.Wait()
	close(answers)
	counts := map[T]int{}
	for answer := range answers {
		counts[answer]++
	}
	return counts
}

func TestAS6_SecondUseOfACodeRevokesWhatTheFirstGave(t *testing.T) {
	w := newWorld(t)
	code := w.Code(t, w.Realm, "web")
	first := w.exchange(t, "web", code).Want(http.StatusOK, "")
	second := w.refresh(t, "web", first.Text("refresh_token")).Want(http.StatusOK, "")
	w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
	if w.alive(first) || w.alive(second) {
		t.Error("an access token of the family is still good")
	}
	w.refresh(t, "web", second.Text("refresh_token")).Want(http.StatusBadRequest, "invalid_grant")
	w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
	w.endpoint = grants.New(w.Realm) // as after a reload
	w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
	w.wantEvents(t, audit.CodeReplay)
	if event := w.Observer.Last(); event.ClientID != "web" || event.Subject != "demo" || event.Realm != "/" || event.GrantID == "" {
		t.Errorf("reported %+v", event)
	}
}

// A wrong verifier does not make the second use of a code any better.
func TestAS6_SecondUseWithAWrongVerifier(t *testing.T) {
	w := newWorld(t)
	code := w.Code(t, w.Realm, "web")
	first := w.exchange(t, "web", code).Want(http.StatusOK, "")
	w.post(t, "web", "grant_type", "authorization_code", "code", code.Reveal(), "redirect_uri", realmtest.Callback).
		Want(http.StatusBadRequest, "invalid_grant")
	if w.alive(first) {
		t.Error("the access token is still good")
	}
	w.wantEvents(t, audit.CodeReplay)
}

func TestAS6_SecondUseWithAnotherFault(t *testing.T) {
	for name, pairs := range map[string][]string{
		"redirect_uri": {"redirect_uri", "https://app.example.com/other", "code_verifier", realmtest.Verifier},
		"resource":     {"redirect_uri", realmtest.Callback, "code_verifier", realmtest.Verifier, "resource", "https://evil.example.com"},
	} {
		w := newWorld(t)
		code := w.Code(t, w.Realm, "web")
		first := w.exchange(t, "web", code).Want(http.StatusOK, "")
		w.post(t, "web", append([]string{"grant_type", "authorization_code", "code", code.Reveal()}, pairs...)...).
			Want(http.StatusBadRequest, "invalid_grant")
		if w.alive(first) {
			t.Errorf("%s: the access token is still good", name)
		}
		w.wantEvents(t, audit.CodeReplay)
	}
}

// Another client, redirect URI or realm changes nothing: the code stays good
// for the one it was issued to.
func TestAS7_A6_A7_CodeIsBound(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		name, client, redirectURI string
	}{
		{"another client", "other", realmtest.Callback},
		{"a public client", "spa", realmtest.Callback},
		{"no redirect_uri", "web", ""},
		{"another redirect_uri", "web", "https://app.example.com/other"},
		{"trailing slash", "web", realmtest.Callback + "/"},
		{"default port", "web", "https://app.example.com:443/callback"},
		{"host in upper case", "web", "https://APP.example.com/callback"},
		{"an escape", "web", "https://app.example.com/%63allback"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code := w.Code(t, w.Realm, "web")
			w.post(t, test.client, "grant_type", "authorization_code", "code", code.Reveal(),
				"redirect_uri", test.redirectURI, "code_verifier", realmtest.Verifier).
				Want(http.StatusBadRequest, "invalid_grant")
			w.exchange(t, "web", code).Want(http.StatusOK, "")
		})
	}
	w.wantEvents(t)
}

func TestA7_RedirectURIMayBeLeftOutWhenItWas(t *testing.T) {
	w := newWorld(t)
	notSent := func(g *store.Grant) { g.RedirectURISent = false }
	for redirectURI, status := range map[string]int{
		"": http.StatusOK, realmtest.Callback: http.StatusOK, "https://app.example.com/other": http.StatusBadRequest,
	} {
		answer := w.post(t, "web", "grant_type", "authorization_code", "code", w.Code(t, w.Realm, "web", notSent).Reveal(),
			"redirect_uri", redirectURI, "code_verifier", realmtest.Verifier)
		if answer.Code != status {
			t.Errorf("redirect_uri %q: %d %s", redirectURI, answer.Code, answer.Body)
		}
	}
}

func TestAS7_AS9_A10_A11_WrongVerifierBurnsTheCode(t *testing.T) {
	wrong := strings.Repeat("a", 43)
	for _, test := range []struct {
		name     string
		adjust   []func(*store.Grant)
		verifier string
		// right is what would have been accepted.
		right string
	}{
		{"A10: none", nil, "", realmtest.Verifier},
		{"A10: another one", nil, wrong, realmtest.Verifier},
		{"A10: the challenge itself", nil, realmtest.Challenge, realmtest.Verifier},
		{"AS9, A11: for a code without a challenge", []func(*store.Grant){realmtest.NoChallenge}, realmtest.Verifier, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			code := w.Code(t, w.Realm, "web", test.adjust...).Reveal()
			send := func(verifier string) realmtest.Answer {
				return w.post(t, "web", "grant_type", "authorization_code", "code", code,
					"redirect_uri", realmtest.Callback, "code_verifier", verifier)
			}
			send(test.verifier).Want(http.StatusBadRequest, "invalid_grant")
			send(test.right).Want(http.StatusBadRequest, "invalid_grant")
			w.wantEvents(t, audit.PKCEFailed)
		})
	}
	t.Run("not for another client", func(t *testing.T) {
		w := newWorld(t)
		code := w.Code(t, w.Realm, "web")
		w.post(t, "other", "grant_type", "authorization_code", "code", code.Reveal(),
			"redirect_uri", realmtest.Callback, "code_verifier", wrong).Want(http.StatusBadRequest, "invalid_grant")
		w.exchange(t, "web", code).Want(http.StatusOK, "")
	})
	t.Run("not with another code of the same grant id", func(t *testing.T) {
		w := newWorld(t)
		var grantID string
		code := w.Code(t, w.Realm, "web", func(g *store.Grant) { grantID = g.ID })
		forged, _ := w.Realm.Tokens.NewCode(grantID)
		w.post(t, "web", "grant_type", "authorization_code", "code", forged.Reveal(),
			"redirect_uri", realmtest.Callback, "code_verifier", wrong).Want(http.StatusBadRequest, "invalid_grant")
		w.exchange(t, "web", code).Want(http.StatusOK, "")
	})
}

func TestAS10_VerifierOutsideTheGrammar(t *testing.T) {
	w := newWorld(t)
	code := w.Code(t, w.Realm, "web")
	for _, verifier := range []string{
		strings.Repeat("a", 42), strings.Repeat("a", 129), strings.Repeat("a", 42) + "+", strings.Repeat("a", 42) + "é",
	} {
		w.post(t, "web", "grant_type", "authorization_code", "code", code.Reveal(),
			"redirect_uri", realmtest.Callback, "code_verifier", verifier).Want(http.StatusBadRequest, "invalid_request")
	}
	w.exchange(t, "web", code).Want(http.StatusOK, "")
}

func TestCodeThatIsNone(t *testing.T) {
	w := newWorld(t)
	answer := w.post(t, "web", "grant_type", "authorization_code").Want(http.StatusBadRequest, "invalid_request")
	if got := answer.Text("error_description"); got != "Missing parameter, 'code'" {
		t.Errorf("%q", got)
	}
	refresh := w.exchange(t, "web", w.Code(t, w.Realm, "web")).Text("refresh_token")
	unknown, _ := w.Realm.Tokens.NewCode(strings.Repeat("0", 32))
	for _, code := range []string{"x", "oac_", refresh, unknown.Reveal(), unknown.Reveal() + "A", strings.Repeat("a", 9000)} {
		w.exchange(t, "web", oauth.NewSecret(code)).Want(http.StatusBadRequest, "invalid_grant")
	}
}

func TestAS32_A24_CodeExchangeNarrowsResources(t *testing.T) {
	w := newWorld(t)
	code := w.Code(t, w.Realm, "web")
	w.exchange(t, "web", code, "resource", "https://evil.example.com").Want(http.StatusBadRequest, "invalid_target")
	answer := w.exchange(t, "web", code, "resource", realmtest.Files).Want(http.StatusOK, "")
	if access := w.access(t, answer); !slices.Equal(access.Audience, []string{realmtest.Files}) {
		t.Errorf("audience %q", access.Audience)
	}
	// The family keeps what was granted.
	again := w.refresh(t, "web", answer.Text("refresh_token")).Want(http.StatusOK, "")
	if access := w.access(t, again); !slices.Equal(access.Audience, []string{realmtest.API, realmtest.Files}) {
		t.Errorf("audience after a refresh %q", access.Audience)
	}
}

func TestAS42_CodeOfAnAccountThatIsGone(t *testing.T) {
	w := newWorld(t)
	code := w.Code(t, w.Realm, "web")
	w.Staff.Fail(realmtest.ErrFault)
	w.exchange(t, "web", code).Want(http.StatusServiceUnavailable, "temporarily_unavailable")
	w.Staff.Fail(nil)
	w.Staff.Remove("demo")
	w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
}

// A service that became the default one, or a client that took the name, must
// not make one subject of two.
func TestCodeOfAnAccountThatLostItsSubject(t *testing.T) {
	w := newWorld(t)
	code := w.Code(t, w.Realm, "web", func(g *store.Grant) { g.Account.Service = "ldap" })
	w.exchange(t, "web", code).Want(http.StatusBadRequest, "invalid_grant")
}
