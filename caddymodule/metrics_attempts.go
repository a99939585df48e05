package caddymodule

import "github.com/prometheus/client_golang/prometheus"

var attemptsLimitedTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy", Subsystem: "oauth2", Name: "attempts_limited_total",
	Help: "Tries of passwords and codes that were not looked at because there were too many before them, by realm and kind.",
}, []string{"realm", "kind"})

// attemptLimited counts one try that had to wait.
func attemptLimited(realm, kind string) { attemptsLimitedTotal.WithLabelValues(realm, kind).Inc() }
