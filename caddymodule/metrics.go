package caddymodule

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// issuerNone is the label of a request whose issuer is not known.
const issuerNone = "none"

// The collectors are made once per process and registered in the registry of
// every configuration, because Caddy makes a new registry on each reload and
// counters must not start again. Labels come from closed sets: names in the
// configuration and words in this source.
var (
	requestsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "requests_total",
		Help: "Requests that bearer_auth decided on, by issuer, decision and reason.",
	}, []string{"issuer", "decision", "reason"})

	tokensTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "tokens_total",
		Help: "Answers that give or refuse tokens, by realm, grant type and result.",
	}, []string{"realm", "grant", "result"})

	logoutsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "logout_notifications_total",
		Help: "Attempts to tell clients of sign-outs, by realm and result.",
	}, []string{"realm", "result"})

	keyFetchesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "key_fetches_total",
		Help: "Fetches of metadata and keys of foreign issuers, by issuer and result.",
	}, []string{"issuer", "result"})

	introspectionSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "introspection_seconds",
		Help:    "Time that calls to introspection endpoints took, by issuer and result.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"issuer", "result"})

	cacheLookupsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "cache_lookups_total",
		Help: "Valid access tokens, by whether the verdict came from the cache: hit or miss.",
	}, []string{"result"})

	streamsCutTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "streams_cut_total",
		Help: "Answers that bearer_auth cut because their token was no longer good, by reason.",
	}, []string{"reason"})

	securityEventsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "security_events_total",
		Help: "Security events, by realm and event. Those of no realm are what operators do.",
	}, []string{"realm", "event"})

	issuerGauges = newIssuersCollector(issuerStatuses)
	cacheGauges  = newCacheCollector()

	cacheHits, cacheMisses = cacheLookupsTotal.WithLabelValues("hit"), cacheLookupsTotal.WithLabelValues("miss")
)

// registerMetrics puts the collectors into the registry of a configuration.
// Every module that provisions calls it; the first one registers.
func registerMetrics(registry *prometheus.Registry) error {
	for _, collector := range []prometheus.Collector{
		requestsTotal, tokensTotal, logoutsTotal, keyFetchesTotal, introspectionSeconds, cacheLookupsTotal, streamsCutTotal, securityEventsTotal, attemptsLimitedTotal,
		issuerGauges, cacheGauges, storeErrorsTotal, storeGauges, auditLostTotal, auditWaiting,
	} {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(collector); err != nil && !errors.As(err, &already) {
			return err
		}
	}
	return nil
}

// issuerLabel is the label of an issuer's name in the configuration.
func issuerLabel(name string) string {
	if name == "" {
		return issuerNone
	}
	return name
}

// countFromZero makes the series of a route that alerts watch. Prometheus sees no
// increase in a series that begins with 1, and so would miss the first.
//
// It gives the counters of requests with a good token, by issuer: nearly all
// requests are counted there, and need not look for their counter.
func countFromZero(issuers []introspect.Issuer) (allowed map[string]prometheus.Counter) {
	requestsTotal.WithLabelValues(issuerNone, decisionRefused, reasonPanic)
	allowed = make(map[string]prometheus.Counter, len(issuers))
	for i := range issuers {
		issuer := issuerLabel(issuers[i].Name)
		requestsTotal.WithLabelValues(issuer, decisionRefused, reasonUnavailable)
		allowed[issuer] = requestsTotal.WithLabelValues(issuer, decisionAllowed, reasonNone)
	}
	return allowed
}

// count counts one request that bearer_auth decided on.
func (b *BearerAuth) count(v verdict) {
	decision := v.decision()
	if counter := b.allowed[v.issuer]; counter != nil && decision == decisionAllowed {
		counter.Inc()
		return
	}
	requestsTotal.WithLabelValues(v.issuer, decision, v.reason()).Inc()
}

// tokenAnswered counts one answer of the authorization server that gives or
// refuses tokens.
func tokenAnswered(realm, grant, result string) {
	tokensTotal.WithLabelValues(realm, grant, result).Inc()
}

// cacheLookup counts where the verdict on a valid token came from.
func cacheLookup(hit bool) {
	if hit {
		cacheHits.Inc()
	} else {
		cacheMisses.Inc()
	}
}

// issuerObserver counts what foreign issuers are asked for.
type issuerObserver struct{}

// KeysFetched implements introspect.Observer.
func (issuerObserver) KeysFetched(issuer, result string) {
	keyFetchesTotal.WithLabelValues(issuer, result).Inc()
}

// Introspected implements introspect.Observer.
func (issuerObserver) Introspected(issuer, result string, took time.Duration) {
	introspectionSeconds.WithLabelValues(issuer, result).Observe(took.Seconds())
}
