package integration

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/caddymodule/integration/balancer"
)

const (
	shutdownDelay = time.Second
	gracePeriod   = 10 * time.Second
	// slowAnswer is how long the upstream takes for some: such requests are on
	// their way when the node closes.
	slowAnswer = 1500 * time.Millisecond
)

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
	front := balancer.New(t)
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
	front.Use(fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1]))
	front.Until(t, 0, true)
	front.Until(t, 1, true)

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
		front.Until(t, i, false)
		nodes[i] = run[i]()
		front.Until(t, i, true)
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
