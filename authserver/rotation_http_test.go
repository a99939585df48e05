package authserver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// listening is a node as clients and verifiers know it: an address.
type listening struct {
	*node
	t       testing.TB
	address string
	http    *http.Client
}

// newListening opens nodes on a database of PostgreSQL. Tokens of web last for as
// long as any may, those of machine for ten minutes.
func newListening(t *testing.T, w *realmtest.World, ahead ...time.Duration) (nodes []*node, parties []party) {
	t.Helper()
	shared, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresConfig{DSN: pgtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	embedded := w.Store.Store
	w.Store.Store = shared
	t.Cleanup(func() {
		w.Store.Store = embedded
		if err := shared.Close(); err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	t.Cleanup(client.CloseIdleConnections)
	for _, ahead := range ahead {
		n := newNode(t, w, ahead, func(s *realm.Settings) {
			for i := range s.Clients {
				if id := s.Clients[i].ID; id == "web" || id == "opaque" {
					s.Clients[i].AccessTokenLifetime = store.MaxAccessTokenLifetime
				}
			}
		})
		front := httptest.NewServer(n.server)
		t.Cleanup(front.Close)
		nodes = append(nodes, n)
		parties = append(parties, &listening{n, t, front.URL + "/oauth2/", client})
	}
	return nodes, parties
}

// ask sends a request and reads a good answer into target.
func (n *listening) ask(r *http.Request, target any) http.Header {
	response, err := n.http.Do(r)
	if err != nil {
		n.t.Error(err)
		return nil
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, target)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		n.t.Errorf("%s: status %d, %v: %s", r.URL, response.StatusCode, err, body)
	}
	return response.Header
}

func (n *listening) form(client, endpoint string, pairs ...string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, n.address+endpoint, strings.NewReader(realmtest.Values(pairs...).Encode()))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(realmtest.Secret(client)))
	return r
}

// mint asks for a token of the client that gets the like.
func (n *listening) mint(_ testing.TB, format string, lifetime time.Duration) (oauth.Secret, time.Time) {
	client := "machine"
	switch {
	case format == oauth.FormatOpaque:
		client = "opaque"
	case lifetime > 10*time.Minute:
		client = "web"
	}
	var answer struct {
		Access  string `json:"access_token"`
		Expires int64  `json:"expires_in"`
	}
	now := n.now()
	n.ask(n.form(client, "access_token", "grant_type", "client_credentials"), &answer)
	return oauth.NewSecret(answer.Access), now.Add(time.Duration(answer.Expires) * time.Second)
}

// opens asks as the API that the tokens are for.
func (n *listening) opens(text oauth.Secret) bool {
	var answer struct{ Active bool }
	n.ask(n.form(realmtest.API, "introspect", "token", text.Reveal()), &answer)
	return answer.Active
}

// keySet fetches the key set, which may be kept for as long as a remote keeps it.
func (n *listening) keySet(t testing.TB) jwk.Set {
	r, err := http.NewRequest(http.MethodGet, n.address+"connect/jwk_uri", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	var document json.RawMessage
	header := n.ask(r, &document)
	if age := fmt.Sprintf("max-age=%d", int(keys.CacheTime.Seconds())); !strings.Contains(header.Get("Cache-Control"), age) {
		t.Errorf("the key set has Cache-Control %q, want %s", header.Get("Cache-Control"), age)
	}
	set, err := jwk.Parse(document)
	if err != nil {
		t.Error(err)
	}
	return set
}

// F18 on PostgreSQL and over HTTP: tokens come from one node's token endpoint, and
// are asked about at both and verified by the published keys. Ten rotations, or as
// many as ROTATIONS says.
func TestF18_RotationsUnderLoadOnPostgreSQLRefuseNoValidToken(t *testing.T) {
	rotations := 10
	if n, err := strconv.Atoi(os.Getenv("ROTATIONS")); err == nil && n > 0 {
		rotations = n
	}
	w := realmtest.New(t)
	nodes, parties := newListening(t, w, 0, 30*time.Second)
	rotateUnderLoad(t, w, nodes, parties, rotations)
}

// F18: what a removed key has signed is refused within its bound there, too.
func TestF18_AKeyThatIsRemovedOnPostgreSQLIsRefused(t *testing.T) {
	w := realmtest.New(t)
	nodes, parties := newListening(t, w, 0, 30*time.Second)
	removeUnderEyes(t, w, nodes, parties, 10)
}
