package caddymodule

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
)

func init() {
	caddy.RegisterModule(new(App))
}

// hasher is one for the process: the bound on slow hashes is the machine's, and
// digests of secrets outlive a configuration.
var hasher = sync.OnceValue(hashing.New)

// App is an OAuth 2.0 authorization server and OpenID provider: realms with
// their clients, users and keys, over one store. Requests reach it through the
// handler `oauth2_server`; the handler `bearer_auth` takes its tokens without
// any HTTP between them. The app also holds the foreign issuers that
// `bearer_auth` can name. Without realms it opens no store, unless something asks
// for it, such as DenyList or `dpop` of a `bearer_auth`.
//
// It emits these events, for handlers of Caddy's events app to subscribe to:
//
//   - `oauth2_refresh_reuse`: a refresh token was used again after it had been
//     replaced. Somebody may have stolen it; all tokens of that sign-in are dead.
//   - `oauth2_code_replay`: an authorization code was redeemed twice; all tokens
//     that came of it are dead.
//
// Their data are `realm`, `client_id`, `subject` and `grant_id`, all texts.
type App struct {
	// Storage is where grants, sessions, revocations and keys are kept. Default:
	// `sqlite`, a file in Caddy's data directory.
	StorageRaw json.RawMessage `json:"storage,omitempty" caddy:"namespace=oauth2.storage inline_key=module"`

	// EncryptionKey wraps the private keys in the store: 32 bytes as base64 text,
	// best as a placeholder (`{env.NAME}` or `{file./path}`). Make one with
	// `openssl rand -base64 32`. To change it, put the one so far into
	// PreviousEncryptionKey on every node, then run `caddy oauth2-keys rewrap`.
	// Default: up to the storage; sqlite makes a key file beside its database.
	EncryptionKey string `json:"encryption_key,omitempty"`

	// PreviousEncryptionKey opens what was wrapped before EncryptionKey was changed,
	// and wraps until `caddy oauth2-keys rewrap` has run. Then it can go. Default:
	// none.
	PreviousEncryptionKey string `json:"previous_encryption_key,omitempty"`

	// Realms are the issuers of this server.
	Realms []*Realm `json:"realms,omitempty"`

	// Issuers are foreign issuers whose tokens `bearer_auth` can accept, by the
	// names that it calls them.
	Issuers map[string]*ForeignIssuer `json:"issuers,omitempty"`

	// Authentication are authentication services that every realm can use, by
	// name.
	AuthenticationRaw map[string]json.RawMessage `json:"authentication,omitempty" caddy:"namespace=oauth2.authentication inline_key=module"`

	// DefaultAuthentication is the default service of the realms that do not say
	// which is theirs. Default: none.
	DefaultAuthentication string `json:"default_authentication,omitempty"`

	// DenyList lets operators revoke tokens of any issuer over the admin API,
	// where there are no realms: it opens the store, where the list is kept. With
	// realms there always is one. While a shared store is away at a start the list
	// is not known: with this switch every `bearer_auth` answers 503 until it has
	// been read, without it tokens of foreign issuers are taken. Default: false.
	DenyList bool `json:"deny_list,omitempty"`

	// TokenCache is how many verdicts on good tokens `bearer_auth` keeps, for all
	// routes of the process, counted as 2 KB each: 1000 to 10000000. A token in use
	// that is not among them is verified on each request. A reload that changes it
	// begins with an empty cache, beside the one before for 10 s. Default: 50000.
	TokenCache int32 `json:"token_cache,omitempty"`

	// Audit is what is done with security events. Default: they are logged.
	Audit *Audit `json:"audit,omitempty"`

	ctx      caddy.Context
	log      *slog.Logger
	config   authserver.Config
	routes   *authserver.Routes
	storage  Storage
	key      *keys.Wrapper // nil when none is configured
	observer *observer     // nil without realms
	auditor  *auditor
	backend  *pooledBackend // nil when nothing needs the store
	acquired bool           // whether Cleanup has a use of backend to end
	asserts  bool           // whether a bearer_auth needs the keys of assertions

	bearers bearerRegistry

	building lock
	stuck    atomic.Bool // the last attempt to make the server failed
	server   atomic.Pointer[authserver.Server]
	watching watch
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2", New: func() caddy.Module { return new(App) }}
}

// Provision checks the configuration and fills in its defaults. It reads secrets
// and users, so that `caddy validate` finds what is wrong with them, and opens
// and writes nothing.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.log, a.building = ctx, ctx.Slogger(), newLock()
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	warnUnredacted(ctx, a.log)
	if err := a.checkCache(); err != nil {
		return err
	}
	if err := a.provisionIssuers(); err != nil {
		return err
	}
	repl := caddy.NewReplacer()
	if err := a.provisionStorage(ctx, repl); err != nil {
		return err
	}
	if err := a.provisionRealms(ctx, repl); err != nil {
		return err
	}
	if err := a.provisionAudit(ctx); err != nil {
		return err
	}
	if len(a.Realms) == 0 {
		if a.DenyList {
			return a.needBackend()
		}
		return nil
	}
	if err := a.config.Check(); err != nil {
		return err
	}
	for _, warning := range a.config.Warnings() {
		a.log.Warn(warning)
	}
	a.routes = authserver.Paths(a.config)
	var err error
	if a.observer, err = newObserver(ctx, a.log, a.Realms); err != nil {
		return err
	}
	// Last, so that a configuration that fails has nothing to give back.
	return a.needBackend()
}

// provisionIssuers checks the foreign issuers and contacts none.
func (a *App) provisionIssuers() error {
	for _, name := range slices.Sorted(maps.Keys(a.Issuers)) {
		issuer := a.Issuers[name]
		if issuer == nil {
			return fmt.Errorf("issuer %s is null", name)
		}
		if err := issuer.provision(name); err != nil {
			return fmt.Errorf("issuer %s: %w", name, err)
		}
		for _, warning := range issuerWarnings(issuer.foreigns[0], issuer.Introspection != nil) {
			a.log.Warn(warning, "issuer", name)
		}
	}
	return nil
}

// provisionRealms makes of the realms what the server takes.
func (a *App) provisionRealms(ctx caddy.Context, repl *caddy.Replacer) error {
	services, err := loadServices(ctx, a, a.AuthenticationRaw, a.log)
	if err != nil {
		return err
	}
	app := shared{services: services, defaultAuthentication: a.DefaultAuthentication, repl: repl, hasher: hasher()}
	for i, r := range a.Realms {
		if r == nil {
			return fmt.Errorf("realm %d is null", i+1)
		}
		own, err := loadServices(ctx, r, r.AuthenticationRaw, a.log)
		if err != nil {
			return fmt.Errorf("realm %s: %w", r.Name, err)
		}
		settings, err := r.settings(app, own)
		if err != nil {
			return err
		}
		if err := r.provisionKeys(ctx, &settings); err != nil {
			return err
		}
		a.config.Realms = append(a.config.Realms, settings)
	}
	return nil
}

// Start opens the store, unless a configuration before this one has, and begins
// to serve. A store that is shared may be away: then it is opened later.
func (a *App) Start() error {
	keepIn(a)
	beginIssuers()
	warnHiddenMetadata(a.ctx, a.log)
	warnAbruptShutdown(a.ctx, a.log)
	if a.backend == nil {
		return nil
	}
	return a.begin()
}

// Stop implements caddy.App. Requests may still be running, so nothing that
// they need ends here.
func (a *App) Stop() error {
	a.watching.end()
	return nil
}

// Cleanup gives back what Provision took, once. Requests that are still running
// keep the backend for themselves.
func (a *App) Cleanup() error {
	keepOut(a)
	a.watching.end() // a request may have made the server of an app that never started
	if !a.acquired {
		return nil
	}
	a.acquired = false
	_, err := backendPool.Delete(a.backend.resource)
	return err
}

// appOf is the oauth2 app of the configuration that ctx belongs to.
func appOf(ctx caddy.Context) (*App, error) {
	loaded, err := ctx.App("oauth2")
	if err != nil {
		return nil, err
	}
	return asApp(loaded)
}

func asApp(loaded any) (*App, error) {
	app, ok := loaded.(*App)
	if !ok {
		return nil, fmt.Errorf("the oauth2 app is a %T", loaded)
	}
	return app, nil
}

// Interface guards
var (
	_ caddy.Module       = (*App)(nil)
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
