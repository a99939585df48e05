package integration

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// reloads is how often the configuration is changed; every second time the
	// new one is broken in a way that shows late.
	reloads = 100
	// callers send requests without a pause all the while.
	callers = 6
	// spacing is how long after one the next is begun, where the machine can.
	spacing = 25 * time.Millisecond
)

// tally is what callers saw.
type tally struct {
	answers, wrong, transport, lost atomic.Int64
	firstWrong                      atomic.Pointer[string]
	// beat is offered each answer, for whoever waits for some.
	beat chan struct{}
}

func (n *tally) String() string {
	return fmt.Sprintf("%d answers, %d wrong, %d transport errors, %d of them after a retry too",
		n.answers.Load(), n.wrong.Load(), n.transport.Load(), n.lost.Load())
}

// attack sends requests made by next until stop is closed. A transport error is
// retried once, as clients do: a plain Caddy has some at a reload.
func attack(stop <-chan struct{}, n *tally, next func() (*http.Request, int)) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-stop:
			return
		default:
		}
		r, want := next()
		response, err := client.Do(r)
		if err != nil {
			n.transport.Add(1)
			r, want = next()
			if response, err = client.Do(r); err != nil {
				n.lost.Add(1)
				continue
			}
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		n.answers.Add(1)
		select {
		case n.beat <- struct{}{}:
		default:
		}
		if response.StatusCode != want {
			n.wrong.Add(1)
			text := fmt.Sprintf("%s %s: status %d, want %d: %s", r.Method, r.URL, response.StatusCode, want, body)
			n.firstWrong.CompareAndSwap(nil, &text)
		}
	}
}

// request is a GET with a token, or the POST of a client for a token.
func request(t *testing.T, method, address, token string) *http.Request {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"write"}}.Encode()
	r, err := http.NewRequest(method, address, strings.NewReader(form))
	if err != nil {
		t.Error(err)
		return nil
	}
	if method == http.MethodGet {
		r.Body, r.ContentLength = nil, 0
		r.Header.Set("Authorization", "Bearer "+token)
		return r
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("myClient", "forgerock")
	return r
}

// load gives the admin endpoint a configuration and says whether it took it.
func load(t *testing.T, admin, caddyfile string) bool {
	t.Helper()
	status, body := ask(t, func() (*http.Request, error) {
		request, err := http.NewRequest(http.MethodPost, "http://"+admin+"/load", strings.NewReader(caddyfile))
		if err == nil {
			request.Header.Set("Content-Type", "text/caddyfile")
			request.Header.Set("Cache-Control", "must-revalidate") // reload an unchanged one too
		}
		return request, err
	})
	if status != http.StatusOK {
		t.Logf("refused: %s", body)
	}
	return status == http.StatusOK
}

// ask sends a request to the admin endpoint, again when the connection broke:
// its listener is replaced with each configuration, too.
func ask(t *testing.T, make func() (*http.Request, error)) (status int, body string) {
	t.Helper()
	var failed error
	for range 5 {
		request, err := make()
		if err != nil {
			t.Fatal(err)
		}
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			failed = err
			continue
		}
		content, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err == nil {
			return response.StatusCode, string(content)
		}
		failed = err
	}
	t.Fatal(failed)
	return 0, ""
}

// gauge reads one number of the binary's metrics.
func gauge(t *testing.T, admin, name string) float64 {
	t.Helper()
	_, body := ask(t, func() (*http.Request, error) {
		return http.NewRequest(http.MethodGet, "http://"+admin+"/metrics", nil)
	})
	match := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(body)
	if match == nil {
		return 0
	}
	value, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// reloadUnderLoad changes the configuration while callers send requests.
func reloadUnderLoad(t *testing.T, admin string, good, bad []string, next []func() (*http.Request, int)) *tally {
	t.Helper()
	n, stop := &tally{beat: make(chan struct{})}, make(chan struct{})
	var running sync.WaitGroup
	for i := range callers {
		running.Go(func() { attack(stop, n, next[i%len(next)]) })
	}
	pace := time.NewTicker(spacing)
	defer pace.Stop()
	for i := range reloads {
		<-pace.C
		<-n.beat
		if i%2 == 0 {
			if !load(t, admin, good[i/2%len(good)]) {
				t.Error("a good configuration was refused")
			}
		} else if load(t, admin, bad[i/2%len(bad)]) {
			t.Error("a broken configuration was taken")
		}
	}
	close(stop)
	running.Wait()
	return n
}

func TestF16_ReloadsUnderLoadLoseNothing(t *testing.T) {
	w := startExample(t)
	root := w.documentRealms()["root"]
	token, refresh := passwordTokens(t, root)
	revoked, ended := passwordTokens(t, root)
	curlJSON(t, "--user", "myClient:forgerock", "--data", "token="+ended, root.oauth2+"/token/revoke")
	next := []func() (*http.Request, int){
		func() (*http.Request, int) { return request(t, http.MethodGet, w.api+"/write", token), http.StatusOK },
		func() (*http.Request, int) {
			return request(t, http.MethodPost, root.oauth2+"/access_token", ""), http.StatusOK
		},
		func() (*http.Request, int) {
			return request(t, http.MethodGet, root.oauth2+"/connect/jwk_uri", ""), http.StatusOK
		},
		func() (*http.Request, int) {
			return request(t, http.MethodGet, w.api+"/", "not-a-token"), http.StatusUnauthorized
		},
		func() (*http.Request, int) {
			return request(t, http.MethodGet, w.api+"/write", revoked), http.StatusUnauthorized
		},
		func() (*http.Request, int) {
			return request(t, http.MethodGet, w.auth+"/readyz", ""), http.StatusOK
		},
	}
	// An upstream of its own, so that an answer can only be wrong by our fault.
	caddyfile := regexp.MustCompile(`reverse_proxy \S+`).ReplaceAllString(w.caddyfile, "reverse_proxy "+upstream(t))
	caddyfile = strings.Replace(caddyfile, "\toauth2_server\n", "\toauth2_server\n\toauth2_health /readyz ready\n", 1)
	good := []string{
		caddyfile,
		strings.Replace(caddyfile, "lifetime 1h", "lifetime 2h", 1),
		strings.Replace(caddyfile, "allow * *", "allow * /never\n\t\tallow * *", 1),
	}
	bad := []string{
		// Fails in Provision, after the app has been provisioned.
		caddyfile + "\nhttp://localhost:49151 {\n\tbearer_auth {\n\t\trealm /nowhere\n\t\taudience x\n\t}\n}\n",
		// Fails in Start: somebody else listens there.
		caddyfile + occupied(t),
	}

	// Warm up, so that the first measurement has every pool and cache filled.
	reloadUnderLoad(t, w.adminAddress, good, bad, next)
	goroutines, memory := gauge(t, w.adminAddress, "go_goroutines"), gauge(t, w.adminAddress, "process_resident_memory_bytes")
	hits, misses := gauge(t, w.adminAddress, `caddy_oauth2_cache_lookups_total{result="hit"}`), gauge(t, w.adminAddress, `caddy_oauth2_cache_lookups_total{result="miss"}`)
	if hits == 0 {
		t.Error("no cache hit was counted")
	}

	ours := reloadUnderLoad(t, w.adminAddress, good, bad, next)
	if ours.wrong.Load() > 0 {
		t.Errorf("%d wrong answers, the first: %s", ours.wrong.Load(), *ours.firstWrong.Load())
	}
	newHits := gauge(t, w.adminAddress, `caddy_oauth2_cache_lookups_total{result="hit"}`) - hits
	newMisses := gauge(t, w.adminAddress, `caddy_oauth2_cache_lookups_total{result="miss"}`) - misses
	if newHits < 0.95*(newHits+newMisses) {
		t.Errorf("%v hits and %v misses: the cache did not survive", newHits, newMisses)
	}
	grown := gauge(t, w.adminAddress, "go_goroutines") - goroutines
	if after := gauge(t, w.adminAddress, "process_resident_memory_bytes"); after > memory+64<<20 {
		t.Errorf("%.0f MB of memory became %.0f MB", memory/1e6, after/1e6)
	}

	// What the server remembered before, it remembers now.
	answer := curlJSON(t, "--user", "myClient:forgerock", "--data", "grant_type=refresh_token", "--data", "refresh_token="+refresh, root.oauth2+"/access_token")
	wantStatus(t, w.api+"/write", text(t, answer, "access_token"), "200")

	t.Run("compared with a plain Caddy", func(t *testing.T) {
		plain, plainGrown := plainReloads(t)
		t.Logf("plain: %v, %v goroutines more", plain, plainGrown)
		t.Logf("ours: %v, %v goroutines more", ours, grown)
		// A handful either way is the listener swap of the system, as are requests
		// that fail twice in a row when two swaps follow each other.
		if ours.transport.Load() > 2*plain.transport.Load()+20 {
			t.Errorf("%d transport errors, a plain Caddy had %d", ours.transport.Load(), plain.transport.Load())
		}
		if ours.lost.Load() > plain.lost.Load()+2 {
			t.Errorf("%d requests failed twice in a row, with a plain Caddy %d", ours.lost.Load(), plain.lost.Load())
		}
		// Connections to upstreams of old configurations stay until they idle out.
		if grown > plainGrown+50 {
			t.Errorf("%v goroutines more after %d reloads, a plain Caddy had %v more", grown, reloads, plainGrown)
		}
	})
}

// upstream is a server outside of the binary, by its address.
func upstream(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Auth-Subject"))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// occupied is a site on a port that this process listens on: it fails in Start.
func occupied(t *testing.T) string {
	t.Helper()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	return fmt.Sprintf("\nhttp://localhost:%d {\n\trespond taken\n}\n", taken.Addr().(*net.TCPAddr).Port)
}

// plainReloads is the control: the same sites, requests and reloads, with a Caddy
// that only answers and proxies. It says how many goroutines they left, too.
func plainReloads(t *testing.T) (*tally, float64) {
	t.Helper()
	ports := freePorts(t, 5)
	admin := fmt.Sprintf("localhost:%d", ports[0])
	config := fmt.Sprintf("{\n\tadmin %s\n\tdefault_bind 127.0.0.1 [::1]\n}\n", admin)
	for _, port := range ports[1:] {
		config += fmt.Sprintf("http://localhost:%d {\n\trespond /oauth2/* ok\n\treverse_proxy %s\n}\n", port, upstream(t))
	}
	start(t, config, t.TempDir())
	site := func(n int) string { return fmt.Sprintf("http://localhost:%d", ports[n]) }
	next := []func() (*http.Request, int){
		func() (*http.Request, int) { return request(t, http.MethodGet, site(2)+"/", "token"), http.StatusOK },
		func() (*http.Request, int) {
			return request(t, http.MethodPost, site(1)+"/oauth2/x", ""), http.StatusOK
		},
		func() (*http.Request, int) { return request(t, http.MethodGet, site(1)+"/oauth2/x", ""), http.StatusOK },
		func() (*http.Request, int) { return request(t, http.MethodGet, site(2)+"/", "token"), http.StatusOK },
		func() (*http.Request, int) { return request(t, http.MethodGet, site(2)+"/", "token"), http.StatusOK },
		func() (*http.Request, int) { return request(t, http.MethodGet, site(1)+"/oauth2/x", ""), http.StatusOK },
	}
	good, bad := []string{config}, []string{config + occupied(t)}
	reloadUnderLoad(t, admin, good, bad, next)
	goroutines := gauge(t, admin, "go_goroutines")
	n := reloadUnderLoad(t, admin, good, bad, next)
	return n, gauge(t, admin, "go_goroutines") - goroutines
}
