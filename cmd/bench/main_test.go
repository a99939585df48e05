package main

import (
	"io"
	"net/http"
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
	growthIssuers, growthRules, growthClients, growthTokens, growthProbe = 5, 20, 20, 600, 100
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

// A fast request that is answered wrongly counts for nothing.
func TestAnAnswerThatIsNotWantedEndsTheRun(t *testing.T) {
	address, err := listen(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"active":false}`)) }))
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		want wanted
		err  string
	}{
		"as wanted":      {wanted{http.StatusOK, `"active":`}, ""},
		"another status": {wanted{http.StatusUnauthorized, ""}, "answered 200, want 401"},
		"another body":   {active, `answered 200, want 200 with "\"active\":true": {"active":false}`},
	} {
		c := &contender{name: name, address: address, pid: os.Getpid()}
		c.sends(row.want, wireGet("/", ""))
		_, _, err := c.load(t.Context(), 10*time.Millisecond, 2, 0)
		if (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("%s: %v, want %q", name, err, row.err)
		}
	}
}

func TestTheSpreadOfRounds(t *testing.T) {
	rounds := []timings{{refresh: []time.Duration{3, 1, 2}}, {}, {refresh: []time.Duration{6, 6}}, {refresh: []time.Duration{4, 4}}}
	if got := spread(rounds, func(t timings) []time.Duration { return t.refresh }); got != 3 {
		t.Errorf("%v, want 3", got)
	}
}

// What the upstream is told of shows that the token was looked at and kept.
func TestTheUpstreamOfTheBenchSeesWhatItIsTold(t *testing.T) {
	g, err := newGateways()
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		header http.Header
		want   wanted
	}{
		"nothing":             {http.Header{}, told("")},
		"a token alone":       {http.Header{"Authorization": {"Bearer x"}}, told("")},
		"a subject":           {http.Header{"X-Auth-Subject": {tokenSubject}}, told(tokenSubject)},
		"a subject and token": {http.Header{"X-Auth-Subject": {tokenSubject}, "Authorization": {"Bearer x"}}, wanted{http.StatusInternalServerError, "forwarded"}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.upstream, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = row.header
		response, err := newClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || row.want.check(response.StatusCode, body) != nil {
			t.Errorf("%s: %d %s (%v)", name, response.StatusCode, body, err)
		}
	}
}

func TestAnUnknownExperimentIsAnError(t *testing.T) {
	if err := run(t.Context(), []string{"-only", "nothing"}); err == nil || !strings.Contains(err.Error(), "keys") {
		t.Errorf("got %v", err)
	}
}
