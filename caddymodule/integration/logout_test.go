package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const logoutCaddyfile = `{
	admin ADMIN
	default_bind 127.0.0.1 [::1]
	oauth2 {
		storage sqlite HOME/oauth2.db
		realm / {
			issuer http://AUTH/oauth2
			resource http://API
			authentication people file docs/example/users.yaml
			logout_allow_private 127.0.0.0/8
			client shop {
				secret shop-secret-of-the-test
				redirect_uri https://shop.test/callback
				post_logout_redirect_uri https://shop.test/bye
				grants authorization_code refresh_token
				scopes openid read
				skip_consent
			}
			client desk {
				secret desk-secret-of-the-test
				redirect_uri https://desk.test/callback
				backchannel_logout_uri DESK/logout
				grants authorization_code refresh_token
				scopes openid read offline_access
				skip_consent
			}
		}
	}
}
http://AUTH {
	oauth2_server
}
http://API {
	bearer_auth {
		realm /
		audience http://API
	}
	respond ok
}
`

// relyingParty is a client of somebody else's that is told of sign-outs.
type relyingParty struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	tokens []string
}

func newRelyingParty(t *testing.T) *relyingParty {
	t.Helper()
	p := &relyingParty{status: http.StatusOK}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tokens = append(p.tokens, r.PostFormValue("logout_token"))
		w.WriteHeader(p.status)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *relyingParty) answers(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.tokens = status, nil
}

func (p *relyingParty) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens
}

// logoutWorld is a server, an API behind the gateway and a client that is told.
type logoutWorld struct {
	*process
	caddyfile, home, issuer, auth, api string
	desk                               *relyingParty
}

func startLogout(t *testing.T) *logoutWorld {
	t.Helper()
	ports := freePorts(t, 3)
	auth, api := fmt.Sprintf("localhost:%d", ports[1]), fmt.Sprintf("localhost:%d", ports[2])
	w := &logoutWorld{home: t.TempDir(), auth: "http://" + auth, issuer: "http://" + auth + "/oauth2", api: "http://" + api, desk: newRelyingParty(t)}
	w.caddyfile = strings.NewReplacer("ADMIN", fmt.Sprintf("localhost:%d", ports[0]), "AUTH", auth, "API", api,
		"HOME", w.home, "DESK", w.desk.URL).Replace(logoutCaddyfile)
	w.process = start(t, w.caddyfile, w.home)
	return w
}

// tokens are those that a client gets for whoever sits at a browser.
func (w *logoutWorld) tokens(b *browser, client string, scopes ...string) (*oauth2.Config, *oauth2.Token) {
	w.t.Helper()
	config := &oauth2.Config{
		ClientID: client, ClientSecret: client + "-secret-of-the-test", Scopes: append([]string{"openid"}, scopes...),
		RedirectURL: "https://" + client + ".test/callback",
		Endpoint:    oauth2.Endpoint{AuthURL: w.issuer + "/authorize", TokenURL: w.issuer + "/access_token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	verifier := oauth2.GenerateVerifier()
	answer := b.authorize(config.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "demo", "Ch4ng31t")
	token, err := config.Exchange(w.t.Context(), answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		w.t.Fatalf("%v: %v", answer, err)
	}
	wantStatus(w.t, w.api, token.AccessToken, "200")
	return config, token
}

func (w *logoutWorld) refreshes(config *oauth2.Config, token *oauth2.Token) bool {
	w.t.Helper()
	_, err := config.TokenSource(w.t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	return err == nil
}

// sid is what a token says of its session, read by somebody else's library.
func (w *logoutWorld) sid(clientID, text string) (sid string, events map[string]any) {
	w.t.Helper()
	provider, err := oidc.NewProvider(w.t.Context(), w.issuer)
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: clientID}).Verify(w.t.Context(), text)
	if err != nil {
		w.t.Fatal(err)
	}
	var claims struct {
		SessionID string         `json:"sid"`
		Events    map[string]any `json:"events"`
	}
	if err := token.Claims(&claims); err != nil || claims.SessionID == "" {
		w.t.Fatalf("%+v, %v", claims, err)
	}
	return claims.SessionID, claims.Events
}

// endSession is where discovery says that people sign out.
func (w *logoutWorld) endSession() string {
	w.t.Helper()
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
		Supported  bool   `json:"backchannel_logout_supported"`
		Sessions   bool   `json:"backchannel_logout_session_supported"`
	}
	document(w.t, w.issuer+"/.well-known/openid-configuration", &metadata)
	if !metadata.Supported || !metadata.Sessions {
		w.t.Errorf("%+v", metadata)
	}
	return metadata.EndSession
}

func TestCL8_PG22_SigningOutEndsWhatItShould(t *testing.T) {
	w := startLogout(t)
	b := newBrowser(t, w.auth)
	shopConfig, shop := w.tokens(b, "shop", "read")
	deskConfig, desk := w.tokens(b, "desk", "read")
	_, away := w.tokens(b, "desk", "read", "offline_access")
	_, elsewhere := w.tokens(newBrowser(t, w.auth), "desk", "read")

	hint := shop.Extra("id_token").(string)
	at := b.open(w.endSession() + "?" + url.Values{
		"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://shop.test/bye"}, "state": {"a b"},
	}.Encode())
	if !at.left || at.url.String() != "https://shop.test/bye?state=a+b" {
		t.Fatalf("sent to %s: %s", at.url, at.body)
	}
	for name, token := range map[string]*oauth2.Token{"shop": shop, "desk": desk} {
		if status, _ := call(t, w.api, token.AccessToken); status != "401" {
			t.Errorf("the access token of %s: %s", name, status)
		}
	}
	if w.refreshes(shopConfig, shop) || w.refreshes(deskConfig, desk) {
		t.Error("a family without offline_access goes on")
	}
	wantStatus(t, w.api, away.AccessToken, "200")
	wantStatus(t, w.api, elsewhere.AccessToken, "200")
	if !w.refreshes(deskConfig, away) || !w.refreshes(deskConfig, elsewhere) {
		t.Error("a family with offline_access, or of another session, has ended")
	}
	within(t, time.Minute, "the other client is told", func() bool { return len(w.desk.told()) == 1 })
	sid, _ := w.sid("desk", desk.Extra("id_token").(string))
	told, events := w.sid("desk", w.desk.told()[0])
	if _, is := events["http://schemas.openid.net/event/backchannel-logout"]; told != sid || !is {
		t.Errorf("told of %s, want %s: %v", told, sid, events)
	}
	// Nobody is signed in at the browser any more.
	if at := b.open(shopConfig.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))); at.left {
		t.Errorf("still signed in: sent to %s", at.url)
	}
	if at := b.open(w.endSession()); at.status != http.StatusOK || !strings.Contains(string(at.body), "You are signed out") {
		t.Errorf("%d %s", at.status, at.body)
	}
}

// A client that is away while somebody signs out hears of it although the server
// was killed in between.
func TestASignOutOutlivesAKill(t *testing.T) {
	w := startLogout(t)
	b := newBrowser(t, w.auth)
	w.tokens(b, "desk", "read")
	w.desk.answers(http.StatusServiceUnavailable)
	at := b.submit(b.open(w.endSession()), map[string]string{"decision": "sign_out"})
	if at.status != http.StatusOK || !strings.Contains(string(at.body), "You are signed out") {
		t.Fatalf("%d %s", at.status, at.body)
	}
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-w.done
	w.desk.answers(http.StatusOK)
	w.process = start(t, w.caddyfile, w.home)
	// As long as the lease of the process that was killed.
	within(t, 2*time.Minute, "the client is told", func() bool { return len(w.desk.told()) > 0 })
	w.sid("desk", w.desk.told()[0])
}
