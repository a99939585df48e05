package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// row is what a contender came to: medians over the rounds. Ratios are to its
// floor, of samples of one round each, so that a machine that is slow for a while
// is so for both.
type row struct {
	Name      string        `json:"name"`
	PerSecond float64       `json:"per_second"`
	P50       time.Duration `json:"p50_ns"`
	P99       time.Duration `json:"p99_ns"`
	CPU       time.Duration `json:"cpu_per_request_ns"`
	Memory    int64         `json:"memory_bytes"`
	// Floor is the row that the ratios are to; "" for a floor itself.
	Floor      string  `json:"floor,omitempty"`
	Throughput float64 `json:"throughput_ratio,omitempty"`
	CPURatio   float64 `json:"cpu_ratio,omitempty"`
	P99Ratio   float64 `json:"p99_ratio,omitempty"`
	// AddedCPU and AddedP50 are above the floor, a request.
	AddedCPU time.Duration `json:"added_cpu_ns,omitempty"`
	AddedP50 time.Duration `json:"added_p50_ns,omitempty"`
}

func rowsOf(contenders []*contender, samples map[string][]sample) []row {
	rows := make([]row, 0, len(contenders))
	for _, c := range contenders {
		own, floor := samples[c.name], samples[c.floor]
		r := row{
			Name: c.name, Floor: c.floor,
			PerSecond: middle(own, func(s sample) float64 { return s.perSecond }),
			P50:       middle(own, func(s sample) time.Duration { return s.p50 }),
			P99:       middle(own, func(s sample) time.Duration { return s.p99 }),
			CPU:       middle(own, func(s sample) time.Duration { return s.cpu }),
			Memory:    middle(own, func(s sample) int64 { return s.memory }),
		}
		if c.floor != "" {
			r.Throughput = inRound(own, floor, func(s, f sample) float64 { return s.perSecond / f.perSecond })
			r.CPURatio = inRound(own, floor, func(s, f sample) float64 { return float64(s.cpu) / float64(max(f.cpu, 1)) })
			r.P99Ratio = inRound(own, floor, func(s, f sample) float64 { return float64(s.p99) / float64(max(f.p99, 1)) })
			r.AddedCPU = inRound(own, floor, func(s, f sample) time.Duration { return s.cpu - f.cpu })
			r.AddedP50 = inRound(own, floor, func(s, f sample) time.Duration { return s.p50 - f.p50 })
		}
		rows = append(rows, r)
	}
	return rows
}

func middle[T float64 | time.Duration | int64](samples []sample, of func(sample) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	return median(values)
}

func inRound[T float64 | time.Duration | int64](own, floor []sample, of func(own, floor sample) T) T {
	values := make([]T, len(own))
	for i := range own {
		values[i] = of(own[i], floor[i])
	}
	return median(values)
}

// table is some rows, under a title.
type table struct {
	Title string `json:"title"`
	Rows  []row  `json:"rows"`
}

func (t table) print(to io.Writer) error {
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%s\n\n", t.Title)
	fmt.Fprintln(out, "\trequests/s\tp50\tp99\tCPU/request\tmemory\t÷ floor: throughput\tCPU\tp99\tadded: CPU\tp50\t")
	for _, r := range t.Rows {
		ratios := "floor\t\t\t\t"
		if r.Floor != "" {
			ratios = fmt.Sprintf("%.3f\t%.3f\t%.2f\t%s\t%s", r.Throughput, r.CPURatio, r.P99Ratio, tenths(r.AddedCPU), tenths(r.AddedP50))
		}
		fmt.Fprintf(out, "%s\t%.0f\t%s\t%s\t%s\t%d MB\t%s\t\n", r.Name, r.PerSecond, tenths(r.P50), tenths(r.P99), tenths(r.CPU), r.Memory>>20, ratios)
	}
	fmt.Fprintln(out)
	return out.Flush()
}

// tenths is a time to a tenth of a microsecond.
func tenths(d time.Duration) string {
	return fmt.Sprintf("%.1fµs", float64(d)/float64(time.Microsecond))
}
