package authserver

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/account"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/authorize"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/endpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/grants"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/logout"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// Server answers for the realms of one configuration. It is immutable; a new
// configuration makes a new one over the same Backend.
type Server struct {
	routes *Routes
	realms map[string]*mounted
}

// mounted is a realm with its endpoints.
type mounted struct {
	realm    *realm.Realm
	handlers map[string]http.Handler
}

// Options is what a Server reports to.
type Options struct {
	Observer realm.Observer
	Audit    audit.Log
	Log      *slog.Logger
}

// New makes the Server of a Config that Check has passed. It reads the keys of
// each realm, and makes those that are missing.
func New(ctx context.Context, config Config, backend *Backend, options Options) (*Server, error) {
	backend.audit.follow(options.Audit)
	s := &Server{routes: Paths(config), realms: make(map[string]*mounted, len(config.Realms))}
	for i := range config.Realms {
		settings := config.Realms[i]
		book := backend.clients.book(settings.Name)
		ring, err := backend.realmKeys(ctx, &settings)
		if err != nil {
			return nil, err
		}
		warnHidden(options.Log, &settings, book)
		s.realms[settings.Name] = mount(realm.New(settings, realm.Parts{
			Store: backend.store, Keys: ring, Revocations: backend.revocations, Hasher: backend.hasher,
			Observer: options.Observer, Audit: options.Audit, Log: options.Log, Now: backend.now, Book: book,
		}))
	}
	realms := make([]*realm.Realm, 0, len(s.realms))
	for _, m := range s.realms {
		realms = append(realms, m.realm)
	}
	backend.logouts.Follow(realms)
	return s, nil
}

// signingAlgorithms are those that a realm's tokens need: ES256 for access
// tokens, RS256 as every OpenID provider must (OpenID Connect Core §15.1), and
// what its clients ask for.
func signingAlgorithms(settings *realm.Settings, book *realm.Book) []string {
	asked := make([]string, 0, 3+len(settings.Clients))
	asked = append(asked, oauth.ES256, oauth.RS256, settings.Defaults.Client.IDTokenAlgorithm)
	for i := range settings.Clients {
		asked = append(asked, settings.Clients[i].IDTokenAlgorithm)
	}
	var algorithms []string
	for _, algorithm := range append(asked, book.Algorithms()...) {
		if algorithm != "" && !slices.Contains(algorithms, algorithm) {
			algorithms = append(algorithms, algorithm)
		}
	}
	return algorithms
}

// warnHidden says which clients of the store can no longer be reached, because
// the configuration has taken their ids.
func warnHidden(log *slog.Logger, settings *realm.Settings, book *realm.Book) {
	for i := range settings.Clients {
		if id := settings.Clients[i].ID; book.Has(id) {
			log.Warn("a client of the configuration hides the one of the store with its id; delete the one or the other",
				"realm", settings.Name, "client_id", id)
		}
	}
}

func mount(r *realm.Realm) *mounted {
	front := authorize.New(r)
	door := signin.New(r, signin.Parts{Open: front.Errand, Factors: r.Factors})
	self := account.New(r)
	metadata := wire.CORS(endpoint.Metadata(r), wire.AnyOrigin, http.MethodGet)
	return &mounted{realm: r, handlers: map[string]http.Handler{
		endpointAuthorize:    http.HandlerFunc(front.Authorize),
		endpointLogin:        http.HandlerFunc(door.Login),
		endpointFactor:       http.HandlerFunc(door.Factor),
		endpointEnrol:        http.HandlerFunc(door.Enrol),
		endpointCallback:     http.HandlerFunc(door.Callback),
		endpointConsent:      http.HandlerFunc(front.Consent),
		endpointAccount:      http.HandlerFunc(self.Account),
		endpointPassword:     http.HandlerFunc(self.Password),
		endpointAddTOTP:      http.HandlerFunc(self.TOTP),
		endpointAddPasskey:   http.HandlerFunc(self.Passkey),
		endpointToken:        wire.CORS(grants.New(r), r.AllowsOrigin, http.MethodPost),
		endpointRevoke:       wire.CORS(endpoint.Revocation(r), r.AllowsOrigin, http.MethodPost),
		endpointUserInfo:     wire.CORS(endpoint.UserInfo(r), r.AllowsOrigin, http.MethodGet, http.MethodPost),
		endpointIntrospect:   endpoint.Introspection(r),
		endpointJWKS:         wire.CORS(endpoint.JWKS(r), wire.AnyOrigin, http.MethodGet),
		endpointEndSession:   logout.New(r),
		endpointOpenID:       metadata,
		endpointServerMeta:   metadata,
		endpointAuthenticate: endpoint.JSONAuthenticate(r),
		endpointStyle:        r.Pages.Asset("style.css"),
		endpointTheme:        r.Pages.Asset("theme.css"),
		endpointSubmit:       r.Pages.Asset("submit.js"),
		endpointPasskey:      r.Pages.Asset("passkey.js"),
		endpointLogo:         r.Pages.Asset("logo"),
	}}
}

// Realm finds a realm by name.
func (s *Server) Realm(name string) (*realm.Realm, bool) {
	m, ok := s.realms[name]
	if !ok {
		return nil, false
	}
	return m.realm, true
}

// ServeHTTP answers a request whose path the Routes handle.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A request in TLS early data may be a replay (RFC 8470 §5.2).
	if r.Header.Get("Early-Data") == "1" || r.TLS != nil && !r.TLS.HandshakeComplete {
		wire.Error(w, &oauth.Error{
			Code: "too_early", Description: "Send the request again after the TLS handshake.",
			Status: http.StatusTooEarly,
		})
		return
	}
	found, err := s.routes.find(r.URL.Path, queryRealm(r.URL.RawQuery), s.jsonAuthenticates)
	if err != nil {
		wire.Error(w, err)
		return
	}
	m := s.realms[found.realm]
	if m.realm.Disabled() {
		wire.Error(w, realm.ErrDisabled)
		return
	}
	m.handlers[found.endpoint].ServeHTTP(w, r)
}

// Handles says whether a request is the server's to answer although Routes do not
// say so: a realm that was switched may have more endpoints than the
// configuration gives it.
func (s *Server) Handles(r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, "/"+endpointAuthenticate) {
		return false
	}
	found, err := s.routes.find(r.URL.Path, queryRealm(r.URL.RawQuery), s.jsonAuthenticates)
	return err == nil && found.endpoint == endpointAuthenticate
}

func (s *Server) jsonAuthenticates(name string) bool { return s.realms[name].realm.JSONAuthenticates() }

// queryRealm reads the realm parameter; a query that is no form has none, and
// the endpoint refuses it.
func queryRealm(query string) string {
	if query == "" {
		return ""
	}
	form, err := oauth.ParseForm(query, "resource")
	if err != nil {
		return ""
	}
	return form.Get("realm")
}
