package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 9449 §7

const (
	schemeDPoP = "DPoP"
	// headerDPoP and headerNonce are DPoP and DPoP-Nonce as net/http spells them.
	headerDPoP  = "Dpop"
	headerNonce = "Dpop-Nonce"

	defaultProofAge = time.Minute
	defaultNonce    = 5 * time.Minute
)

// BearerDPoP is how tokens are taken that are bound to a key (RFC 9449): the
// request has the scheme `DPoP` and a proof, signed by that key for this one
// request. A proof works once, on all nodes that share the storage of the
// `oauth2` app; while that cannot be reached, such requests get 503.
//
// The `htu` of a proof must be the address that its sender used: the scheme and
// host of the resource, or else of the first audience that is an https URL, with
// the path of the request as it came to Caddy.
type BearerDPoP struct {
	// Required refuses tokens that are not bound to a key. Default: false.
	Required bool `json:"required,omitempty"`

	// Nonce makes clients put a nonce of ours into their proofs, and is the time
	// after which they need another one: 1s to 1h. It refuses proofs that were
	// made in advance. Default: no nonce.
	Nonce caddy.Duration `json:"nonce,omitempty"`

	// MaxAge is how old a proof may be, 1s to 5m, besides the leeway of the
	// route. Default: 1m.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// Algorithms are those that a proof may be signed with. Default: `ES256`,
	// `ES384`, `EdDSA`, `PS256` and `RS256`, which are all that there are.
	Algorithms []string `json:"algorithms,omitempty"`
}

// check finds what is wrong with the settings; there may be none.
func (p *BearerDPoP) check() error {
	if p == nil {
		return nil
	}
	if err := oneOf("dpop algorithms", p.Algorithms, oauth.DPoPAlgorithms()); err != nil {
		return err
	}
	if age := time.Duration(p.MaxAge); age < 0 || age > introspect.MaxProofAge || age > 0 && age < time.Second {
		return fmt.Errorf("dpop max_age is %s; it is 1s to %s", age, introspect.MaxProofAge)
	}
	if nonce := time.Duration(p.Nonce); nonce < 0 || nonce > introspect.MaxNonceLifetime || nonce > 0 && nonce < time.Second {
		return fmt.Errorf("dpop nonce is %s; it is 1s to %s", nonce, introspect.MaxNonceLifetime)
	}
	return nil
}

func (p *BearerDPoP) algorithms() []string {
	if len(p.Algorithms) == 0 {
		return oauth.DPoPAlgorithms()
	}
	return p.Algorithms
}

func (p *BearerDPoP) algorithmText() string { return strings.Join(p.algorithms(), " ") }

// settings are those that the route does not know.
func (p *BearerDPoP) settings() *introspect.DPoP {
	return &introspect.DPoP{
		Required: p.Required, Algorithms: p.algorithms(),
		MaxAge: cmp.Or(time.Duration(p.MaxAge), defaultProofAge), Nonce: time.Duration(p.Nonce),
	}
}

// underDPoP says whether credentials are of the scheme DPoP.
func underDPoP(credentials []string) bool {
	if len(credentials) != 1 {
		return false
	}
	scheme, _, _ := strings.Cut(credentials[0], " ")
	return strings.EqualFold(scheme, schemeDPoP)
}

// giveNonce puts a nonce for the next proof on an answer (RFC 9449 §8.2).
func giveNonce(h http.Header, nonce string) {
	if nonce != "" {
		h[headerNonce] = []string{nonce}
		h.Add("Access-Control-Expose-Headers", "DPoP-Nonce")
	}
}

// proofRegister is the store of the app as introspect asks it about proofs.
type proofRegister struct{ app *App }

// Spend implements introspect.ProofRegister. A second bearer_auth on the way of
// one request sees the same proof, which is no replay.
func (p proofRegister) Spend(ctx context.Context, id string, expires time.Time) (first bool, err error) {
	request := identityOf(ctx)
	if request != nil && request.spent == id {
		return true, nil
	}
	backend, release, err := p.app.liveBackend(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	switch err := backend.Spend(ctx, id, expires); {
	case errors.Is(err, store.ErrExists):
		return false, nil
	case err != nil:
		return false, err
	}
	if request != nil {
		request.spent = id
	}
	return true, nil
}

// NonceKey implements introspect.ProofRegister.
func (p proofRegister) NonceKey(ctx context.Context) ([]byte, error) {
	backend, release, err := p.app.liveBackend(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return backend.NonceKey(ctx)
}

// readDPoP reads: dpop [required] { … }.
func (b *BearerAuth) readDPoP(d *caddyfile.Dispenser) error {
	b.DPoP = new(BearerDPoP)
	if err := switches(map[string]*bool{"required": &b.DPoP.Required})(d); err != nil {
		return err
	}
	return readBlock(d, "dpop", map[string]reader{
		"nonce":      spanOrDefault(defaultNonce, &b.DPoP.Nonce),
		"max_age":    span(&b.DPoP.MaxAge),
		"algorithms": texts(&b.DPoP.Algorithms),
	})
}

// Interface guard
var _ introspect.ProofRegister = proofRegister{}
