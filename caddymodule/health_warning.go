package caddymodule

import (
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// warnAbruptShutdown says that a balancer cannot see a shutdown before it comes.
func warnAbruptShutdown(ctx caddy.Context, log *slog.Logger) {
	app, err := ctx.AppIfConfigured("http")
	if err != nil {
		return
	}
	sites, ok := app.(*caddyhttp.App)
	if !ok || sites.ShutdownDelay > 0 {
		return
	}
	for _, server := range sites.Servers {
		if tellsReadiness(server.Routes) {
			log.Warn("oauth2_health tells a load balancer that this node shuts down, but shutdown_delay is not set: " +
				"requests fail before it has seen that; add the global options `shutdown_delay 10s` and `grace_period 30s`")
			return
		}
	}
}

// tellsReadiness says whether some routes, and those within, have a Health that
// a shutdown changes.
func tellsReadiness(routes caddyhttp.RouteList) bool {
	for _, route := range routes {
		for _, handler := range route.Handlers {
			switch h := handler.(type) {
			case *caddyhttp.Subroute:
				if tellsReadiness(h.Routes) {
					return true
				}
			case *Health:
				if h.Check != healthLive {
					return true
				}
			}
		}
	}
	return false
}
