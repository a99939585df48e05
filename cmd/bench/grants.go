package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// grantCount is how many grants the full database has.
var grantCount = 5_000_000

const (
	// grantWorkers use the server at once, each in turn with its own families.
	grantWorkers = 8
	// grantRefreshes is how often a family is refreshed before a new one begins.
	grantRefreshes = 4
	// grantPairs is how often the empty and the full database are compared.
	grantPairs = 3
)

// measureGrants compares a server on an empty database with one whose database
// has millions of grants: for each engine that there is, in turns in one run.
func measureGrants(ctx context.Context, each time.Duration) (report, error) {
	var r report
	for _, engine := range engines {
		if err := compareGrants(ctx, engine, each, &r); err != nil {
			return report{}, fmt.Errorf("%s: %w", engine.name, err)
		}
	}
	return r, nil
}

func compareGrants(ctx context.Context, engine engine, each time.Duration, r *report) error {
	empty, full, stop, why, err := engine.start(ctx)
	if why != "" {
		r.Notes = append(r.Notes, engine.name+" was not measured: "+why)
		return nil
	}
	if err != nil {
		return err
	}
	defer stop()
	began := now()
	if err := full.fill(ctx, grantCount); err != nil {
		return fmt.Errorf("filling the database: %w", err)
	}
	r.Notes = append(r.Notes, fmt.Sprintf("%s: %d grants made in %s, a tenth of them expired", engine.name, grantCount, now().Sub(began).Round(time.Second)))
	servers := make([]*server, 2)
	for i, db := range []database{empty, full} {
		if servers[i], err = restartServer(ctx, db.storage); err != nil {
			return err
		}
		defer servers[i].stop()
	}
	before, err := full.expired(ctx)
	if err != nil {
		return err
	}
	purging := now()
	var all [2]timings
	var quiets []timings
	for range grantPairs {
		var round [2]timings
		for i, s := range servers {
			if round[i], err = s.run(ctx, each); err != nil {
				return err
			}
			all[i].exchange = append(all[i].exchange, round[i].exchange...)
			all[i].refresh = append(all[i].refresh, round[i].refresh...)
		}
		quiets = append(quiets, round[0])
	}
	after, err := full.expired(ctx)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		of   func(timings) []time.Duration
	}{
		{"code exchange", func(t timings) []time.Duration { return t.exchange }},
		{"refresh", func(t timings) []time.Duration { return t.refresh }},
	} {
		floor, loaded := step.of(all[0]), step.of(all[1])
		if len(floor) == 0 || len(loaded) == 0 {
			return fmt.Errorf("no %s was done", step.name)
		}
		slices.Sort(floor)
		slices.Sort(loaded)
		r.Noise = max(r.Noise, spread(quiets, step.of))
		quiet := summed(engine.name+", "+step.name+", empty", floor)
		measured := summed(fmt.Sprintf("%s, %s, %d grants", engine.name, step.name, grantCount), loaded)
		measured.Ratio = float64(measured.P99) / float64(quiet.P99)
		r.Phases = append(r.Phases, quiet, measured)
		r.Notes = append(r.Notes, fmt.Sprintf("%s, %s: median %.2f, 99th percentile %.2f of that of an empty database",
			engine.name, step.name, float64(measured.P50)/float64(quiet.P50), measured.Ratio))
	}
	r.Notes = append(r.Notes, fmt.Sprintf("%s: %d of %d expired grants were deleted meanwhile, in %s",
		engine.name, before-after, before, now().Sub(purging).Round(time.Second)))
	for i, on := range []string{"an empty database", fmt.Sprintf("%d grants", grantCount)} {
		resident, err := residentMemory(servers[i].pid)
		if err != nil {
			return err
		}
		r.Notes = append(r.Notes, fmt.Sprintf("%s, %s: its user was signed in %s after a restart; memory at the end %d MB",
			engine.name, on, servers[i].ready.Round(time.Millisecond), resident>>20))
	}
	return nil
}

// spread is the largest ratio between the p99 of a step in two rounds that have
// nothing to tell them apart.
func spread(rounds []timings, of func(timings) []time.Duration) float64 {
	var p99s []time.Duration
	for _, round := range rounds {
		if took := slices.Sorted(slices.Values(of(round))); len(took) > 0 {
			p99s = append(p99s, summed("", took).P99)
		}
	}
	return float64(slices.Max(p99s)) / float64(slices.Min(p99s))
}

// timings are how long steps took.
type timings struct{ exchange, refresh []time.Duration }

// run uses the server for as long as each: families begin with a code and are
// refreshed a few times.
func (s *server) run(ctx context.Context, each time.Duration) (timings, error) {
	deadline := now().Add(each)
	var mu sync.Mutex
	var all timings
	var failure error
	var group sync.WaitGroup
	for range grantWorkers {
		group.Go(func() {
			var own timings
			err := s.families(ctx, deadline, &own)
			mu.Lock()
			defer mu.Unlock()
			all.exchange = append(all.exchange, own.exchange...)
			all.refresh = append(all.refresh, own.refresh...)
			if err != nil && failure == nil {
				failure = err
			}
		})
	}
	group.Wait()
	return all, failure
}

func (s *server) families(ctx context.Context, deadline time.Time, t *timings) error {
	timed := func(kept *[]time.Duration, form map[string]string) (refresh string, err error) {
		began := now()
		_, refresh, err = s.token(ctx, form)
		*kept = append(*kept, now().Sub(began))
		return refresh, err
	}
	// At least one family, however short the time.
	for first := true; first || now().Before(deadline); first = false {
		code, err := s.code(ctx, "read")
		if err != nil {
			return err
		}
		refresh, err := timed(&t.exchange, map[string]string{
			"grant_type": "authorization_code", "code": code, "redirect_uri": grantRedirect,
		})
		for range grantRefreshes {
			if err != nil {
				return err
			}
			refresh, err = timed(&t.refresh, map[string]string{"grant_type": "refresh_token", "refresh_token": refresh})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
