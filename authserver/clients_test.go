package authserver_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// clientNode is one of several on one store.
type clientNode struct {
	*house
	t       *testing.T
	backend *authserver.Backend
	server  *authserver.Server
}

func (h *house) node(t *testing.T) *clientNode {
	t.Helper()
	n := &clientNode{house: h, t: t, backend: h.open(t, 0)}
	n.reload()
	return n
}

// twoNodes are nodes that serve the root realm.
func twoNodes(t *testing.T) (here, there *clientNode) {
	t.Helper()
	h := newHouse(t)
	return h.node(t), h.node(t)
}

// register makes a client of the store and gives its secret.
func (n *clientNode) register(written registration.Client) (store.StoredClient, oauth.Secret) {
	n.t.Helper()
	secret, digest := hashing.Generate()
	var secrets []store.StoredSecret
	if !written.Public {
		secrets = []store.StoredSecret{{ID: "s1", Digest: digest, Created: n.Clock.Now()}}
	}
	row, err := n.backend.Clients().Create(n.t.Context(), "/", written, secrets)
	if err != nil {
		n.t.Fatal(err)
	}
	return row, secret
}

func (n *clientNode) realm() *realm.Realm {
	r, _ := n.server.Realm("/")
	return r
}

// token asks for tokens as a client and gives status and answer.
func (n *clientNode) token(id string, secret oauth.Secret, pairs ...string) (int, map[string]any) {
	n.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	request := httptest.NewRequest(http.MethodPost, "/oauth2/access_token", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret.Reveal()))
	recorder := httptest.NewRecorder()
	n.server.ServeHTTP(recorder, request)
	var answer map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		n.t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	if recorder.Code/100 != 2 && recorder.Code != http.StatusBadRequest && recorder.Code != http.StatusUnauthorized && recorder.Header().Get("Retry-After") == "" {
		n.t.Errorf("status %d without Retry-After", recorder.Code)
	}
	return recorder.Code, answer
}

// want asks for a token of the client's own.
func (n *clientNode) want(status int, id string, secret oauth.Secret) (token oauth.Secret) {
	n.t.Helper()
	got, answer := n.token(id, secret, "grant_type", "client_credentials")
	if got != status {
		n.t.Fatalf("%s gets %d %v, want %d", id, got, answer, status)
	}
	text, _ := answer["access_token"].(string)
	return oauth.NewSecret(text)
}

func batch() registration.Client {
	return registration.Client{ID: "batch", Grants: []string{oauth.GrantClientCredentials}, Scopes: []string{"read"}, DefaultScopes: []string{"read"}}
}

// CL12, and issue 4: another node hears of a client in one read.
func TestCL12_AClientThatIsDeletedIsGoneOnEveryNode(t *testing.T) {
	here, there := twoNodes(t)
	_, secret := here.register(batch())
	here.want(http.StatusOK, "batch", secret)
	there.want(http.StatusUnauthorized, "batch", secret)
	there.backend.ReadLogs(t.Context())
	token := there.want(http.StatusOK, "batch", secret)
	if _, err := here.realm().OpenAccess(token); err != nil {
		t.Errorf("a token of the other node: %v", err)
	}
	if err := here.backend.Clients().Delete(t.Context(), "/", "batch", 0); err != nil {
		t.Fatal(err)
	}
	here.want(http.StatusUnauthorized, "batch", secret)
	there.backend.ReadLogs(t.Context())
	there.want(http.StatusUnauthorized, "batch", secret)
	for _, n := range []*clientNode{here, there} {
		if _, err := n.realm().OpenAccess(token); err == nil {
			t.Error("a token of a client that was deleted is good")
		}
	}
	if err := here.backend.Clients().Delete(t.Context(), "/", "batch", 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	// A client that takes the id revives nothing.
	here.Clock.Advance(2 * time.Second)
	_, secret = here.register(batch())
	there.backend.ReadLogs(t.Context())
	for _, n := range []*clientNode{here, there} {
		if _, err := n.realm().OpenAccess(token); err == nil {
			t.Error("a token of a client that was deleted is good again")
		}
		if _, err := n.realm().OpenAccess(n.want(http.StatusOK, "batch", secret)); err != nil {
			t.Errorf("a token of the new client: %v", err)
		}
	}
}

// A client that comes back with the id of another gets nothing of it.
func TestCL12_AClientOfTheSameIDInheritsNoGrant(t *testing.T) {
	here, _ := twoNodes(t)
	written := registration.Client{
		ID: "mobile", Grants: []string{oauth.GrantPassword, oauth.GrantRefreshToken}, Scopes: []string{"read"}, DefaultScopes: []string{"read"},
	}
	_, secret := here.register(written)
	status, answer := here.token("mobile", secret, "grant_type", "password", "username", "demo", "password", "Ch4ng31t")
	refresh, _ := answer["refresh_token"].(string)
	if status != http.StatusOK || refresh == "" {
		t.Fatalf("%d %v", status, answer)
	}
	if err := here.backend.Clients().Delete(t.Context(), "/", "mobile", 0); err != nil {
		t.Fatal(err)
	}
	_, secret = here.register(written)
	if status, answer = here.token("mobile", secret, "grant_type", "refresh_token", "refresh_token", refresh); answer["error"] != "invalid_grant" {
		t.Errorf("the refresh token of another client gives %d %v", status, answer)
	}
}

func TestADisabledClientIsAsIfItWereNotThereUntilItIsBack(t *testing.T) {
	here, there := twoNodes(t)
	row, secret := here.register(batch())
	token := here.want(http.StatusOK, "batch", secret)
	off := batch()
	off.Disabled = true
	row, err := here.backend.Clients().Replace(t.Context(), "/", off, row.Version)
	if err != nil {
		t.Fatal(err)
	}
	there.backend.ReadLogs(t.Context())
	for _, n := range []*clientNode{here, there} {
		n.want(http.StatusUnauthorized, "batch", secret)
		if _, err := n.realm().OpenAccess(token); err == nil {
			t.Error("a token of a disabled client is good")
		}
		// Its id is still taken (DESIGN.md section 3, rule 13).
		if subject, ok := n.realm().Subject(store.Account{Service: "staff", ID: "batch"}); ok {
			t.Errorf("an account is %s", subject)
		}
	}
	if _, err := here.backend.Clients().Replace(t.Context(), "/", batch(), row.Version-1); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an old version is replaced: %v", err)
	}
	if _, err := here.backend.Clients().Replace(t.Context(), "/", batch(), row.Version); err != nil {
		t.Fatal(err)
	}
	here.want(http.StatusOK, "batch", secret)
}

// CL11: codes that were given out for other redirect URIs are no longer good.
func TestCL11_ChangedRedirectURIsEndTheCodesThatWait(t *testing.T) {
	app := registration.Client{
		ID: "app", Grants: []string{oauth.GrantAuthorizationCode}, RedirectURIs: []string{"https://app.test/cb"}, Scopes: []string{"openid"},
	}
	for name, c := range map[string]struct {
		change func(*registration.Client)
		ends   bool
	}{
		"redirect URIs": {func(c *registration.Client) { c.RedirectURIs = []string{"https://other.test/cb"} }, true},
		"auth method":   {func(c *registration.Client) { c.AuthMethod = oauth.AuthMethodPost }, true},
		"grants":        {func(c *registration.Client) { c.Grants = append(c.Grants, oauth.GrantRefreshToken) }, true},
		"name":          {func(c *registration.Client) { c.Name = "App" }, false},
	} {
		here, _ := twoNodes(t)
		row, _ := here.register(app)
		grant := store.Grant{
			ID: token.NewGrantID(here.Clock.Now()), Realm: "/", ClientID: "app", State: store.GrantPending, CodeHash: "x",
			CodeExpires: here.Clock.Now().Add(time.Minute), PurgeAt: here.Clock.Now().Add(time.Hour),
		}
		if err := here.Store.CreateGrant(t.Context(), grant, nil); err != nil {
			t.Fatal(err)
		}
		next := app
		next.Grants = append([]string{}, app.Grants...)
		c.change(&next)
		if _, err := here.backend.Clients().Replace(t.Context(), "/", next, row.Version); err != nil {
			t.Fatal(err)
		}
		after, err := here.Store.Grant(t.Context(), "/", grant.ID)
		if err != nil || (after.State == store.GrantRevoked) != c.ends {
			t.Errorf("%s: state %d, %v; ends %v", name, after.State, err, c.ends)
		}
	}
}

// CL5: a secret that has expired is none, and when one was used is known, from
// one write an hour.
func TestCL5_SecretsExpireAndTheirUseIsKnown(t *testing.T) {
	here, there := twoNodes(t)
	_, first := here.register(batch())
	second, digest := hashing.Generate()
	err := here.backend.Clients().AddSecret(t.Context(), "/", "batch", store.StoredSecret{
		ID: "s2", Digest: digest, Created: here.Clock.Now(), Expires: here.Clock.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	there.backend.ReadLogs(t.Context())
	lastUsed := func(id string) time.Time {
		row, err := here.backend.Clients().Get(t.Context(), "/", "batch")
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range row.Secrets {
			if secret.ID == id {
				return secret.LastUsed
			}
		}
		t.Fatalf("no secret %s", id)
		return time.Time{}
	}
	began := here.Clock.Now()
	for _, secret := range []oauth.Secret{first, second, first} {
		there.want(http.StatusOK, "batch", secret)
	}
	there.want(http.StatusUnauthorized, "batch", oauth.NewSecret("wrong"))
	if !lastUsed("s1").IsZero() {
		t.Error("a request has written")
	}
	there.backend.ReadLogs(t.Context())
	for _, id := range []string{"s1", "s2"} {
		if got := lastUsed(id); !got.Equal(began) {
			t.Errorf("%s was used %v, want %v", id, got, began)
		}
	}
	here.Clock.Advance(59 * time.Minute)
	there.want(http.StatusOK, "batch", second)
	there.backend.ReadLogs(t.Context())
	if got := lastUsed("s2"); !got.Equal(began) {
		t.Errorf("written again after %v", got.Sub(began))
	}
	here.Clock.Advance(time.Minute)
	for _, n := range []*clientNode{here, there} {
		n.want(http.StatusUnauthorized, "batch", second)
		n.want(http.StatusOK, "batch", first)
	}
	there.backend.ReadLogs(t.Context())
	if got := lastUsed("s1"); !got.Equal(began.Add(time.Hour)) {
		t.Errorf("used %v", got)
	}
	if err := here.backend.Clients().RemoveSecret(t.Context(), "/", "batch", "s1"); err != nil {
		t.Fatal(err)
	}
	here.want(http.StatusUnauthorized, "batch", first)
}

// A reload loses no client, and lays them over the defaults of its own.
func TestAReloadKeepsTheClientsOfTheStore(t *testing.T) {
	here, _ := twoNodes(t)
	_, secret := here.register(batch())
	here.want(http.StatusOK, "batch", secret)
	config := here.config
	config.Realms = append([]realm.Settings{}, here.config.Realms...)
	config.Realms[0].Defaults.Client.AccessTokenLifetime = 77 * time.Second
	before := here.server
	server, err := authserver.New(t.Context(), config, here.backend, authserver.Options{
		Observer: here.Observer, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		server *authserver.Server
		expiry float64
	}{{server, 77}, {before, 600}, {server, 77}} {
		here.server = c.server
		if _, answer := here.token("batch", secret, "grant_type", "client_credentials"); answer["expires_in"] != c.expiry {
			t.Errorf("expires_in %v, want %v", answer["expires_in"], c.expiry)
		}
	}
}

// What the configuration says of an id counts, and a start says so.
func TestAClientOfTheConfigurationHidesThatOfTheStore(t *testing.T) {
	here, _ := twoNodes(t)
	id := here.config.Realms[0].Clients[0].ID
	hidden := batch()
	hidden.ID = id
	_, secret := here.register(hidden)
	here.want(http.StatusUnauthorized, id, secret)
	var logged strings.Builder
	if _, err := authserver.New(t.Context(), here.config, here.backend, authserver.Options{
		Observer: here.Observer, Log: slog.New(slog.NewTextHandler(&logged, nil)),
	}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(logged.String(), "hides the one of the store") || !strings.Contains(logged.String(), "client_id="+id) {
		t.Errorf("logged %q", logged.String())
	}
}

// A node that was deaf for long hears of removals of which nothing is left.
func TestANodeThatWasDeafReadsAllClientsAnew(t *testing.T) {
	here, there := twoNodes(t)
	_, secret := here.register(batch())
	there.backend.ReadLogs(t.Context())
	there.want(http.StatusOK, "batch", secret)
	if err := here.backend.Clients().Delete(t.Context(), "/", "batch", 0); err != nil {
		t.Fatal(err)
	}
	here.Clock.Advance(2 * time.Hour)
	if _, err := here.Store.DeleteExpired(t.Context(), here.Clock.Now(), 1000); err != nil {
		t.Fatal(err)
	}
	there.backend.ReadLogs(t.Context())
	there.want(http.StatusUnauthorized, "batch", secret)
}
