package realmfile

import (
	"encoding/json"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// Format names the document.
	Format = "caddy-oauth2-realm"
	// Version is what this program writes and reads.
	Version = 1
)

// Document is a realm.
type Document struct {
	// Format is `caddy-oauth2-realm`.
	Format string `json:"format"`

	// Version is 1.
	Version int `json:"version"`

	// Realm is the name that it had.
	Realm string `json:"realm"`

	// Issuer is what it was called in tokens.
	Issuer string `json:"issuer"`

	// Exported is when the document was made.
	Exported time.Time `json:"exported"`

	// ConfiguredClients are the ids of the clients that stand in the configuration.
	// They are not in the document: take them over with the configuration.
	ConfiguredClients []string `json:"configured_clients,omitempty"`

	// Clients are those of the store, by id.
	Clients []Client `json:"clients"`

	// Switches are what operators have switched; absent where that is nothing.
	Switches *Switches `json:"switches,omitempty"`

	// Consents are what users have agreed to, by subject and client.
	Consents []Consent `json:"consents,omitempty"`
}

// Client is a client of the store.
type Client struct {
	// Client is its registration, without secrets.
	Client json.RawMessage `json:"client"`

	// Created is when it was registered. Default: when it is imported.
	Created time.Time `json:"created,omitzero"`

	// Secrets are what it authenticates with, oldest first.
	Secrets []Secret `json:"secrets,omitempty"`
}

// Secret is what is kept of a secret.
type Secret struct {
	// ID names it to operators. Default: one is made.
	ID string `json:"id,omitempty"`

	// Digest is what verifies it: `$sha256$…` of one that a server made, a hash
	// of argon2id or bcrypt of one that somebody chose.
	Digest store.SecretDigest `json:"digest"`

	// Created is when the client got it. Default: when it is imported.
	Created time.Time `json:"created,omitzero"`

	// Expires is when it authenticates no more. Default: never.
	Expires time.Time `json:"expires,omitzero"`
}

// Switches are what operators have switched.
type Switches struct {
	// Disabled takes the realm out of service. Default: false.
	Disabled bool `json:"disabled,omitempty"`

	// Grants are the grant types that are switched on or off.
	Grants map[string]bool `json:"grants,omitempty"`

	// JSONAuthenticate switches /json/…/authenticate on or off.
	JSONAuthenticate *bool `json:"json_authenticate,omitempty"`
}

// Consent is what a user has agreed to for one client.
type Consent struct {
	// Subject is who agreed.
	Subject string `json:"subject"`

	// Client is the id of the client that may.
	Client string `json:"client"`

	// Scope is what it may without asking again, in the order of agreement.
	Scope []string `json:"scope,omitempty"`

	// Audience are the resources at which it may.
	Audience []string `json:"audience,omitempty"`

	// Updated is when the user agreed last. Default: when it is imported.
	Updated time.Time `json:"updated,omitzero"`
}

// ClientOf is a client of the store as it is exported. portable says which
// digests every installation can verify; others are left out.
func ClientOf(row store.StoredClient, portable func(store.SecretDigest) bool) Client {
	out := Client{Client: json.RawMessage(row.Registration), Created: row.Created}
	if !json.Valid(out.Client) {
		out.Client, _ = json.Marshal(map[string]string{"id": row.ID}) // an import says what is missing
	}
	for _, secret := range row.Secrets {
		if portable(secret.Digest) {
			out.Secrets = append(out.Secrets, Secret{ID: secret.ID, Digest: secret.Digest, Created: secret.Created, Expires: secret.Expires})
		}
	}
	return out
}

// SwitchesOf are switches as they are exported, nil where nothing is switched.
func SwitchesOf(s store.Switches) *Switches {
	if !s.Disabled && len(s.Grants) == 0 && s.JSONAuthenticate == nil {
		return nil
	}
	return &Switches{Disabled: s.Disabled, Grants: s.Grants, JSONAuthenticate: s.JSONAuthenticate}
}

// Stored are the switches as the store takes them.
func (s *Switches) Stored(realm string) store.Switches {
	return store.Switches{Realm: realm, Disabled: s.Disabled, Grants: s.Grants, JSONAuthenticate: s.JSONAuthenticate}
}

// ConsentOf is a consent as it is exported.
func ConsentOf(c store.Consent) Consent {
	return Consent{Subject: c.Subject, Client: c.ClientID, Scope: c.Scope, Audience: c.Resources, Updated: c.Updated}
}

// Stored is the consent as the store takes it. It cannot be of the future.
func (c *Consent) Stored(realm string, now time.Time) store.Consent {
	return store.Consent{
		Realm: realm, Subject: c.Subject, ClientID: c.Client,
		Scope: oauth.Scope(c.Scope), Resources: c.Audience, Updated: past(c.Updated, now),
	}
}

// past is a moment of the past as the store keeps it, now when it is none.
func past(at, now time.Time) time.Time {
	if at.Unix() <= 0 || at.After(now) {
		return now
	}
	return at.UTC().Truncate(time.Second)
}
