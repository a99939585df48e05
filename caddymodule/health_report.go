package caddymodule

import "context"

const (
	healthOK          = "ok"
	healthUnavailable = "unavailable"
)

// healthReport is what is told of a node.
type healthReport struct {
	// Status is `ok`, or `unavailable` when a check is not.
	Status string `json:"status"`

	// Checks say `ok`, or in a few words what is not.
	Checks map[string]string `json:"checks,omitempty"`

	// Information is for people; nothing here takes a node out of a balancer.
	Information *healthInformation `json:"information,omitempty"`
}

// healthInformation is what does not concern this node alone, or not now.
type healthInformation struct {
	// IssuersReady counts the foreign issuers whose tokens can be verified now.
	IssuersReady int `json:"issuers_ready"`

	// IssuersNotReady counts those whose tokens cannot.
	IssuersNotReady int `json:"issuers_not_ready"`

	// Clock is `ok`, or `astray` when it is not where the store and the other nodes
	// know it to be.
	Clock string `json:"clock,omitempty"`

	// Deletions is `ok`, or `behind` when more expires than is deleted.
	Deletions string `json:"deletions,omitempty"`
}

// set notes a check.
func (r *healthReport) set(check string, good bool, otherwise string) {
	if good {
		otherwise = healthOK
	} else {
		r.Status = healthUnavailable
	}
	r.Checks[check] = otherwise
}

// health looks at what a check needs.
func (a *App) health(ctx context.Context, check string, shuttingDown bool) healthReport {
	report := healthReport{Status: healthOK, Checks: map[string]string{}, Information: new(healthInformation)}
	report.set("shutdown", !shuttingDown, "shutting down")
	for _, issuer := range issuerStatuses() {
		if issuer.Ready {
			report.Information.IssuersReady++
		} else {
			report.Information.IssuersNotReady++
		}
	}
	if a.backend != nil {
		a.backendHealth(ctx, check == healthReady, &report)
	}
	return report
}

// backendHealth looks at what stands on the store. Unless all of it counts, it
// asks the store nothing.
func (a *App) backendHealth(ctx context.Context, all bool, report *healthReport) {
	backend := a.backend.backend.Load()
	if backend == nil || !a.backend.acquire() {
		report.set("store", false, "not open")
		return
	}
	defer a.backend.release()
	if all {
		err := a.backend.probe.ask(ctx, backend.Ping)
		report.set("store", err == nil, "does not answer")
		if err != nil {
			return // the rest might ask it too
		}
	}
	server := a.serving(ctx)
	report.set("keys", server != nil && server.KeysUsable(), "not usable")
	status := backend.Status()
	if all {
		report.set("changes", status.Fresh, "those of other nodes are not read")
	}
	report.Information.Clock, report.Information.Deletions = healthOK, healthOK
	if status.ClockAhead != 0 {
		report.Information.Clock = "astray"
	}
	if status.Backlog {
		report.Information.Deletions = "behind"
	}
}
