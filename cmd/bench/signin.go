package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// signInCount is how many people sign in at one time.
var signInCount = 1000

const signInPassword = "correct horse battery"

// signInArrival is how long it takes them all to arrive. Nobody has signed in by
// then but the first hundred: the passwords of the others wait, each in its turn.
const signInArrival = 5 * time.Second

// measureSignIns sends valid traffic through a gateway while people sign in at a
// server, each with a browser of their own, and looks at the memory of the
// server's process. It does so with both in one process, and with the gateway in
// one of its own: what is left then is the price of sharing the machine.
func measureSignIns(ctx context.Context, each time.Duration) (report, error) {
	from, err := newIssuer()
	if err != nil {
		return report{}, err
	}
	var all report
	for _, apart := range []bool{false, true} {
		of := "in one process"
		if apart {
			of = "the gateway apart"
		}
		if err := measureDesk(ctx, each, from, apart, of, &all); err != nil {
			return report{}, fmt.Errorf("%s: %w", of, err)
		}
	}
	together, apart := all.Phases[0].P99, all.Phases[3].P99 // quiet
	all.Noise = float64(max(together, apart)) / float64(min(together, apart))
	return all, nil
}

func measureDesk(ctx context.Context, each time.Duration, from *issuer, apart bool, of string, all *report) error {
	valid, desk, err := startSignIns(ctx, from, apart)
	if err != nil {
		return err
	}
	defer desk.stop()
	if _, err := valid.run(ctx, time.Second); err != nil { // warms up
		return err
	}
	floor, err := valid.run(ctx, max(each, time.Second))
	if err != nil {
		return err
	}
	quiet := summed(of+": quiet", floor)
	before, err := residentMemory(desk.pid)
	if err != nil {
		return err
	}

	signingIn, began := make(chan error, 1), now()
	var times []time.Duration
	go func() {
		var err error
		times, err = desk.everybody(ctx)
		signingIn <- err
	}()
	var during []time.Duration
	peak := before
	for done := false; !done; {
		latencies, err := valid.run(ctx, time.Second)
		if err != nil {
			return fmt.Errorf("while people sign in: %w", err)
		}
		during = append(during, latencies...)
		resident, err := residentMemory(desk.pid)
		if err != nil {
			return err
		}
		peak = max(peak, resident)
		select {
		case err := <-signingIn:
			if err != nil {
				return err
			}
			done = true
		default:
		}
	}
	took := now().Sub(began)
	slices.Sort(during)
	slices.Sort(times)
	measured := summed(fmt.Sprintf("%s: while %d people sign in", of, signInCount), during)
	measured.Ratio = float64(measured.P99) / float64(quiet.P99)
	all.Phases = append(all.Phases, quiet, measured, summed(of+": a sign-in, waiting included", times))
	all.Notes = append(all.Notes,
		fmt.Sprintf("%s: all arrived within %s and were in after %s, having been told to come back %d times; %d valid requests a second beside",
			of, signInArrival, took.Round(time.Second), desk.told.Load(), valid.rate),
		fmt.Sprintf("%s: memory of the server's process (RSS): %d MB before, %d MB at most", of, before>>20, peak>>20))
	return nil
}

// desk is where people sign in.
type desk struct {
	issuer string
	pid    int
	stop   func()
	told   atomic.Int64 // to come back later
}

// startSignIns starts a server for people and a gateway for the tokens of from,
// in one process or apart.
func startSignIns(ctx context.Context, from *issuer, apart bool) (*load, *desk, error) {
	ports := make([]int, 2)
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return nil, nil, err
		}
	}
	dir, err := os.MkdirTemp("", "caddy-oauth2-bench-")
	if err != nil {
		return nil, nil, err
	}
	hash, err := hashing.New().Hash(ctx, oauth.NewSecret(signInPassword))
	if err != nil {
		return nil, nil, err
	}
	var users strings.Builder
	users.WriteString("users:\n")
	for n := range signInCount {
		fmt.Fprintf(&users, "  user%d:\n    password: %q\n", n, hash)
	}
	path := filepath.Join(dir, "users.yaml")
	if err := os.WriteFile(path, []byte(users.String()), 0o600); err != nil {
		return nil, nil, err
	}
	d := &desk{issuer: fmt.Sprintf("http://localhost:%d/oauth2", ports[0])}
	server := fmt.Sprintf(`realm / {
			issuer %s
			authentication users file %s
			client app {
				secret app-secret
				redirect_uri %s
				grants authorization_code
				scopes read
				default_scopes read
				skip_consent
			}
		}`, d.issuer, path, grantRedirect)
	serverSite := fmt.Sprintf("http://localhost:%d {\n\toauth2_server\n}\n", ports[0])
	gateway := "issuer bench " + from.url
	gatewaySite := fmt.Sprintf("http://localhost:%d {\n\tbearer_auth bench {\n\t\taudience %s\n\t}\n\trespond ok\n}\n", ports[1], keysAudience)
	processes := [][2]string{{gateway + "\n\t\t" + server, serverSite + gatewaySite}}
	if apart {
		processes = [][2]string{{gateway, gatewaySite}, {server, serverSite}}
	}
	var stops []func()
	d.stop = func() {
		for _, stop := range stops {
			stop()
		}
		_ = os.RemoveAll(dir)
	}
	for _, process := range processes {
		stop, pid, err := startCaddy(ctx, fmt.Sprintf("{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\toauth2 {\n\t\t%s\n\t}\n}\n%s", process[0], process[1]))
		if err != nil {
			d.stop()
			return nil, nil, err
		}
		stops = append(stops, stop)
		d.pid = pid // the server's is the last
	}
	tokens := make([]string, keysTokens)
	for i := range tokens {
		if tokens[i], err = from.token(from.key, keysAudience); err != nil {
			d.stop()
			return nil, nil, err
		}
	}
	return &load{
		client: newClient(), url: fmt.Sprintf("http://localhost:%d/", ports[1]), tokens: tokens, want: http.StatusOK, rate: keysRate, clock: now,
	}, d, nil
}

// everybody comes and signs in, and it says how long each took.
func (d *desk) everybody(ctx context.Context) ([]time.Duration, error) {
	start, times := now(), make([]time.Duration, signInCount)
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	for n := range times {
		group.Go(func() {
			began := start.Add(time.Duration(n) * signInArrival / time.Duration(signInCount))
			if err := waitUntil(ctx, began, now); err != nil {
				failure.CompareAndSwap(nil, &err)
				return
			}
			if err := d.person(ctx, fmt.Sprintf("user%d", n)); err != nil {
				failure.CompareAndSwap(nil, &err)
			}
			times[n] = now().Sub(began)
		})
	}
	group.Wait()
	if failed := failure.Load(); failed != nil {
		return nil, *failed
	}
	return times, nil
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// person opens the sign-in page, fills it in and sends it, and comes back for as
// long as the server is too busy.
func (d *desk) person(ctx context.Context, name string) error {
	client := newClient()
	client.Timeout = time.Minute
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer client.CloseIdleConnections()
	page := d.issuer + "/login?" + url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {grantRedirect}, "scope": {"read"}, "state": {"state"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
	got, err := send(ctx, client, http.MethodGet, page, nil, nil)
	if err != nil {
		return err
	}
	token := formToken.FindSubmatch(got.body)
	if token == nil {
		return fmt.Errorf("the sign-in page has no form: %d", got.status)
	}
	form, cookies := url.Values{"form_token": {string(token[1])}, "username": {name}, "password": {signInPassword}}, got.cookies
	for {
		if got, err = send(ctx, client, http.MethodPost, page, strings.NewReader(form.Encode()), cookies); err != nil {
			return err
		}
		switch got.status {
		case http.StatusSeeOther:
			return nil
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			d.told.Add(1)
			// People do not come back in one instant.
			pause := got.retryAfter + time.Duration(hash(name)%5000)*time.Millisecond
			if err := waitUntil(ctx, now().Add(pause), now); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the sign-in of %s was answered %d", name, got.status)
		}
	}
}

func hash(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum32()
}

// shown is a page that a person was sent.
type shown struct {
	status     int
	body       []byte
	cookies    []*http.Cookie
	retryAfter time.Duration
}

func send(ctx context.Context, client *http.Client, method, page string, body io.Reader, cookies []*http.Cookie) (shown, error) {
	request, err := http.NewRequestWithContext(ctx, method, page, body)
	if err != nil {
		return shown{}, err
	}
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, cookie := range cookies {
		request.AddCookie(cookie)
	}
	response, err := client.Do(request)
	if err != nil {
		return shown{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // none is 0
	return shown{response.StatusCode, text, response.Cookies(), time.Duration(seconds) * time.Second}, err
}

// residentMemory is what a process holds, in bytes.
func residentMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("the memory of a process is read from /proc: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, errors.New("/proc/PID/statm is not as expected")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
