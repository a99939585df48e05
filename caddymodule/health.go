package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(new(Health))
	httpcaddyfile.RegisterHandlerDirective("oauth2_health", parseHealth)
}

// What a Health can be asked.
const (
	healthLive    = "live"
	healthReady   = "ready"
	healthGateway = "gateway"
)

// Health tells a load balancer whether to send requests to this node: it answers
// every request with 200, or 503, and a JSON document that says which of its
// checks fail, and nothing secret. It asks the store once a second at most,
// however often it is asked, and waits for a second at most. A reload of the
// configuration never makes it 503.
type Health struct {
	// Check is what is told.
	//
	// `live`: the process serves. It is always 200; restart a process that gives
	// no answer.
	//
	// `ready`: the server can give and check tokens: the store answers, the keys
	// are loaded, what other nodes have changed was read a moment ago, and Caddy is
	// not shutting down. Without realms, and without anything else that needs a
	// store, only the last counts.
	//
	// `gateway`: `bearer_auth` can decide. It is `ready` but for what a gateway
	// does without for a while: once the store is open, an outage of the database
	// takes no gateway out of the balancer.
	//
	// Set `shutdown_delay` with the last two: for that time the node still serves,
	// and says here that it will not for long.
	Check string `json:"check,omitempty"`

	app *App
}

// CaddyModule returns the Caddy module information.
func (*Health) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.oauth2_health", New: func() caddy.Module { return new(Health) }}
}

// Provision finds the app.
func (h *Health) Provision(ctx caddy.Context) (err error) {
	switch h.Check {
	case healthLive, healthReady, healthGateway:
	default:
		return fmt.Errorf("check is live, ready or gateway, not %q", h.Check)
	}
	h.app, err = appOf(ctx)
	return err
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return nil
	}
	report := healthReport{Status: healthOK}
	if h.Check != healthLive {
		report = h.app.health(r.Context(), h.Check, shuttingDown(r))
	}
	w.Header().Set("Content-Type", "application/json")
	if report.Status != healthOK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	return json.NewEncoder(w).Encode(report)
}

// shuttingDown says whether the site will be closed: during shutdown_delay, or at
// once.
func shuttingDown(r *http.Request) bool {
	if caddy.Exiting() {
		return true
	}
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return false
	}
	value, _ := repl.Get("http.shutting_down")
	down, _ := value.(bool)
	return down
}

// parseHealth reads the directive. Syntax:
//
//	oauth2_health [<matcher>] live|ready|gateway
func parseHealth(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Health)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads the directive. Syntax:
//
//	oauth2_health [<matcher>] live|ready|gateway
func (h *Health) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	if !d.NextArg() {
		return d.Err("oauth2_health needs to know what is asked: live, ready or gateway")
	}
	h.Check = d.Val()
	switch h.Check {
	case healthLive, healthReady, healthGateway:
	default:
		return d.Errf("oauth2_health is live, ready or gateway, not %q", h.Check)
	}
	if err := noArgs(d); err != nil {
		return err
	}
	return noBlock(d)
}

// Interface guards
var (
	_ caddy.Module                = (*Health)(nil)
	_ caddy.Provisioner           = (*Health)(nil)
	_ caddyhttp.MiddlewareHandler = (*Health)(nil)
	_ caddyfile.Unmarshaler       = (*Health)(nil)
)
