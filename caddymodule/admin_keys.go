package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// keysAnswer is the keys of one realm or of all.
type keysAnswer struct {
	// Keys are sorted by realm, purpose, algorithm and age.
	Keys []keyEntry `json:"keys"`

	// Warning says what an operator should know of the change that was asked for.
	Warning string `json:"warning,omitempty"`
}

// keyEntry is one key, without any of its secret parts.
type keyEntry struct {
	// Realm is its realm, or `identity-assertion` or `dpop-nonce` for the keys that
	// `bearer_auth` signs identity assertions and makes DPoP nonces with.
	Realm string `json:"realm"`

	// ID is its kid.
	ID string `json:"kid"`

	// Purpose is `sign`, `access`, `refresh`, `form` or `nonce`.
	Purpose string `json:"purpose"`

	// Algorithm is what it is used with.
	Algorithm string `json:"algorithm"`

	// State is `next`, `active`, `retiring` or `retired`; for a key that is not in
	// the store, `signing` or `published`.
	State string `json:"state"`

	// External says that the key is a signer of the configuration.
	External bool `json:"external,omitempty"`

	// Created is when it was made.
	Created time.Time `json:"created,omitzero"`

	// Since is when it came into its state.
	Since time.Time `json:"since"`

	// Next is what will be done with it by itself: `replace`, `promote` or
	// `retire`. Absent for nothing.
	Next string `json:"next,omitempty"`

	// NextAt is when that is due.
	NextAt time.Time `json:"next_at,omitzero"`
}

// nonceKeys is how the keys of DPoP nonces are called, which are of no realm.
const nonceKeys = "dpop-nonce"

// listKeys answers GET /oauth2/keys?realm=NAME, without a realm for all.
func listKeys(app *App, r *http.Request) (any, error) {
	var answer keysAnswer
	err := app.withKeys(r.Context(), func(backend *authserver.Backend) error {
		answer.Keys = shownKeys(backend, r.URL.Query().Get("realm"))
		if name := r.URL.Query().Get("realm"); name != "" && len(answer.Keys) == 0 {
			return authserver.ErrUnknownRealm
		}
		return nil
	})
	return answer, err
}

// shownKeys lists the keys of a realm, "" for all.
func shownKeys(backend *authserver.Backend, realm string) []keyEntry {
	entries := []keyEntry{}
	for _, ring := range backend.KeyRings() {
		name := cmp.Or(ring.Realm, nonceKeys)
		if realm != "" && realm != name {
			continue
		}
		for _, key := range ring.Rows {
			entry := keyEntry{
				Realm: name, ID: key.ID, Purpose: string(key.Purpose), Algorithm: key.Algorithm,
				State: key.State.String(), Created: key.Created.UTC(), Since: key.Since.UTC(),
			}
			for _, step := range ring.Steps {
				if step.Key.ID == key.ID {
					entry.Next, entry.NextAt = string(step.Action), step.At.UTC()
				}
			}
			entries = append(entries, entry)
		}
		for i, key := range ring.External {
			entry := keyEntry{
				Realm: name, ID: key.KeyID(), Purpose: string(store.KeySign), Algorithm: key.Algorithm(),
				State: "published", External: true, Since: key.Since.UTC(),
			}
			if ring.Signing[i] {
				entry.State = "signing"
			}
			entries = append(entries, entry)
		}
	}
	slices.SortStableFunc(entries, func(a, b keyEntry) int {
		return cmp.Or(cmp.Compare(a.Realm, b.Realm), cmp.Compare(a.Purpose, b.Purpose),
			cmp.Compare(a.Algorithm, b.Algorithm), a.Created.Compare(b.Created))
	})
	return entries
}

// rotateRequest is what to rotate: of the keys of the realm those that match.
type rotateRequest struct {
	// Purpose is `sign`, `access`, `refresh`, `form`, `factor` or `nonce`. Default: all but
	// refresh and factor.
	Purpose string `json:"purpose,omitempty"`

	// Algorithm limits it to the keys of one. Default: all.
	Algorithm string `json:"algorithm,omitempty"`

	// Now makes the new keys active at once. Default: they wait until everybody
	// knows them.
	Now bool `json:"now,omitempty"`
}

const earlyWarning = "the new keys sign from now on, and verifiers elsewhere that have not fetched the key set again refuse their tokens until they do: " +
	"most fetch it when they see an unknown kid, all of them within 5 minutes if they heed max-age"

// rotateKeys answers POST /oauth2/keys/rotate?realm=NAME.
func rotateKeys(app *App, r *http.Request) (any, error) {
	var request rotateRequest
	if err := readBody(r, &request, "purpose, algorithm and now"); err != nil {
		return nil, err
	}
	var answer keysAnswer
	err := app.changeKeys(r, func(backend *authserver.Backend, realm string) error {
		kinds := matching(backend, realm, request)
		if len(kinds) == 0 {
			return keys.ErrUnknownKind
		}
		touched := map[string]bool{}
		for _, kind := range kinds {
			key, err := backend.RotateKey(r.Context(), realm, kind, request.Now)
			if err != nil {
				return err
			}
			touched[key.ID] = true
			if request.Now && kind.Purpose == store.KeySign {
				answer.Warning = earlyWarning
			}
		}
		answer.Keys = slices.DeleteFunc(shownKeys(backend, cmp.Or(realm, nonceKeys)), func(key keyEntry) bool { return !touched[key.ID] })
		return nil
	})
	return answer, err
}

// matching are the kinds of a realm's active keys that a request means.
func matching(backend *authserver.Backend, realm string, request rotateRequest) (kinds []keys.Kind) {
	for _, ring := range backend.KeyRings() {
		for _, key := range ring.Rows {
			purpose := request.Purpose == string(key.Purpose) || request.Purpose == "" && !key.Purpose.Lasting()
			algorithm := request.Algorithm == key.Algorithm || request.Algorithm == ""
			if ring.Realm == realm && key.State == store.KeyActive && purpose && algorithm {
				kinds = append(kinds, keys.Kind{Purpose: key.Purpose, Algorithm: key.Algorithm})
			}
		}
	}
	return kinds
}

// endRequest names a key to retire or remove.
type endRequest struct {
	// ID is its kid. Required.
	ID string `json:"kid"`
}

const retiredWarning = "what the key has made and has not expired is refused from now on"

// retireKey answers POST /oauth2/keys/retire?realm=NAME.
func retireKey(app *App, r *http.Request) (any, error) {
	return app.endKey(r, func(backend *authserver.Backend, realm, id string) error {
		return backend.RetireKey(r.Context(), realm, id)
	})
}

// removeKey answers POST /oauth2/keys/remove?realm=NAME.
func removeKey(app *App, r *http.Request) (any, error) {
	return app.endKey(r, func(backend *authserver.Backend, realm, id string) error {
		return backend.RemoveKey(r.Context(), realm, id)
	})
}

func (a *App) endKey(r *http.Request, end func(backend *authserver.Backend, realm, id string) error) (any, error) {
	var request endRequest
	if err := readBody(r, &request, "kid"); err != nil {
		return nil, err
	}
	if request.ID == "" {
		return nil, badRequest("name the key by its kid; GET /oauth2/keys (caddy oauth2-keys list) lists them")
	}
	answer := keysAnswer{Warning: retiredWarning}
	err := a.changeKeys(r, func(backend *authserver.Backend, realm string) error {
		if err := end(backend, realm, request.ID); err != nil {
			return err
		}
		answer.Keys = slices.DeleteFunc(shownKeys(backend, cmp.Or(realm, nonceKeys)), func(key keyEntry) bool { return key.State == "retired" && key.ID != request.ID })
		return nil
	})
	return answer, err
}

// rewrapAnswer is what rewrapping has done.
type rewrapAnswer struct {
	// Rewrapped is how many keys were wrapped anew.
	Rewrapped int `json:"rewrapped"`
}

// rewrapKeys answers POST /oauth2/keys/rewrap.
func rewrapKeys(app *App, r *http.Request) (any, error) {
	if err := readBody(r, &struct{}{}, "none"); err != nil {
		return nil, err
	}
	var answer rewrapAnswer
	err := app.withKeys(r.Context(), func(backend *authserver.Backend) (err error) {
		answer.Rewrapped, err = backend.RewrapKeys(r.Context())
		return err
	})
	return answer, err
}

// changeKeys is withKeys for the realm that a request names, / by default.
func (a *App) changeKeys(r *http.Request, change func(backend *authserver.Backend, realm string) error) error {
	realm := cmp.Or(r.URL.Query().Get("realm"), "/")
	if realm == nonceKeys {
		realm = ""
	}
	return a.withKeys(r.Context(), func(backend *authserver.Backend) error { return change(backend, realm) })
}

// withKeys does something with the keys of this process, and says of an error
// whose it is.
func (a *App) withKeys(ctx context.Context, do func(*authserver.Backend) error) error {
	if a.backend == nil {
		return apiError(http.StatusConflict, errors.New("this process has no keys: it has no realm, and no bearer_auth that signs assertions or makes nonces"))
	}
	backend, release, err := a.liveBackend(ctx)
	if err != nil {
		return apiError(http.StatusServiceUnavailable, err)
	}
	defer release()
	err = do(backend)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, authserver.ErrUnknownRealm):
		return apiError(http.StatusNotFound, fmt.Errorf("%w, or it has no keys yet; GET /oauth2/keys (caddy oauth2-keys list) lists all", err))
	case errors.Is(err, keys.ErrUnknownKey), errors.Is(err, keys.ErrUnknownKind):
		return apiError(http.StatusNotFound, fmt.Errorf("%w; GET /oauth2/keys (caddy oauth2-keys list) lists those that there are", err))
	case errors.Is(err, keys.ErrActiveKey), errors.Is(err, keys.ErrNextKey), errors.Is(err, keys.ErrTooManyKeys):
		return apiError(http.StatusConflict, err)
	default:
		return apiError(http.StatusServiceUnavailable, err)
	}
}
