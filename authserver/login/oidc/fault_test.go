package oidc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/oidc"
)

const discovery = "/.well-known/openid-configuration"

// stuck answers nothing, or begins to, until the caller gives up.
func stuck(begins string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if begins != "" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(begins))
			_ = http.NewResponseController(w).Flush()
		}
		gone(r)
	}
}

// gone waits until the caller is: that is noticed once the body is read.
func gone(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestASlowProviderIsGivenUp(t *testing.T) {
	for _, path := range []string{discovery, "/keys", "/token", "/userinfo"} {
		for _, begins := range []string{"", `{"issuer":`} {
			w := newWorld(t, func(s *oidc.Settings) { s.Timeout = 500 * time.Millisecond })
			w.lie(path, stuck(begins))
			location, kept, err := w.service.Depart(t.Context(), login.Departure{Callback: callback})
			if err == nil {
				_, err = w.service.Arrive(t.Context(), w.authorize(t, location), callback, kept)
			}
			wantFault(t, path+" "+begins, err, "no answer in time")
		}
	}
}

func TestAProviderThatIsDownIsToldOnce(t *testing.T) {
	w := newWorld(t)
	fail := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	w.lie("/token", fail)
	for range 5 {
		_, err := w.signIn(t)
		wantFault(t, "down", err, "closed the connection")
	}
	if lines := w.logged.lines(); len(lines) != 1 || !strings.Contains(lines[0], "level=ERROR") ||
		!strings.Contains(lines[0], "authentication=corp") || !strings.Contains(lines[0], "issuer="+w.URL) {
		t.Errorf("log: %s", strings.Join(lines, "\n"))
	}
	// A user who is refused does not make it work again.
	w.lie("/token", nil)
	location, kept := w.depart(t, login.Departure{})
	answer := w.authorize(t, location)
	answer.Set("code", "x")
	_, err := w.service.Arrive(t.Context(), answer, callback, kept)
	wantRefused(t, "unknown code", err, oidc.ReasonCode)
	for range 2 {
		if _, err := w.signIn(t); err != nil {
			t.Fatal(err)
		}
	}
	if lines := w.logged.lines(); len(lines) != 2 || !strings.Contains(lines[1], "level=INFO") || !strings.Contains(lines[1], "works again") {
		t.Errorf("log: %s", strings.Join(lines, "\n"))
	}
	// One that fails now and then does not fill the log.
	for range 5 {
		w.lie("/token", fail)
		_, _ = w.signIn(t)
		w.lie("/token", nil)
		_, _ = w.signIn(t)
	}
	if lines := w.logged.lines(); len(lines) != 2 {
		t.Errorf("log: %s", strings.Join(lines, "\n"))
	}
}

func TestAWrongSecretIsTheOperators(t *testing.T) {
	w := newWorld(t)
	w.lie("/token", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = rw.Write([]byte(`{"error":"invalid_client","error_description":"s e:cret"}`))
	})
	_, err := w.signIn(t)
	wantFault(t, "wrong secret", err, "see to client_id, client_secret and auth (basic)")
	if strings.Contains(err.Error(), "s e:cret") {
		t.Errorf("a secret is told: %v", err)
	}
}

func TestMetadataIsReadOnceForAll(t *testing.T) {
	w := newWorld(t)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, _, err := w.service.Depart(t.Context(), login.Departure{Callback: callback}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := w.count(discovery); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// A provider that is down is asked now and then, however many want to sign in, and
// what it said before serves for a day.
func TestMetadataServesWhileItCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.lie(discovery, http.NotFound)
	for range 10 {
		_, _, err := w.service.Depart(t.Context(), login.Departure{Callback: callback})
		wantFault(t, "down", err, "404")
	}
	if n := w.count(discovery); n != 1 {
		t.Errorf("%d requests in the same moment", n)
	}
	w.lie(discovery, nil)
	w.clock.advance(5 * time.Second)
	if _, err := w.signIn(t); err != nil {
		t.Fatalf("afterwards: %v", err)
	}
	w.lie(discovery, http.NotFound)
	w.lie("/keys", http.NotFound)
	for range 23 {
		w.clock.advance(time.Hour)
		if _, err := w.signIn(t); err != nil {
			t.Fatalf("inside a day: %v", err)
		}
	}
	w.clock.advance(2 * time.Hour)
	_, _, err := w.service.Depart(t.Context(), login.Departure{Callback: callback})
	wantFault(t, "after a day", err, "404")
}

func TestKeysThatAreReplaced(t *testing.T) {
	w := newWorld(t)
	signIn := func() error {
		_, err := w.signIn(t)
		return err
	}
	if err := signIn(); err != nil {
		t.Fatal(err)
	}
	replace := func(kid string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.key, w.kid = newKey(t), kid
	}
	w.clock.advance(30 * time.Second)
	replace("k2")
	if err := signIn(); err != nil || w.count("/keys") != 2 {
		t.Errorf("a new key: %v, %d requests", err, w.count("/keys"))
	}
	// However many unknown kids there are, there is one request in 30 seconds.
	replace("k3")
	for range 5 {
		wantFault(t, "another so soon", signIn(), `no key "k3"`)
	}
	if n := w.count("/keys"); n != 2 {
		t.Errorf("%d requests", n)
	}
	w.clock.advance(30 * time.Second)
	if err := signIn(); err != nil {
		t.Errorf("30 seconds later: %v", err)
	}
	// A key that is withdrawn counts for an hour at most.
	w.signer = w.key
	replace("k3")
	w.clock.advance(time.Hour)
	wantFault(t, "a key that is withdrawn", signIn(), "signature")
}

// Arrivals that wait for a provider are bounded, and one that leaves makes room.
func TestArrivalsAreBounded(t *testing.T) {
	const most = 64
	w := newWorld(t)
	entered := make(chan struct{}, 2*most)
	w.lie("/token", func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		gone(r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	location, kept := w.depart(t, login.Departure{})
	answer := w.authorize(t, location)
	var wait sync.WaitGroup
	for range most {
		wait.Go(func() { _, _ = w.service.Arrive(ctx, answer, callback, kept) })
	}
	for range most {
		<-entered
	}
	_, err := w.service.Arrive(t.Context(), answer, callback, kept)
	wantFault(t, "one too many", err, "too many")
	cancel()
	wait.Wait()
	w.lie("/token", nil)
	if _, err := w.signIn(t); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if lines := w.logged.lines(); len(lines) != 0 {
		t.Errorf("a browser that left is told as an outage: %s", lines)
	}
}

func TestAS61_StoreFaultIsNoVerdict(t *testing.T) {
	w := newWorld(t)
	w.store.fault = errors.New("disk full")
	_, err := w.signIn(t)
	wantFault(t, "signing in", err, "disk full")
	wantFault(t, "reading the account", account(t.Context(), w, "ann"), "disk full")
}
