package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	keysAudience = "https://api.bench"
	keysRate     = 500
	keysTokens   = 200
	floodRate    = 500
	floodTokens  = 2000
)

// faults are the ways in which a key endpoint fails.
var faults = []struct {
	name   string
	answer http.HandlerFunc
}{
	{"500", status(http.StatusInternalServerError)},
	{"404", status(http.StatusNotFound)},
	{"204", status(http.StatusNoContent)},
	{"hung", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	{"10 MB", document("application/json", `{"keys":[],"padding":"`+strings.Repeat("x", 10<<20)+`"}`)},
	{"HTML", document("text/html", "<h1>It works</h1>")},
	{"no keys", document("application/json", `{"keys":[]}`)},
	{"wrong type", document("application/json", `[]`)},
	{"truncated", document("application/json", `{"keys":[{"kty":"EC",`)},
	{"gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		document("application/json", "\x1f\x8b")(w, r)
	}},
	{"redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
	}},
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func document(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}
}

// measureKeys sends valid traffic while the key endpoint fails in each way and a
// stranger sends tokens of unknown keys, each phase after a quiet one.
func measureKeys(ctx context.Context, each time.Duration) (report, error) {
	from, err := newIssuer()
	if err != nil {
		return report{}, err
	}
	valid, flood, stop, err := startKeys(ctx, from)
	if err != nil {
		return report{}, err
	}
	defer stop()
	if _, err := valid.run(ctx, time.Second); err != nil { // warms up
		return report{}, err
	}
	var r report
	var quietest, loudest time.Duration
	measure := func(name string, fault *http.HandlerFunc, disturb bool) error {
		quiet, err := valid.run(ctx, each)
		if err != nil {
			return fmt.Errorf("quiet: %w", err)
		}
		r.Phases = append(r.Phases, summed("quiet", quiet))
		floor := r.Phases[len(r.Phases)-1].P99
		if quietest == 0 || floor < quietest {
			quietest = floor
		}
		loudest = max(loudest, floor)

		from.fault.Store(fault)
		defer from.fault.Store(nil)
		background, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if disturb {
				_, _ = flood.run(background, 2*each)
			}
		}()
		latencies, err := valid.run(ctx, each)
		cancel()
		<-ended
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		measured := summed(name, latencies)
		measured.Ratio = float64(measured.P99) / float64(floor)
		r.Phases = append(r.Phases, measured)
		return nil
	}
	fetches := from.fetches.Load()
	began := now()
	for _, f := range faults {
		// The stranger's tokens make the gateway ask for keys.
		if err := measure(f.name+" and unknown keys", &f.answer, true); err != nil {
			return report{}, err
		}
	}
	if err := measure("unknown keys", nil, true); err != nil {
		return report{}, err
	}
	r.Noise = float64(loudest) / float64(quietest)
	r.Notes = []string{fmt.Sprintf("%d valid requests a second, %d of unknown keys; %d fetches of the keys in %s",
		keysRate, floodRate, from.fetches.Load()-fetches, now().Sub(began).Round(time.Second))}
	return r, nil
}

// startKeys starts the gateway, and makes the loads of good tokens and of tokens
// whose keys nobody knows.
func startKeys(ctx context.Context, from *issuer) (valid, flood *load, stop func(), err error) {
	port, err := freePort()
	if err != nil {
		return nil, nil, nil, err
	}
	upstream, err := listen(document("text/plain", "ok"))
	if err != nil {
		return nil, nil, nil, err
	}
	sign := func(count int, kid func(n int) string) ([]string, error) {
		tokens := []string{}
		for n := range count {
			key := from.key
			if name := kid(n); name != "" {
				if key, err = key.Clone(); err != nil {
					return nil, err
				}
				if err := key.Set("kid", name); err != nil {
					return nil, err
				}
			}
			token, err := from.token(key, keysAudience)
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, token)
		}
		return tokens, nil
	}
	good, err := sign(keysTokens, func(int) string { return "" })
	if err != nil {
		return nil, nil, nil, err
	}
	unknown, err := sign(floodTokens, func(n int) string { return fmt.Sprintf("unknown-%d", n) })
	if err != nil {
		return nil, nil, nil, err
	}
	stop, _, err = startCaddy(ctx, fmt.Sprintf(`{
	admin off
	default_bind 127.0.0.1
}
http://localhost:%d {
	bearer_auth %s {
		audience %s
	}
	reverse_proxy %s
}
`, port, from.url, keysAudience, upstream))
	if err != nil {
		return nil, nil, nil, err
	}
	url := fmt.Sprintf("http://localhost:%d/", port)
	valid = &load{client: newClient(), url: url, tokens: good, want: http.StatusOK, rate: keysRate, clock: now}
	flood = &load{client: newClient(), url: url, tokens: unknown, rate: floodRate, clock: now}
	return valid, flood, stop, nil
}
