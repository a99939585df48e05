package balancer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// lookEvery is how often it asks whether a node is ready.
	lookEvery = 100 * time.Millisecond
	// lookFor is how long a look may take, and missed how many may fail in a row.
	lookFor = time.Second
	missed  = 3
	// patience is how long a slow machine may take for anything.
	patience = 60 * time.Second
)

// Balancer sends requests to the nodes that say that they are ready, by turns,
// over connections that it keeps. It tries nothing twice.
type Balancer struct {
	*httptest.Server
	nodes []*httputil.ReverseProxy
	ready []atomic.Bool
	said  []atomic.Pointer[string] // to the last look that counted
	turn  atomic.Uint64
	ends  chan struct{}
	looks sync.WaitGroup
}

// New makes one without nodes, so that its address can stand in their
// configuration. It ends with the test.
func New(t *testing.T) *Balancer {
	b := &Balancer{ends: make(chan struct{})}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(func() {
		close(b.ends)
		b.looks.Wait()
		b.Close()
	})
	return b
}

// Use gives it its nodes, as host and port, and begins to look at their /readyz.
// It is called once, before any request.
func (b *Balancer) Use(nodes ...string) {
	b.ready, b.said = make([]atomic.Bool, len(nodes)), make([]atomic.Pointer[string], len(nodes))
	kept := &http.Transport{MaxIdleConnsPerHost: 256}
	for _, node := range nodes {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: node})
		proxy.Transport = kept
		b.nodes = append(b.nodes, proxy)
	}
	for i, node := range nodes {
		b.looks.Go(func() { b.look(i, node) })
	}
}

func (b *Balancer) look(i int, node string) {
	client := &http.Client{Timeout: lookFor, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for silent := 0; ; {
		status, said := ask(client, "http://"+node+"/readyz")
		if status == 0 {
			silent++
		} else {
			silent = 0
		}
		// What a node says counts at once. A busy machine may miss a look.
		if status != 0 || silent >= missed {
			b.said[i].Store(&said)
			b.ready[i].Store(status == http.StatusOK)
		}
		select {
		case <-tick.C:
		case <-b.ends:
			return
		}
	}
}

// ask asks a node whether it is ready. Status 0 is no answer.
func ask(client *http.Client, address string) (status int, said string) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err.Error()
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, fmt.Sprintf("%d %s", response.StatusCode, body)
}

func (b *Balancer) serve(w http.ResponseWriter, r *http.Request) {
	first := int(b.turn.Add(1) % uint64(len(b.nodes)))
	for i := range b.nodes {
		if n := (first + i) % len(b.nodes); b.ready[n].Load() {
			b.nodes[n].ServeHTTP(w, r)
			return
		}
	}
	why := "no node is ready"
	for i := range b.said {
		if said := b.said[i].Load(); said != nil {
			why += fmt.Sprintf("; node %d: %s", i, *said)
		}
	}
	http.Error(w, why, http.StatusBadGateway)
}

// Until waits for a state of a node, by its place in Use.
func (b *Balancer) Until(t *testing.T, node int, ready bool) {
	t.Helper()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); b.ready[node].Load() != ready; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("node %d does not become ready: %v", node, ready)
		}
	}
}
