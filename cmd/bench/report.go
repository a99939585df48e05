package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report is what an experiment measured.
type report struct {
	Name     string `json:"name"`
	Question string `json:"question"`
	// Tables compare contenders.
	Tables []table `json:"tables,omitempty"`
	// Phases are in the order in which they ran.
	Phases []phase `json:"phases,omitempty"`
	// Noise is the largest ratio between two p99 of quiet phases: a ratio below
	// it says nothing. 0 where there are tables, in which a row has the noise.
	Noise float64 `json:"noise,omitempty"`
	// Notes are what stands in no table and no phase.
	Notes []string `json:"notes,omitempty"`
}

// phase is one stretch of load.
type phase struct {
	Name     string        `json:"name"`
	Requests int           `json:"requests"`
	P50      time.Duration `json:"p50_ns"`
	P99      time.Duration `json:"p99_ns"`
	// Ratio is P99 over that of the quiet phase before; 0 for quiet phases.
	Ratio float64 `json:"p99_ratio,omitempty"`
}

func (r report) print(to io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(to).Encode(r)
	}
	fmt.Fprintf(to, "%s: %s\n\n", r.Name, r.Question)
	for _, t := range r.Tables {
		if err := t.print(to); err != nil {
			return err
		}
	}
	if len(r.Phases) > 0 {
		if err := r.printPhases(to); err != nil {
			return err
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintln(to, note)
	}
	_, err := fmt.Fprintln(to)
	return err
}

func (r report) printPhases(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "phase\trequests\tp50\tp99\tp99 ÷ quiet\t")
	for _, p := range r.Phases {
		ratio := "floor"
		if p.Ratio != 0 {
			ratio = fmt.Sprintf("%.2f", p.Ratio)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t\n", p.Name, p.Requests, p.P50.Round(time.Microsecond), p.P99.Round(time.Microsecond), ratio)
	}
	fmt.Fprintf(table, "\nnoise: quiet phases differ by a factor of %.2f\n", r.Noise)
	return table.Flush()
}
