package caddymodule

import "github.com/prometheus/client_golang/prometheus"

var (
	auditLostTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "audit_records_lost_total",
		Help: "Audit records that the store was to keep and could not be given. The log has them.",
	})

	auditWaiting = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "audit_records_waiting",
		Help: "Audit records that wait for the store. While it can be written to, they wait less than a second.",
	}, waitingRecords)
)

// waitingRecords counts what the open stores have not been given yet.
func waitingRecords() float64 {
	backends.Lock()
	defer backends.Unlock()
	total := 0
	for _, pooled := range backends.open {
		if backend := pooled.backend.Load(); backend != nil {
			total += backend.Audit().Waiting()
		}
	}
	return float64(total)
}
