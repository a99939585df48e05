package integration

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// maxFault is how long an answer may take that says that the store is away.
	maxFault = 3 * time.Second
	// maxRecovery is how soon all is well after the store is back.
	maxRecovery = 5 * time.Second
)

// faultRounds is how often a fault is tried: n, or as often as asked.
func faultRounds(n int) int {
	if asked, err := strconv.Atoi(os.Getenv("FAULT_ROUNDS")); err == nil && asked > 0 {
		return asked
	}
	return n
}

// cluster is a set of nodes that share a database.
type cluster struct {
	t          *testing.T
	dsn, key   string
	foreign    *foreignIssuer
	issuerPort int
	demo       *browser
	// lines stand in the block of the storage, options in that of oauth2.
	lines, options string
}

// node is one of them, a Caddy process of its own.
type node struct {
	*process
	c                  *cluster
	auth, api, foreign string
	admin, caddyfile   string
}

// newCluster makes a cluster without nodes on a database.
func newCluster(t *testing.T, dsn string) *cluster {
	t.Helper()
	if _, err := buildBinary(); err != nil { // so that no start waits for it
		t.Fatal(err)
	}
	return &cluster{
		t: t, dsn: dsn, foreign: newForeignIssuer(t), issuerPort: freePorts(t, 1)[0],
		key: base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")),
	}
}

func (c *cluster) issuer() string { return fmt.Sprintf("http://localhost:%d/oauth2", c.issuerPort) }

// node starts one more node and waits until it serves, be its database there or
// not.
func (c *cluster) node() *node {
	c.t.Helper()
	ports := freePorts(c.t, 4)
	n := &node{
		c:       c,
		admin:   fmt.Sprintf("localhost:%d", ports[0]),
		auth:    fmt.Sprintf("http://localhost:%d/oauth2", ports[1]),
		api:     fmt.Sprintf("http://localhost:%d", ports[2]),
		foreign: fmt.Sprintf("http://localhost:%d/", ports[3]),
	}
	n.caddyfile = fmt.Sprintf(`{
	admin %s
	persist_config off
	default_bind 127.0.0.1 [::1]
	log {
		format oauth2_redact
	}
	oauth2 {
		storage postgres {env.DATABASE_URL} {
			%s
		}
		encryption_key {env.OAUTH2_KEY}
		%s
		issuer foreign %s
		realm / {
			issuer %s
			grants authorization_code client_credentials password refresh_token
			resource https://api.test
			refresh_token {
				grace 30s
			}
			authentication users file docs/example/users.yaml
			default_authentication users
			client myClient {
				secret forgerock
				redirect_uri http://127.0.0.1/callback
				grants authorization_code client_credentials password refresh_token
				scopes openid write
				pkce optional
			}
		}
	}
}
http://localhost:%d {
	oauth2_server
}
http://localhost:%d {
	bearer_auth {
		realm /
		audience https://api.test
	}
	respond {http.auth.user.id}
}
http://localhost:%d {
	bearer_auth foreign {
		audience https://api.test
		dpop
	}
	respond {http.auth.user.id}
}
`, n.admin, c.lines, c.options, c.foreign.URL, c.issuer(), ports[1], ports[2], ports[3])
	n.process = start(c.t, n.caddyfile, c.t.TempDir(), "DATABASE_URL="+c.dsn, "OAUTH2_KEY="+c.key)
	return n
}

// answer is what came back, and when.
type answer struct {
	status     int
	retryAfter string
	body       map[string]any
	took       time.Duration
	err        error // of the transport
}

// oauthError is the code of the RFCs in an answer.
func (a answer) oauthError() string {
	code, _ := a.body["error"].(string)
	return code
}

func (a answer) text(name string) string {
	value, _ := a.body[name].(string)
	return value
}

func (a answer) String() string {
	return fmt.Sprintf("status %d after %s, Retry-After %q, error %v %v", a.status, a.took.Round(time.Millisecond), a.retryAfter, a.oauthError(), a.err)
}

// caller sends requests as one client that keeps connections.
var caller = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 512}}

func do(ctx context.Context, r *http.Request) (a answer) {
	began := time.Now()
	response, err := caller.Do(r.WithContext(ctx))
	if err == nil {
		var content []byte
		content, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
		_ = json.Unmarshal(content, &a.body)
		a.status, a.retryAfter = response.StatusCode, response.Header.Get("Retry-After")
	}
	a.took, a.err = time.Since(began), err
	return a
}

// form posts a form as myClient.
func (n *node) form(ctx context.Context, endpoint string, pairs ...string) answer {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, n.auth+endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{err: err}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("myClient", "forgerock")
	return do(ctx, r)
}

// get asks an API with headers.
func visit(ctx context.Context, address string, headers ...string) answer {
	r, err := http.NewRequest(http.MethodGet, address, http.NoBody)
	if err != nil {
		return answer{err: err}
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return do(ctx, r)
}

// machine is the request for client credentials, for which nothing is read.
var machine = []string{"grant_type", "client_credentials", "scope", "write"}

// token is what client credentials give.
func (n *node) token() string {
	n.c.t.Helper()
	a := n.form(n.c.t.Context(), "/access_token", machine...)
	if a.status != http.StatusOK {
		n.c.t.Fatalf("client credentials: %v", a)
	}
	return a.text("access_token")
}

// within asks until what it asks for is so, and fails the test when that takes
// longer than limit. It says how long it took.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("not %s within %s", what, limit)
		}
		<-tick.C
	}
	return time.Since(began)
}

// ready waits until the node's server answers.
func (n *node) ready(limit time.Duration) time.Duration {
	n.c.t.Helper()
	return within(n.c.t, limit, "ready", func() bool {
		return n.form(n.c.t.Context(), "/access_token", machine...).status == http.StatusOK
	})
}

// wantUnavailable sees that an answer puts the blame where it belongs.
func wantUnavailable(t *testing.T, what string, a answer) {
	t.Helper()
	if a.err != nil || a.status != http.StatusServiceUnavailable || a.retryAfter == "" || a.took > maxFault {
		t.Errorf("%s: %v", what, a)
	}
}

// closedPort is an address that nobody listens on.
func closedPort(t *testing.T) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(freePorts(t, 1)[0]))
}
