package faults

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	// patience is how long a slow machine may take for anything.
	patience = 60 * time.Second
	// grace is longer than any restart: the client whose answer was lost with the
	// process must still find it.
	grace = 2 * time.Minute

	clientID, clientSecret = "app", "a secret of the tests"
	username, password     = "frida", "a password of the tests"
	redirectURI            = "http://127.0.0.1/callback"
)

// world is one server and gateway on loopback, through all the lives of its
// process, and the clients that use it.
type world struct {
	storage   storage
	home      string
	caddyfile string
	failpoint string
	env       []string
	auth, api string

	transport *http.Transport
	http      *http.Client
	node      *node
	ledger    *ledger
	clients   []*client
	fault     atomic.Int32 // one of those below
	// spread is how soon one node hears of another's revocations, if there are two.
	spread time.Duration
}

// What is wrong with the disk, and so which requests may be answered with 503.
// No state of the disk keeps a good access token from being taken.
const (
	healthy int32 = iota
	// unwritable: what needs no write is answered.
	unwritable
	// unreadable: what needs nothing of the store is answered.
	unreadable
)

// newWorld writes the configuration and makes clients. It starts nothing.
func newWorld(t *testing.T, s storage, clients int) *world {
	t.Helper()
	dir := t.TempDir()
	ports := freePorts(t, 2)
	w := &world{
		storage: s, home: dir, env: s.environment(), ledger: new(ledger),
		caddyfile: filepath.Join(dir, "Caddyfile"),
		failpoint: filepath.Join(dir, "failpoint"),
		auth:      fmt.Sprintf("http://localhost:%d", ports[0]),
		api:       fmt.Sprintf("http://localhost:%d", ports[1]),
		transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}
	w.http = &http.Client{
		Transport: w.transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(w.transport.CloseIdleConnections)
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	must(t, err)
	must(t, os.WriteFile(w.users(), fmt.Appendf(nil, "users:\n  %s:\n    password: %s\n", username, hash), 0o600))
	must(t, os.WriteFile(w.caddyfile, fmt.Appendf(nil, caddyfile, w.option(), w.auth, w.api, w.api), 0o600))
	for i := range clients {
		w.clients = append(w.clients, newClient(w, uint64(i)))
	}
	return w
}

func (w *world) users() string { return filepath.Join(w.home, "users.yaml") }

// option is the global option oauth2.
func (w *world) option() string {
	return fmt.Sprintf(option, w.storage.line(), w.auth, w.api, grace, w.users(), clientID, clientSecret, redirectURI)
}

const option = `oauth2 {
		%s
		realm / {
			issuer %s/oauth2
			resource %s
			access_token {
				lifetime 6h
			}
			refresh_token {
				grace %v
			}
			authentication people file %s
			json_authenticate
			client %s {
				secret "%s"
				redirect_uri %s
				grants authorization_code client_credentials refresh_token
				scopes openid write
				pkce optional
				skip_consent
			}
		}
	}`

const caddyfile = `{
	admin off
	default_bind 127.0.0.1 [::1]
	%s
}

%s {
	oauth2_health /ready ready
	oauth2_health /gateway gateway
	oauth2_server
}

%s {
	bearer_auth {
		realm /
		audience %s
	}
	respond ok
}
`

// arm has the process end at a place, the nth time that it passes it.
func (w *world) arm(t *testing.T, place string, n int) {
	t.Helper()
	must(t, os.WriteFile(w.failpoint+".new", fmt.Appendf(nil, "%s:%d\n", place, n), 0o600))
	must(t, os.Rename(w.failpoint+".new", w.failpoint))
}

// disarm is for the next life.
func (w *world) disarm(t *testing.T) {
	t.Helper()
	must(t, os.RemoveAll(w.failpoint))
}

// freePorts finds n ports on loopback that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer func() { _ = l.Close() }()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// now is when a request is sent.
func (w *world) now() time.Time { return time.Now() }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
