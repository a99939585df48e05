package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// maxSecretLife bounds the expiry of a secret.
const maxSecretLife = 10 * 365 * 24 * time.Hour

// secretRequest is a secret that a client shall be given.
type secretRequest struct {
	// Secret is a secret that the operator has chosen, or a hash of it as `caddy
	// hash-password` makes it. Default: one is made, and shown once.
	Secret string `json:"secret,omitempty"`

	// Expires is when it shall authenticate no more, within ten years. Default:
	// never.
	Expires time.Time `json:"expires,omitzero"`

	// ExpiresIn says the same as a duration, such as 90d.
	ExpiresIn string `json:"expires_in,omitempty"`
}

// addClientSecret answers POST /oauth2/clients/ID/secrets?realm=NAME with the
// secret.
func addClientSecret(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	var request secretRequest
	if err := readBody(r, &request, "secret, expires and expires_in"); err != nil {
		return nil, err
	}
	expires, err := request.expiry(adminNow())
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if err := c.onlyStored(id); err != nil {
		return nil, err
	}
	row, err := c.Get(r.Context(), c.realm.Name, id)
	if err != nil {
		return nil, clientFault(id, err)
	}
	if c.shown(row).Client.Public {
		return nil, badRequest("the client is public and has no secret: replace its registration first")
	}
	return c.addSecret(r, id, request.Secret, expires)
}

// addSecret gives a client a secret, of what was chosen or made.
func (c clientsOf) addSecret(r *http.Request, id, chosen string, expires time.Time) (secretAnswer, error) {
	secret, shown, err := newSecret(r.Context(), chosen, expires, adminNow())
	if errors.Is(err, hashing.ErrBusy) {
		return secretAnswer{}, apiError(http.StatusServiceUnavailable, err)
	}
	if err != nil {
		return secretAnswer{}, badRequest(fmt.Sprintf("secret: it %v", err))
	}
	err = c.AddSecret(r.Context(), c.realm.Name, id, secret)
	if errors.Is(err, store.ErrExists) {
		return secretAnswer{}, apiError(http.StatusConflict, fmt.Errorf("the client has %d secrets; take one off first: DELETE /oauth2/clients/{id}/secrets/{secret} (caddy oauth2-client secret --remove)", store.MaxClientSecrets))
	}
	if err != nil {
		return secretAnswer{}, clientFault(id, err)
	}
	c.app.tellChange(r, audit.ClientSecretAdded, c.realm.Name, id)
	answer := shownSecret(secret)
	answer.Secret = shown.Reveal()
	return answer, nil
}

// removeClientSecret answers DELETE /oauth2/clients/ID/secrets/SECRET?realm=NAME.
func removeClientSecret(app *App, r *http.Request) (any, error) {
	c, err := app.clientsOf(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	id, secret := r.PathValue("id"), r.PathValue("secret")
	if err := c.onlyStored(id); err != nil {
		return nil, err
	}
	err = c.RemoveSecret(r.Context(), c.realm.Name, id, secret)
	if errors.Is(err, store.ErrNotFound) {
		return nil, apiError(http.StatusNotFound, fmt.Errorf("the client %.80q has no secret %.80q; GET /oauth2/clients/{id} (caddy oauth2-client get) lists those that it has", id, secret))
	}
	if err != nil {
		return nil, clientFault(id, err)
	}
	app.tellChange(r, audit.ClientSecretRemoved, c.realm.Name, id)
	return nil, nil
}

// expiry is when the secret shall end; zero means never.
func (s *secretRequest) expiry(now time.Time) (time.Time, error) {
	expires := s.Expires.UTC().Truncate(time.Second)
	if s.ExpiresIn != "" {
		span, err := registration.ParseDuration(s.ExpiresIn)
		if err != nil || !s.Expires.IsZero() {
			return expires, badRequest("give expires_in as a duration such as 90d, or expires as a time, not both")
		}
		expires = now.Add(span).Truncate(time.Second)
	} else if s.Expires.IsZero() {
		return time.Time{}, nil
	}
	if !expires.After(now) || expires.After(now.Add(maxSecretLife)) {
		return expires, badRequest("a secret ends in the future, within ten years")
	}
	return expires, nil
}
