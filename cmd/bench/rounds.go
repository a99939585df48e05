package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// roundCount is how often each contender is measured, in turns with the others.
var roundCount = 9

const (
	// roundConnections are open at once: more than enough to keep two cores busy.
	roundConnections = 32
	// warmUp comes before each measured stretch, in parts of it.
	warmUp = 8
	// ticksPerSecond is the unit in which Linux tells of CPU time (USER_HZ): it is
	// 100 wherever Go runs.
	ticksPerSecond = 100
)

// contender is one thing that is measured against others.
type contender struct {
	name string
	// floor is the name of the contender that this one is compared with.
	floor   string
	pid     int
	address string
	// warm are requests that are sent once before the first round: what is then
	// known stays so. nil for none.
	warm caller
	// prepare makes ready what one round uses up; nil for nothing.
	prepare func() error
	// calls makes the caller of a connection.
	calls func(connection int) caller
}

// sample is what one stretch of load came to.
type sample struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server's process, a request
	memory    int64         // bytes (RSS) after it
}

// stretch puts load on a contender for as long as each, over so many connections:
// as fast as it answers, or at a rate (requests a second, all together).
func (c *contender) stretch(ctx context.Context, each time.Duration, connections int, rate float64) (sample, error) {
	if c.prepare != nil {
		if err := c.prepare(); err != nil {
			return sample{}, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if _, _, err := c.load(ctx, each/warmUp, connections, rate); err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	before, err := cpuTime(c.pid)
	if err != nil {
		return sample{}, err
	}
	latencies, took, err := c.load(ctx, each, connections, rate)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	after, err := cpuTime(c.pid)
	if err != nil {
		return sample{}, err
	}
	memory, err := residentMemory(c.pid)
	if err != nil {
		return sample{}, err
	}
	slices.Sort(latencies)
	all := summed(c.name, latencies)
	return sample{
		perSecond: float64(len(latencies)) / took.Seconds(), p50: all.P50, p99: all.P99,
		cpu: (after - before) / time.Duration(len(latencies)), memory: memory,
	}, nil
}

func (c *contender) load(ctx context.Context, each time.Duration, connections int, rate float64) ([]time.Duration, time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var pace time.Duration
	if rate > 0 {
		pace = time.Duration(float64(time.Second) * float64(connections) / rate)
	}
	var mu sync.Mutex
	var all []time.Duration
	var failure error
	var group sync.WaitGroup
	began := now()
	for n := range connections {
		group.Go(func() {
			own, err := drive(ctx, c.address, c.calls(n), began.Add(each), pace)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
			if err != nil && failure == nil {
				failure = err
				cancel()
			}
		})
	}
	group.Wait()
	took := now().Sub(began)
	if failure == nil && len(all) == 0 {
		failure = fmt.Errorf("not one request in %s", each)
	}
	return all, took, failure
}

// measureRounds measures contenders in turns, so that what the machine does
// otherwise meets all of them alike: round by round, and in each second round in
// reverse.
func measureRounds(ctx context.Context, contenders []*contender, each time.Duration, connections int, rate func(*contender) float64) (map[string][]sample, error) {
	for _, c := range contenders {
		if c.warm == nil {
			continue
		}
		if _, err := drive(ctx, c.address, c.warm, now().Add(time.Minute), 0); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		c.warm = nil
	}
	samples := map[string][]sample{}
	for n := range roundCount {
		order := slices.Clone(contenders)
		if n%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			got, err := c.stretch(ctx, each, connections, rate(c))
			if err != nil {
				return nil, err
			}
			samples[c.name] = append(samples[c.name], got)
		}
	}
	return samples, nil
}

// atFull is the rate of a load that goes as fast as it is answered.
func atFull(*contender) float64 { return 0 }

// cpuTime is what a process has used of the processors so far.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("the CPU time of a process is read from /proc: %w", err)
	}
	// The second field is the name, which may have spaces, in parentheses.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is not as expected", pid)
	}
	ticks := 0
	for _, field := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// median of values, which are not changed.
func median[T float64 | time.Duration | int64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
