package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the caddy that it measures, as main does.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "caddy" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestEveryExperimentMeasuresAndChecksItsAnswers(t *testing.T) {
	// The warm-up of a round takes a good part of so few tokens and codes.
	grantCount, signInCount, roundCount, manyTokens, perRound, codesPerRound = 1000, 20, 2, 50, 500, 500
	growthIssuers, growthRules, growthClients, growthTokens = 5, 20, 20, 300
	for _, e := range experiments {
		measured, err := e.run(t.Context(), 100*time.Millisecond)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		if len(measured.Tables) == 0 && (len(measured.Phases) == 0 || measured.Noise < 1) {
			t.Errorf("%s measured nothing: %+v", e.name, measured)
		}
		for _, table := range measured.Tables {
			for _, r := range table.Rows {
				if r.PerSecond <= 0 || r.P50 <= 0 || r.P99 < r.P50 || r.Memory == 0 || (r.Floor != "") != (r.Throughput > 0) {
					t.Errorf("%s: %s: %+v", e.name, table.Title, r)
				}
			}
		}
		for _, p := range measured.Phases {
			if p.Requests == 0 || p.P50 <= 0 || p.P99 < p.P50 {
				t.Errorf("%s: %+v", e.name, p)
			}
		}
	}
}

func TestAWrongAnswerIsAFailure(t *testing.T) {
	address, err := listen(status(401))
	if err != nil {
		t.Fatal(err)
	}
	wrong := load{client: newClient(), url: "http://" + address, tokens: []string{"t"}, want: 200, rate: 100, clock: now}
	if _, err := wrong.run(t.Context(), 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "answered 401, want 200") {
		t.Errorf("got %v", err)
	}
}

func TestAnUnknownExperimentIsAnError(t *testing.T) {
	if err := run(t.Context(), []string{"-only", "nothing"}); err == nil || !strings.Contains(err.Error(), "keys") {
		t.Errorf("got %v", err)
	}
}
