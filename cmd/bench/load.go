package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is steady traffic: requests start at a fixed rate, whatever the answers
// take, so that a stall shows as latency and not as fewer requests.
type load struct {
	client *http.Client
	url    string
	// tokens are used in turn; each answer must have the wanted status.
	tokens []string
	want   int
	rate   int // requests a second
	clock  func() time.Time
}

func newClient() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

// run sends requests for as long as each and gives the latencies, sorted.
func (l *load) run(ctx context.Context, each time.Duration) ([]time.Duration, error) {
	total := int(each.Seconds() * float64(l.rate))
	latencies := make([]time.Duration, total)
	interval := time.Second / time.Duration(l.rate)
	began := l.clock()
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	slots := make(chan struct{}, 256) // what a stall may pile up
	for n := range total {
		due := began.Add(time.Duration(n) * interval)
		if err := waitUntil(ctx, due, l.clock); err != nil {
			return nil, err
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := l.send(ctx, l.tokens[n%len(l.tokens)]); err != nil {
				failure.CompareAndSwap(nil, &err)
			}
			latencies[n] = l.clock().Sub(due)
		})
		if failed := failure.Load(); failed != nil {
			break
		}
	}
	group.Wait()
	if failed := failure.Load(); failed != nil {
		return nil, *failed
	}
	slices.Sort(latencies)
	return latencies, nil
}

func (l *load) send(ctx context.Context, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if l.want != 0 && response.StatusCode != l.want {
		return fmt.Errorf("%s answered %d, want %d", l.url, response.StatusCode, l.want)
	}
	return nil
}

func waitUntil(ctx context.Context, due time.Time, clock func() time.Time) error {
	pause := due.Sub(clock())
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// summed makes a phase of sorted latencies.
func summed(name string, latencies []time.Duration) phase {
	at := func(share float64) time.Duration { return latencies[int(share*float64(len(latencies)-1))] }
	return phase{Name: name, Requests: len(latencies), P50: at(.5), P99: at(.99)}
}
