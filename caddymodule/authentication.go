package caddymodule

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

// AuthenticationService is what a module in the namespace oauth2.authentication
// must be.
type AuthenticationService interface {
	// Open makes the service that the configuration calls name. It may read, so
	// that a mistake is found when the configuration is loaded, but leaves nothing
	// behind: it runs for `caddy validate` too, and nothing closes a service.
	Open(name string, hasher *hashing.Hasher, log *slog.Logger) (login.Service, error)
}

// serviceNameCharacters leave the colon out: it ends the name of a service in
// the subjects of its accounts.
const serviceNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// loadServices loads and opens the authentication services of host, which has
// the field AuthenticationRaw.
func loadServices(ctx caddy.Context, host any, raw map[string]json.RawMessage, log *slog.Logger) (map[string]login.Service, error) {
	services := make(map[string]login.Service, len(raw))
	if len(raw) == 0 {
		return services, nil
	}
	modules, err := ctx.LoadModule(host, "AuthenticationRaw")
	if err != nil {
		return nil, fmt.Errorf("authentication: %w", err)
	}
	loaded := modules.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(loaded)) {
		if name == "" || strings.Trim(name, serviceNameCharacters) != "" {
			return nil, fmt.Errorf("authentication %q: names are made of letters, digits, -, _ and dots", name)
		}
		module, ok := loaded[name].(AuthenticationService)
		if !ok {
			return nil, fmt.Errorf("authentication %s: module %T is not an AuthenticationService", name, loaded[name])
		}
		if services[name], err = module.Open(name, hasher(), log); err != nil {
			return nil, fmt.Errorf("authentication %s: %w", name, err)
		}
	}
	return services, nil
}
