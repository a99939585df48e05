package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// refreshTimeout is how long an operator waits for an issuer.
const refreshTimeout = 15 * time.Second

// issuersAnswer is how the issuers stand whose tokens this process takes.
type issuersAnswer struct {
	// Issuers are the foreign ones.
	Issuers []introspect.Status `json:"issuers"`

	// Realms are those of this process.
	Realms []realmStatus `json:"realms,omitempty"`
}

// realmStatus is how a realm of this process stands.
type realmStatus struct {
	// Name is the realm's, as in the configuration.
	Name string `json:"name"`

	// Issuer is its issuer identifier.
	Issuer string `json:"issuer"`

	// Ready says whether it can issue and check tokens now.
	Ready bool `json:"ready"`
}

// refreshRequest says whose keys to read again.
type refreshRequest struct {
	// Issuer is the issuer identifier of one. Default: all.
	Issuer string `json:"issuer,omitempty"`
}

// remoteIssuer is what the admin API asks of an introspect.Remote.
type remoteIssuer interface {
	Status() introspect.Status
	RefreshNow(ctx context.Context) error
}

// listIssuers answers GET /oauth2/issuers.
func listIssuers(app *App, r *http.Request) (any, error) {
	answer := issuersAnswer{Issuers: statuses(pooledRemotes())}
	server := app.serving(r.Context())
	for i := range app.config.Realms {
		settings := &app.config.Realms[i]
		status := realmStatus{Name: settings.Name, Issuer: settings.Issuer}
		if server != nil {
			_, status.Ready = server.Realm(settings.Name)
		}
		answer.Realms = append(answer.Realms, status)
	}
	return answer, nil
}

// refreshIssuers answers POST /oauth2/issuers/refresh.
func refreshIssuers(_ *App, r *http.Request) (any, error) {
	var request refreshRequest
	if err := readBody(r, &request, "issuer"); err != nil {
		return nil, err
	}
	remotes := pooledRemotes()
	if request.Issuer != "" {
		remotes = slices.DeleteFunc(remotes, func(remote remoteIssuer) bool { return remote.Status().Issuer != request.Issuer })
		if len(remotes) == 0 {
			return nil, apiError(http.StatusNotFound, errors.New("no bearer_auth takes tokens of that issuer. It is named by its URL; GET /oauth2/issuers (caddy oauth2-issuers) lists those that there are"))
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), refreshTimeout)
	defer cancel()
	if err := refreshAll(ctx, remotes); err != nil {
		return nil, apiError(http.StatusBadGateway, err)
	}
	return issuersAnswer{Issuers: statuses(remotes)}, nil
}

// refreshAll reads all at once. One that fails does not keep the others from it.
func refreshAll(ctx context.Context, remotes []remoteIssuer) error {
	failures := make([]error, len(remotes))
	var all sync.WaitGroup
	for i, remote := range remotes {
		all.Go(func() {
			if err := remote.RefreshNow(ctx); err != nil {
				failures[i] = fmt.Errorf("issuer %s: %w", remote.Status().Issuer, err)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// pooledRemotes are the foreign issuers of the running configuration. One that
// has not begun belongs to a configuration that does not run yet.
func pooledRemotes() []remoteIssuer {
	var remotes []remoteIssuer
	issuerPool.Range(func(_, value any) bool {
		pooled := value.(*pooledIssuer)
		select {
		case <-pooled.begun:
			remotes = append(remotes, pooled.remote)
		default:
		}
		return true
	})
	return remotes
}

func statuses(remotes []remoteIssuer) []introspect.Status {
	out := make([]introspect.Status, len(remotes))
	for i, remote := range remotes {
		out[i] = remote.Status()
	}
	slices.SortStableFunc(out, func(a, b introspect.Status) int { return cmp.Compare(a.Issuer, b.Issuer) })
	return out
}
