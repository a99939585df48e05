package caddymodule

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/registration"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Where a client or a switch comes from.
const (
	sourceConfig = "config"
	sourceStore  = "store"
)

// clientAnswer is a client as operators see it.
type clientAnswer struct {
	// Realm is the realm that it belongs to.
	Realm string `json:"realm"`

	// Source is `config` for a client of the configuration, which is changed there,
	// and `store` for one that was registered while the server runs.
	Source string `json:"source"`

	// Version is another one after each change. Only clients of the store have it.
	Version int64 `json:"version,omitempty"`

	// Created is when it was registered.
	Created time.Time `json:"created,omitzero"`

	// Updated is when its registration was last replaced.
	Updated time.Time `json:"updated,omitzero"`

	// Client is the registration, without secrets.
	Client registration.Client `json:"client"`

	// Secrets are those of a client of the store, without what is secret of them.
	Secrets []secretAnswer `json:"secrets,omitempty"`

	// Secret is one that was made just now. It is shown this once.
	Secret string `json:"secret,omitempty"`

	// Problem says why the client cannot be used as it stands.
	Problem string `json:"problem,omitempty"`

	// Warnings are what works and should not be.
	Warnings []string `json:"warnings,omitempty"`
}

// secretAnswer is a secret as operators see it.
type secretAnswer struct {
	// ID names the secret; it says nothing of it.
	ID string `json:"id"`

	// Created is when the client got it.
	Created time.Time `json:"created"`

	// Expires is when it authenticates no more; absent means never.
	Expires time.Time `json:"expires,omitzero"`

	// LastUsed is when it last authenticated the client, give or take an hour;
	// absent means never.
	LastUsed time.Time `json:"last_used,omitzero"`

	// Secret is what was made just now. It is shown this once.
	Secret string `json:"secret,omitempty"`
}

// clientsOf are the clients of one realm of a running server, for one call of the
// admin API.
type clientsOf struct {
	*authserver.Clients
	app     *App
	realm   *realm.Realm
	release func()
}

// clientsOf finds the realm that a call names, by default the root realm.
func (a *App) clientsOf(r *http.Request) (clientsOf, error) {
	if len(a.Realms) == 0 {
		return clientsOf{}, apiError(http.StatusConflict, errors.New("this process has no realm; clients belong to one: add it to the option oauth2"))
	}
	for _, part := range []struct{ what, name string }{
		{"id", r.PathValue("id")}, {"secret", r.PathValue("secret")}, {"after", r.URL.Query().Get("after")},
	} {
		if err := checkName(part.what, part.name); err != nil {
			return clientsOf{}, err
		}
	}
	backend, release, err := a.liveBackend(r.Context())
	if err != nil {
		return clientsOf{}, apiError(http.StatusServiceUnavailable, err)
	}
	name := cmp.Or(r.URL.Query().Get("realm"), "/")
	found, ok := a.serving(r.Context()).Realm(name)
	if !ok {
		release()
		names := make([]string, len(a.config.Realms))
		for i := range a.config.Realms {
			names[i] = a.config.Realms[i].Name
		}
		return clientsOf{}, apiError(http.StatusNotFound, fmt.Errorf("there is no realm %.80q; there are %s", name, strings.Join(names, ", ")))
	}
	return clientsOf{Clients: backend.Clients(), app: a, realm: found, release: release}, nil
}

// shown is a client of the store as operators see it.
func (c clientsOf) shown(row store.StoredClient) clientAnswer {
	answer := clientAnswer{
		Realm: row.Realm, Source: sourceStore, Version: row.Version, Created: row.Created, Updated: row.Updated,
	}
	for _, secret := range row.Secrets {
		answer.Secrets = append(answer.Secrets, shownSecret(secret))
	}
	written := registration.Client{ID: row.ID}
	if err := json.Unmarshal([]byte(row.Registration), &written); err != nil {
		answer.Problem = "its registration cannot be read; replace it"
	}
	answer.Client = written
	if resolved, err := c.realm.CheckClient(&written, max(1, len(row.Secrets))-public(written)); err != nil {
		answer.Problem = cmp.Or(answer.Problem, "the client "+err.Error())
	} else {
		answer.Warnings = registration.Warnings(&resolved)
	}
	if c.realm.Configured(row.ID) {
		answer.Problem = "a client of the configuration has the same id and hides this one"
	}
	return answer
}

// public is how many secrets fewer than others a public client needs.
func public(c registration.Client) int {
	if c.Public {
		return 1
	}
	return 0
}

func shownSecret(s store.StoredSecret) secretAnswer {
	return secretAnswer{ID: s.ID, Created: s.Created, Expires: s.Expires, LastUsed: s.LastUsed}
}

// newSecret makes a secret of a client, of what an operator chose or of nothing;
// then it is shown, this once.
func newSecret(ctx context.Context, chosen string, expires, now time.Time) (secret store.StoredSecret, shown oauth.Secret, err error) {
	secret = store.StoredSecret{Created: now, Expires: expires, ID: strings.ToLower(rand.Text()[:12])}
	if chosen == "" {
		shown, secret.Digest = hashing.Generate()
		return secret, shown, nil
	}
	secret.Digest, err = registration.StoredDigest(ctx, oauth.NewSecret(chosen), hasher())
	return secret, oauth.Secret{}, err
}

// versionOf reads which version of what is there a change is meant for; 0 is any.
func versionOf(r *http.Request) (int64, error) {
	written := r.URL.Query().Get("version")
	if written == "" {
		return 0, nil
	}
	version, err := strconv.ParseInt(written, 10, 64)
	if err != nil || version < 1 {
		return 0, badRequest("version is the number that the client or realm was shown with")
	}
	return version, nil
}

// clientFault says what a step of the store means to whoever asked for it.
func clientFault(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return apiError(http.StatusNotFound, fmt.Errorf("there is no client %.80q in the store; GET /oauth2/clients (caddy oauth2-client list) lists those that there are", id))
	case errors.Is(err, store.ErrConflict):
		return apiError(http.StatusConflict, fmt.Errorf("the client %.80q was changed meanwhile: its version is another; read it again", id))
	case errors.Is(err, store.ErrExists):
		return apiError(http.StatusConflict, fmt.Errorf("there is a client %.80q already; replace it with PUT /oauth2/clients/{id} (caddy oauth2-client update)", id))
	}
	return apiError(http.StatusServiceUnavailable, err)
}

// adminNow is the time of a change, as the store keeps it.
func adminNow() time.Time { return time.Now().UTC().Truncate(time.Second) }
