package clientauth

import (
	"context"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 6749 §2.3

// Clients are the clients of one realm. What they are may change at any time.
type Clients interface {
	// Client finds a client by id.
	Client(id string) (*store.Client, bool)
	// Decoy gives the digests of the client that is the dearest to check: an
	// unknown client costs the same.
	Decoy() []store.SecretDigest
	// Used hears which of its secrets a client has proved to know.
	Used(client *store.Client, digest store.SecretDigest)
}

// Authenticator authenticates the clients of one realm. It is safe for
// concurrent use.
type Authenticator struct {
	clients Clients
	hasher  *hashing.Hasher
}

// New makes an Authenticator.
func New(clients Clients, hasher *hashing.Hasher) *Authenticator {
	return &Authenticator{clients: clients, hasher: hasher}
}

// Authenticate finds out which client sends a request: exactly one method, and
// the right one. A client's own fault is an *oauth.Error; any other error means
// that we cannot tell now (503).
func (a *Authenticator) Authenticate(ctx context.Context, header http.Header, form oauth.Form) (*store.Client, error) {
	presented, err := read(header, form)
	if err != nil {
		return nil, err
	}
	client, known := a.clients.Client(presented.id)
	if presented.method == oauth.AuthMethodNone {
		// A confidential client that names itself proves nothing (CL3).
		if !known || !client.Public {
			return nil, refuse(oauth.InvalidClient().WithCause(presented.failed(known, NoSecret)))
		}
		return client, nil
	}
	// A public client has no secret that could be right (CL2): it is treated,
	// and costs, as if it were not known (AS22, A32).
	if !known || client.Public {
		if err := a.waste(ctx, presented.secret); err != nil {
			return nil, err
		}
		return nil, refuse(oauth.InvalidClient().WithCause(presented.failed(known, SecretOfPublic)))
	}
	match, err := a.hasher.VerifyAny(ctx, client.Secrets, presented.secret)
	if err != nil {
		return nil, err
	}
	if match < 0 {
		return nil, refuse(oauth.InvalidClient().WithCause(presented.failed(true, WrongSecret)))
	}
	// Judged last: only who knows the secret learns which method is pinned.
	if client.AuthMethod != "" && client.AuthMethod != presented.method {
		return nil, refuse(oauth.NewError(oauth.CodeInvalidClient,
			"This client is registered for another authentication method: use "+client.AuthMethod+".").WithCause(presented.failed(true, WrongMethod)))
	}
	a.clients.Used(client, client.Secrets[match])
	return client, nil
}

// waste costs what a wrong secret costs. Whether a digest matches is of no
// interest: the client is not the one whose digest it is.
func (a *Authenticator) waste(ctx context.Context, secret oauth.Secret) error {
	decoy := a.clients.Decoy()
	if len(decoy) == 0 {
		return a.hasher.Waste(ctx, hashing.Fast, secret)
	}
	return a.hasher.WasteAny(ctx, decoy, secret)
}

// credentials are what a request says about its client, nothing checked.
type credentials struct {
	method string
	id     string
	secret oauth.Secret
}

// read takes the credentials out of a request that uses one method only.
func read(header http.Header, form oauth.Form) (credentials, error) {
	authorization := header.Values("Authorization")
	if len(authorization) > 1 {
		return credentials{}, oauth.InvalidRequest("Send exactly one Authorization header.")
	}
	basic := len(authorization) == 1
	post := form.Has("client_secret")
	assertion := form.Has("client_assertion") || form.Has("client_assertion_type")
	switch {
	// RFC 6749 §2.3: not more than one method in each request (AS21).
	case basic && post, basic && assertion, post && assertion:
		return credentials{}, oauth.InvalidRequest("Authenticate the client in one way only: the Authorization header or client_secret in the body.")
	case basic:
		return readBasic(authorization[0], form)
	case post:
		return readPost(form)
	case assertion:
		return credentials{}, refuse(oauth.NewError(oauth.CodeInvalidClient,
			"Client assertions are not supported: use client_secret_basic or client_secret_post."))
	default:
		return readNone(form)
	}
}

// refuse adds the challenge that every 401 needs (RFC 9110 §15.5.2). Basic is
// the one scheme that we take (RFC 6749 §5.2).
func refuse(err *oauth.Error) *oauth.Error {
	return err.WithChallenge(oauth.Challenge("Basic", "realm", "OAuth client", "charset", "UTF-8"))
}
