package integration

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	shutdownDelay = time.Second
	gracePeriod   = 10 * time.Second
	// slowAnswer is how long the upstream takes for some: such requests are on
	// their way when the node closes.
	slowAnswer = 1500 * time.Millisecond
	// lookEvery is how often the balancer asks whether a node is ready.
	lookEvery = 100 * time.Millisecond
)

// balancer sends requests to the nodes that say that they are ready, by turns. It
// tries nothing twice.
type balancer struct {
	*httptest.Server
	nodes []*httputil.ReverseProxy
	ready []atomic.Bool
	turn  atomic.Uint64
	ends  chan struct{}
	looks sync.WaitGroup
}

// newBalancer begins to look when it is given its nodes.
func newBalancer(t *testing.T) *balancer {
	b := &balancer{ends: make(chan struct{})}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(func() {
		close(b.ends)
		b.looks.Wait()
		b.Close()
	})
	return b
}

func (b *balancer) use(nodes ...string) {
	b.ready = make([]atomic.Bool, len(nodes))
	for _, node := range nodes {
		b.nodes = append(b.nodes, httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: node}))
	}
	for i, node := range nodes {
		b.looks.Go(func() { b.look(i, node) })
	}
}

func (b *balancer) look(i int, node string) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		response, err := client.Get("http://" + node + "/readyz")
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		b.ready[i].Store(err == nil && response.StatusCode == http.StatusOK)
		select {
		case <-tick.C:
		case <-b.ends:
			return
		}
	}
}

func (b *balancer) serve(w http.ResponseWriter, r *http.Request) {
	first := int(b.turn.Add(1))
	for i := range b.nodes {
		if n := (first + i) % len(b.nodes); b.ready[n].Load() {
			b.nodes[n].ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, "no node is ready", http.StatusBadGateway)
}

// until waits for a state of a node.
func (b *balancer) until(t *testing.T, node int, ready bool) {
	t.Helper()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); b.ready[node].Load() != ready; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("node %d does not become ready: %v", node, ready)
		}
	}
}

// F17: nodes are stopped and started one after the other behind a balancer that
// knows nothing but what oauth2_health says, and no caller sees any of it.
func TestF17_ARollingRestartFailsNoRequest(t *testing.T) {
	rounds := 4
	if n, err := strconv.Atoi(os.Getenv("SHUTDOWN_ROUNDS")); err == nil && n > 0 {
		rounds = n
	}
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(slowAnswer)
		_, _ = io.WriteString(w, "slow")
	}))
	t.Cleanup(slow.Close)
	front := newBalancer(t)
	ports := freePorts(t, 2)
	nodes := make([]*process, len(ports))
	run := make([]func() *process, len(ports))
	for i, port := range ports {
		home := t.TempDir()
		caddyfile := fmt.Sprintf(`{
	admin off
	shutdown_delay %s
	grace_period %s
	default_bind 127.0.0.1
	oauth2 {
		storage sqlite %s
		realm / {
			issuer %s/oauth2
			client myClient {
				secret forgerock
				grants client_credentials
				scopes write
				resource https://api.test
			}
		}
	}
}
http://:%d {
	oauth2_health /readyz ready
	oauth2_server
	reverse_proxy %s
}
`, shutdownDelay, gracePeriod, filepath.Join(home, "oauth2.db"), front.URL, port, slow.URL)
		run[i] = func() *process { return start(t, caddyfile, home) }
		nodes[i] = run[i]()
	}
	front.use(fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1]))
	front.until(t, 0, true)
	front.until(t, 1, true)

	n, stop := &tally{beat: make(chan struct{})}, make(chan struct{})
	var load sync.WaitGroup
	for i := range callers {
		load.Go(func() {
			attack(stop, n, func() (*http.Request, int) {
				if i%2 == 0 {
					return request(t, http.MethodGet, front.URL+"/slow", "token"), http.StatusOK
				}
				return request(t, http.MethodPost, front.URL+"/oauth2/access_token", ""), http.StatusOK
			})
		})
	}
	for round := range rounds {
		i := round % len(nodes)
		<-n.beat
		began := time.Now()
		nodes[i].stop()
		took := time.Since(began)
		t.Logf("round %d: stopped in %s", round, took.Round(time.Millisecond))
		if took > shutdownDelay+gracePeriod+time.Second {
			t.Errorf("round %d: it took %s", round, took)
		}
		front.until(t, i, false)
		nodes[i] = run[i]()
		front.until(t, i, true)
	}
	close(stop)
	load.Wait()
	t.Log(n)
	if n.wrong.Load() > 0 || n.transport.Load() > 0 {
		t.Errorf("%v", n)
		if first := n.firstWrong.Load(); first != nil {
			t.Error(*first)
		}
	}
}
