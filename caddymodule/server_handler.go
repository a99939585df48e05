package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

func init() {
	caddy.RegisterModule(new(ServerHandler))
	httpcaddyfile.RegisterHandlerDirective("oauth2_server", parseServerHandler)
}

// readTimeout is how long a caller may take to send a form: Caddy by itself waits
// for ever for a body that trickles in.
const readTimeout = 10 * time.Second

// ServerHandler answers the OAuth 2.0 and OpenID Connect endpoints of all realms
// of the oauth2 app, at the paths of their issuers, and passes every other
// request on. Put it on the sites that the issuers name.
//
// Until the store is open it answers 503 with Retry-After. Errors are the JSON
// documents of the RFCs, not errors of Caddy, so `handle_errors` does not see
// them.
type ServerHandler struct {
	app *App
	log *slog.Logger
}

// CaddyModule returns the Caddy module information.
func (*ServerHandler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.oauth2_server", New: func() caddy.Module { return new(ServerHandler) }}
}

// Provision finds the app.
func (h *ServerHandler) Provision(ctx caddy.Context) error {
	h.log = ctx.Slogger()
	app, err := appOf(ctx)
	if err != nil {
		return err
	}
	if len(app.Realms) == 0 {
		return errors.New("oauth2_server has no realm to answer for; add one to the option oauth2: a block `realm /` with a line such as `issuer https://auth.example.com/oauth2`")
	}
	h.app = app
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *ServerHandler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (err error) {
	if switched := h.app.server.Load(); !h.app.routes.Handles(r.URL.Path) && (switched == nil || !switched.Handles(r)) {
		return next.ServeHTTP(w, r)
	}
	server := h.app.serving(r.Context())
	if server == nil || !h.app.backend.acquire() {
		wire.Error(w, oauth.Unavailable(errNotReady))
		return nil
	}
	defer h.app.backend.release()
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if fault == http.ErrAbortHandler { //nolint:errorlint // net/http compares so
			panic(fault)
		}
		// What panicked may hold a secret: its type says enough with the stack.
		if left, ok := requestLines.allow("oauth2_server panicked", reasonPanic); ok {
			h.log.Error("oauth2_server panicked", "fault", fmt.Sprintf("%T", fault), "stack", string(debug.Stack()), "not_logged", left)
		}
		err = caddyhttp.Error(http.StatusInternalServerError, errors.New("oauth2_server panicked"))
	}()
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = limitRead(w, r.Body)
	}
	source, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	server.ServeHTTP(w, r.WithContext(login.WithSource(r.Context(), source)))
	return nil
}

// limitRead gives a caller readTimeout to send a body. Where the connection knows
// no deadline, the server's own time-outs hold.
func limitRead(w http.ResponseWriter, body io.ReadCloser) io.ReadCloser {
	controller := http.NewResponseController(w)
	_ = controller.SetReadDeadline(time.Now().Add(readTimeout))
	return &timedBody{body, func() { _ = controller.SetReadDeadline(time.Time{}) }}
}

// timedBody lifts the deadline at the end of the body: net/http would else take
// it for a caller that has gone.
type timedBody struct {
	io.ReadCloser
	lift func()
}

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.lift()
	}
	return n, err
}

// parseServerHandler reads the directive. Syntax:
//
//	oauth2_server [<matcher>]
func parseServerHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(ServerHandler)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads the directive. Its realms stand in the global option
// oauth2. Syntax:
//
//	oauth2_server [<matcher>]
func (h *ServerHandler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	if d.NextArg() {
		return d.Errf("oauth2_server takes no argument but a matcher, not %q: its realms stand in the global option oauth2", d.Val())
	}
	if d.NextBlock(0) {
		return d.Errf("oauth2_server has no options, not %q: its realms stand in the global option oauth2", d.Val())
	}
	return nil
}

// Interface guards
var (
	_ caddy.Module                = (*ServerHandler)(nil)
	_ caddy.Provisioner           = (*ServerHandler)(nil)
	_ caddyhttp.MiddlewareHandler = (*ServerHandler)(nil)
	_ caddyfile.Unmarshaler       = (*ServerHandler)(nil)
)
