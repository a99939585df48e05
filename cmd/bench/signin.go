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

// signInCount is how many people sign in at once.
var signInCount = 1000

const signInPassword = "correct horse battery"

// measureSignIns sends valid traffic through a gateway while people sign in at the
// server in the same process, each with a browser of their own, and looks at the
// memory of that process. Who is told to come back does.
func measureSignIns(ctx context.Context, each time.Duration) (report, error) {
	from, err := newIssuer()
	if err != nil {
		return report{}, err
	}
	valid, desk, err := startSignIns(ctx, from)
	if err != nil {
		return report{}, err
	}
	defer desk.stop()
	if _, err := valid.run(ctx, time.Second); err != nil { // warms up
		return report{}, err
	}
	floor, err := valid.run(ctx, max(each, time.Second))
	if err != nil {
		return report{}, err
	}
	quiet := summed("quiet", floor)
	before, err := residentMemory(desk.pid)
	if err != nil {
		return report{}, err
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
			return report{}, fmt.Errorf("while people sign in: %w", err)
		}
		during = append(during, latencies...)
		resident, err := residentMemory(desk.pid)
		if err != nil {
			return report{}, err
		}
		peak = max(peak, resident)
		select {
		case err := <-signingIn:
			if err != nil {
				return report{}, err
			}
			done = true
		default:
		}
	}
	took := now().Sub(began)
	slices.Sort(during)
	slices.Sort(times)
	measured := summed(fmt.Sprintf("while %d people sign in", signInCount), during)
	measured.Ratio = float64(measured.P99) / float64(quiet.P99)
	return report{
		Phases: []phase{quiet, measured, summed("a sign-in, waiting included", times)},
		Noise:  1,
		Notes: []string{
			fmt.Sprintf("all signed in after %s, having been told to come back %d times; %d valid requests a second beside", took.Round(time.Second), desk.told.Load(), valid.rate),
			fmt.Sprintf("memory of the process (RSS): %d MB before, %d MB at most", before>>20, peak>>20),
		},
	}, nil
}

// desk is where people sign in.
type desk struct {
	issuer string
	pid    int
	stop   func()
	told   atomic.Int64 // to come back later
}

func startSignIns(ctx context.Context, from *issuer) (*load, *desk, error) {
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
	end, pid, err := startCaddy(ctx, fmt.Sprintf(`{
	admin off
	default_bind 127.0.0.1
	oauth2 {
		issuer bench %s
		realm / {
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
		}
	}
}
http://localhost:%d {
	oauth2_server
}
http://localhost:%d {
	bearer_auth bench {
		audience %s
	}
	respond ok
}
`, from.url, d.issuer, path, grantRedirect, ports[0], ports[1], keysAudience))
	if err != nil {
		return nil, nil, err
	}
	d.pid = pid
	d.stop = func() {
		end()
		_ = os.RemoveAll(dir)
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

// everybody signs in at once, and it says how long each took.
func (d *desk) everybody(ctx context.Context) ([]time.Duration, error) {
	times := make([]time.Duration, signInCount)
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	for n := range times {
		group.Go(func() {
			began := now()
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
