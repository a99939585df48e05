package caddymodule_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// metric reads one series from Caddy's own metrics; 0 when it is not there.
func (g *gateway) metric(series string) float64 {
	g.t.Helper()
	response := g.send("GET /metrics")
	wantStatus(g.t, response, http.StatusOK)
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), series+" "); ok {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				g.t.Fatal(err)
			}
			return value
		}
	}
	return 0
}

const (
	hits   = `caddy_oauth2_cache_lookups_total{result="hit"}`
	misses = `caddy_oauth2_cache_lookups_total{result="miss"}`
)

// siteAddress finds the port of a site of these tests.
var siteAddress = regexp.MustCompile(`http://127\.0\.0\.1:(\d+)`)

// reload loads a Caddyfile over the running one, and waits until the one before
// listens no more: Caddy closes its listeners behind our back, and until then a
// request may still reach it.
func reload(text string) error {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	if err := caddy.Load(adapted, true); err != nil {
		return err
	}
	return listensAlone(text)
}

// listensAlone waits until one configuration alone listens at the sites of a Caddyfile.
func listensAlone(text string) error {
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, site := range siteAddress.FindAllStringSubmatch(text, -1) {
		for caddy.ListenerUsage("tcp", ":"+site[1]) > 1 {
			select {
			case <-tick.C:
			case <-deadline.C:
				return errors.New("another configuration still listens")
			}
		}
	}
	return nil
}

// warm sends a token until its verdict comes from the cache, which takes new
// entries in the background.
func (g *gateway) warm(token string) {
	g.t.Helper()
	before := g.metric(hits)
	for range 1000 {
		wantStatus(g.t, g.send("GET /", token), http.StatusOK)
		g.upstream.next()
		if g.metric(hits) > before {
			return
		}
	}
	g.t.Fatal("the cache never hits")
}

// guarded keeps /metrics outside bearer_auth.
const guarded = "@guarded not path /metrics\nmetrics /metrics"

func TestF16_ReloadsKeepKeysAndVerdicts(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: guarded})
	token := g.bearer(nil)
	g.warm(token)
	if err := reload(g.caddyfile); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, g.send("GET /", token), http.StatusOK)
	goroutines := runtime.NumGoroutine()
	other := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	broken := []struct{ text, why string }{
		// Late in Provision: the cache and the issuer are acquired by then.
		{strings.Replace(g.caddyfile, "audience", "realm /nowhere\naudience", 1), "no realm"},
		{g.caddyfile + other + " {\nbearer_auth nowhere {\naudience x\n}\n}\n", "no issuer of that name"},
		// In Start: that address is of another machine.
		{g.caddyfile + other + " {\nbind 192.0.2.1\nbearer_auth " + g.issuer.URL + " {\naudience x\n}\n}\n", "listen"},
	}
	for n := range 20 {
		try := broken[n%len(broken)]
		if err := reload(try.text); err == nil || !strings.Contains(err.Error(), try.why) {
			t.Fatalf("the error is %v, want one with %q", err, try.why)
		}
		if err := reload(g.caddyfile); err != nil {
			t.Fatal(err)
		}
		hitsBefore, missesBefore := g.metric(hits), g.metric(misses)
		wantStatus(t, g.send("GET /", token), http.StatusOK)
		if h, m := g.metric(hits), g.metric(misses); h != hitsBefore+1 || m != missesBefore {
			t.Errorf("after reload %d: %v hits and %v misses more, want one hit", n+1, h-hitsBefore, m-missesBefore)
		}
	}
	if fetches := g.issuer.fetches.Load(); fetches != 1 {
		t.Errorf("the keys were fetched %d times, want once", fetches)
	}
	// What Caddy still winds down of old configurations ends by itself.
	for range 1000 {
		if runtime.NumGoroutine() <= goroutines+5 {
			break
		}
		wantStatus(t, g.send("GET /", token), http.StatusOK)
		g.upstream.next()
	}
	if now := runtime.NumGoroutine(); now > goroutines+5 {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if left := caddymodule.PoolReferences(); left != 0 {
		t.Errorf("%d references are left", left)
	}
}

func TestAChangedSettingTakesEffectOnTheNextRequest(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: guarded})
	token := g.bearer(nil)
	g.warm(token)
	for name, change := range map[string]string{
		"another audience":     strings.Replace(g.caddyfile, "audience "+apiAudience, "audience https://other.test", 1),
		"another algorithm":    named(g, "algorithms RS256"),
		"a rule about scopes":  strings.Replace(g.caddyfile, "audience", "allow * * scope write\naudience", 1),
		"another issuer":       strings.Replace(g.caddyfile, g.issuer.URL, newTestIssuer(t).URL, 1),
		"the same by its name": named(g, ""),
	} {
		if err := reload(change); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"a rule about scopes": 403, "the same by its name": 200}[name]
		if want == 0 {
			want = http.StatusUnauthorized
		}
		if response := g.send("GET /", token); response.StatusCode != want {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, want)
		}
	}
}

func TestAChangedSettingForgetsNoKeysOfAnIssuerThatIsDown(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: guarded})
	if err := reload(named(g, "timeout 2s")); err != nil {
		t.Fatal(err)
	}
	token := g.bearer(nil)
	g.warm(token)
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	g.issuer.keys.Store(&down)
	if err := reload(named(g, "timeout 4s")); err != nil {
		t.Fatal(err)
	}
	if response := g.send("GET /", token); response.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", response.StatusCode)
	}
	// Keys of another algorithm than the accepted ones are not taken over.
	if err := reload(named(g, "algorithms RS256")); err != nil {
		t.Fatal(err)
	}
	if response := g.send("GET /", token); response.StatusCode == http.StatusOK {
		t.Error("a token of an algorithm that is not accepted any more passes")
	}
}

// named is the gateway's Caddyfile with the issuer in the global option.
func named(g *gateway, options string) string {
	text := strings.Replace(g.caddyfile, "bearer_auth @guarded "+g.issuer.URL, "bearer_auth @guarded corp", 1)
	return strings.Replace(text, "{\n", fmt.Sprintf("{\noauth2 {\nissuer corp %s {\n%s\n}\n}\n", g.issuer.URL, options), 1)
}

// A configuration that is only validated, or never starts, contacts nobody.
func TestValidationMakesNoConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var contacts atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			contacts.Add(1)
			_ = conn.Close()
		}
	}()
	text := config(t, "", "", fmt.Sprintf("http://127.0.0.1:1 {\nbearer_auth http://%s {\naudience x\n}\n}\n", listener.Addr()))
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		parsed := new(caddy.Config)
		if err := json.Unmarshal(adapted, parsed); err != nil {
			t.Fatal(err)
		}
		// When it returns, the background work has ended too.
		if err := caddy.Validate(parsed); err != nil {
			t.Fatal(err)
		}
	}
	if n := contacts.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	if left := caddymodule.PoolReferences(); left != 0 {
		t.Errorf("%d references are left", left)
	}
}

// F31: whatever strangers send, the labels stay in their closed sets.
func TestF31_StrangersMakeNoNewSeries(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: guarded, block: "allow * /orders*"})
	series := func() int {
		body, err := io.ReadAll(g.send("GET /metrics").Body)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(body), "\ncaddy_oauth2_")
	}
	attack := func(n int) {
		for _, claims := range []map[string]any{
			{"iss": fmt.Sprintf("https://%d.test", n)}, {"sub": strings.Repeat("é", n)}, {"aud": fmt.Sprint(n)}, {"scope": fmt.Sprint(n)}, {"exp": n},
		} {
			g.send(fmt.Sprintf("M%d /orders/%d", n, n), g.bearer(claims))
			g.send(fmt.Sprintf("GET /%d/../x", n), g.bearer(claims))
		}
		g.send("GET /orders", fmt.Sprintf("Authorization: Bearer x%d", n))
		g.send("GET /orders", fmt.Sprintf("Authorization: Scheme%d x", n))
		for g.upstream.next() != "" {
			continue
		}
	}
	attack(1)
	before := series()
	for n := 2; n < 40; n++ {
		attack(n)
	}
	if after := series(); before == 0 || after != before {
		t.Errorf("%d series, %d before", after, before)
	}
}

// A reload that asks for a cache of another size gets it, and the one before goes. One
// that fails changes nothing.
func TestTheSizeOfTheCacheIsConfigured(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: guarded})
	token := g.bearer(nil)
	sized := func(tokens int) string {
		return strings.Replace(g.caddyfile, "admin off", fmt.Sprintf("admin off\noauth2 {\ntoken_cache %d\n}", tokens), 1)
	}
	holds := func(tokens float64) {
		t.Helper()
		g.warm(token)
		if most := g.metric("caddy_oauth2_cache_max_bytes"); most != tokens*2048 {
			t.Errorf("%v bytes, want those of %v tokens", most, tokens)
		}
	}
	holds(50_000)
	references := caddymodule.PoolReferences()
	other := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	for _, tokens := range []int{2000, 1000, 2000} {
		if err := reload(sized(tokens)); err != nil {
			t.Fatal(err)
		}
		holds(float64(tokens))
		// In Start, when the other cache is there already.
		if err := reload(sized(3000) + other + " {\nbind 192.0.2.1\n}\n"); err == nil || !strings.Contains(err.Error(), "listen") {
			t.Fatalf("the error is %v", err)
		}
		if err := listensAlone(g.caddyfile); err != nil {
			t.Fatal(err)
		}
		hitsBefore, missesBefore := g.metric(hits), g.metric(misses)
		wantStatus(t, g.send("GET /", token), http.StatusOK)
		if h, m := g.metric(hits), g.metric(misses); h != hitsBefore+1 || m != missesBefore {
			t.Errorf("%d tokens: %v hits and %v misses after a reload that failed, want one hit", tokens, h-hitsBefore, m-missesBefore)
		}
		holds(float64(tokens))
		if now := caddymodule.PoolReferences(); now != references {
			t.Errorf("%d tokens: %d references, %d before", tokens, now, references)
		}
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if left := caddymodule.PoolReferences(); left != 0 {
		t.Errorf("%d references are left", left)
	}
}
