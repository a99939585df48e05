package logout_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/logout"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// client is one of somebody else's: a web server that is told of sign-outs.
type client struct {
	server *httptest.Server

	mu     sync.Mutex
	answer http.HandlerFunc
	told   []*http.Request
	tokens []string
}

func newClient(t *testing.T) *client {
	t.Helper()
	c := &client{}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		c.mu.Lock()
		if err == nil && r.URL.Path == "/logout" {
			c.told, c.tokens = append(c.told, r), append(c.tokens, r.PostForm.Get("logout_token"))
		}
		answer := c.answer
		c.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(c.server.Close)
	return c
}

func (c *client) answers(with http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = with
}

// calls takes what the client was told since the last time.
func (c *client) calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	tokens := c.tokens
	c.tokens = nil
	return tokens
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// loopback is where the clients of the tests are.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// scene is a browser, the clients web and other with web servers of their own, and
// a node that tells them.
type scene struct {
	*browser
	web, other *client
	logged     *strings.Builder
	node       *logout.Notifier
}

func newScene(t *testing.T, adjust ...func(*realm.Settings)) *scene {
	t.Helper()
	s := &scene{web: newClient(t), other: newClient(t), logged: new(strings.Builder)}
	s.browser = newBrowser(t, append([]func(*realm.Settings){func(settings *realm.Settings) {
		settings.LogoutPrivate = loopback
		for i := range settings.Clients {
			switch c := &settings.Clients[i]; c.ID {
			case "web":
				c.LogoutURI = s.web.server.URL + "/logout?a=b"
			case "other":
				c.LogoutURI = s.other.server.URL + "/logout"
			}
		}
	}}, adjust...)...)
	s.node = s.newNode(logout.Client)
	return s
}

func (s *scene) newNode(client func(outbound.Guard) *http.Client) *logout.Notifier {
	log := slog.New(slog.NewTextHandler(&locked{out: s.logged}, nil))
	node := logout.NewNotifier(s.world.Store, log, s.world.Clock.Now, client)
	node.Follow([]*realm.Realm{s.world.Realm})
	return node
}

// locked is a Writer for many.
type locked struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// end ends the session of the browser.
func (s *scene) end() {
	s.t.Helper()
	if _, err := s.world.Realm.Revocations.RevokeSession(s.t.Context(), "/", s.session.ID, s.world.Clock.Now()); err != nil {
		s.t.Fatal(err)
	}
}

// step has a node tell who is due, and waits for it.
func (s *scene) step(node *logout.Notifier) {
	s.t.Helper()
	if err := node.Step(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	node.Wait()
}

// waiting counts the notices that are still to be sent.
func (s *scene) waiting() int {
	s.t.Helper()
	// Far ahead all of them are due. The lease is given back.
	now := s.world.Clock.Now()
	leased, err := s.world.Store.LeaseLogouts(s.t.Context(), now.AddDate(1, 0, 0), now.AddDate(2, 0, 0), 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, l := range leased {
		l.Attempts--
		if err := s.world.Store.PostponeLogout(s.t.Context(), l, now); err != nil {
			s.t.Fatal(err)
		}
	}
	return len(leased)
}

// verify has somebody else's library read a logout token.
func (s *scene) verify(clientID, text string) map[string]any {
	s.t.Helper()
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		document, _ := s.world.Realm.Keys.JWKS()
		_, _ = w.Write(document)
	}))
	defer keys.Close()
	verifier := oidc.NewVerifier(s.world.Realm.Issuer, oidc.NewRemoteKeySet(s.t.Context(), keys.URL), &oidc.Config{
		ClientID: clientID, Now: s.world.Clock.Now, SupportedSigningAlgs: []string{oauth.ES256},
	})
	token, err := verifier.Verify(s.t.Context(), text)
	if err != nil {
		s.t.Fatalf("a logout token that nobody takes: %v", err)
	}
	claims := map[string]any{"expires": token.Expiry.Sub(token.IssuedAt)}
	if err := token.Claims(&claims); err != nil {
		s.t.Fatal(err)
	}
	return claims
}
