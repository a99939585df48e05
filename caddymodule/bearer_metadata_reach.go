package caddymodule

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// RFC 9728 §3.1

// warnHiddenMetadata names the documents that challenges lead to and that no
// request can reach, because the bearer_auth that publishes them stands behind
// a path matcher. It only knows those on the way, and says nothing when in doubt.
func warnHiddenMetadata(ctx caddy.Context, log *slog.Logger) {
	app, err := ctx.AppIfConfigured("http")
	if err != nil {
		return
	}
	sites, ok := app.(*caddyhttp.App)
	if !ok {
		return
	}
	reached := map[string]bool{}
	for _, server := range sites.Servers {
		findMetadata(server.Routes, nil, reached)
	}
	for _, path := range slices.Sorted(maps.Keys(reached)) {
		if !reached[path] {
			log.Warn("clients are told of metadata that they cannot reach: its bearer_auth stands where a path matcher does not let its path through; "+
				"let a bearer_auth with the same resource stand at this path too", "path", path)
		}
	}
}

// findMetadata notes for each document in some routes, and in those within, whether
// the path matchers on the way let its path through.
func findMetadata(routes caddyhttp.RouteList, way []caddyhttp.MatcherSets, reached map[string]bool) {
	for _, route := range routes {
		way := append(slices.Clip(way), route.MatcherSets)
		for _, handler := range route.Handlers {
			switch h := handler.(type) {
			case *caddyhttp.Subroute:
				findMetadata(h.Routes, way, reached)
			case *BearerAuth:
				if h.metadata != nil {
					path := h.metadata.path
					reached[path] = reached[path] || letThrough(way, path)
				}
			}
		}
	}
}

// letThrough says whether path matchers let a path through.
func letThrough(way []caddyhttp.MatcherSets, path string) bool {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return true
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, nil)
	for _, sets := range way {
		if len(sets) > 0 && !slices.ContainsFunc(sets, func(set caddyhttp.MatcherSet) bool { return pathMatches(set, r) }) {
			return false
		}
	}
	return true
}

// pathMatches judges by the path matchers of a set alone.
func pathMatches(set caddyhttp.MatcherSet, r *http.Request) bool {
	for _, matcher := range set {
		if paths, ok := matcher.(*caddyhttp.MatchPath); ok {
			if match, err := paths.MatchWithError(r); err == nil && !match {
				return false
			}
		}
	}
	return true
}
