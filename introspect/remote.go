package introspect

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// RFC 7662 §2, RFC 7519 §7.2

// Remote is a running Foreign issuer. It outlives configurations.
type Remote struct {
	foreign       Foreign
	introspection *introspectionClient // nil when introspection is not configured
	refresher     *refresher

	metadata atomic.Pointer[metadata]
	keys     atomic.Pointer[snapshot]
	trouble  atomic.Pointer[error] // of the last attempt to read
	anew     atomic.Bool           // read metadata again, however new it is
	saving   chan struct{}         // holds one while a save goes on
	unsaved  atomic.Bool           // a save waits to begin

	metadataHealth, keysHealth, keepHealth *health
	metadataRead                           time.Time // only the refresher's goroutine uses it

	cancel context.CancelFunc
	done   chan struct{}
}

// Start begins to fetch in the background and returns at once.
func Start(foreign Foreign) *Remote {
	previous := foreign.Previous
	foreign.Previous = nil // or each reload would keep all that came before it
	r := &Remote{foreign: foreign.withDefaults(), done: make(chan struct{}), saving: make(chan struct{}, 1)}
	if foreign.Client == nil {
		r.foreign.Client = newClient(&r.foreign)
	}
	r.foreign.Client = outbound.Guarded(r.foreign.Client)
	r.metadataHealth = newHealth(r.foreign.Log, "reading the metadata of "+foreign.URL)
	r.keysHealth = newHealth(r.foreign.Log, "reading the keys of "+foreign.URL)
	r.keepHealth = newHealth(r.foreign.Log, "saving the keys of "+foreign.URL)
	r.refresher = newRefresher(r.refresh, r.foreign.Refresh, r.foreign.Now)
	if r.foreign.Validate != ValidateJWT && foreign.ClientID != "" {
		r.introspection = newIntrospectionClient(&r.foreign, func(ctx context.Context, jws *oauth.JWS) error {
			_, err := r.signer(ctx, jws)
			return err
		})
	}
	r.inherit(previous)
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	go r.run(ctx)
	return r
}

// run does all reading, once it may.
func (r *Remote) run(ctx context.Context) {
	defer close(r.done)
	if r.foreign.Begin != nil {
		select {
		case <-r.foreign.Begin:
		case <-ctx.Done():
			return
		}
	}
	r.restore(ctx)
	r.refresher.run(ctx)
}

// Stop ends the background work.
func (r *Remote) Stop() {
	r.cancel()
	<-r.done
	r.saving <- struct{}{} // the last save has ended
	<-r.saving
	r.foreign.Client.CloseIdleConnections()
}

// Issuer is the Issuer to put in a route's Config.
func (r *Remote) Issuer(name string) Issuer {
	issuer := Issuer{
		Name: name, URL: r.foreign.URL, Source: r, Fingerprint: r.foreign.fingerprint(),
		AudienceOptional: r.introspection != nil && !r.foreign.RequireAudience,
	}
	if r.introspection != nil {
		issuer.Opaque = func(string) bool { return true }
	}
	return issuer
}

// fingerprint covers every setting.
func (f Foreign) fingerprint() uint64 {
	sum := sha256.Sum256([]byte(f.Describe()))
	return binary.LittleEndian.Uint64(sum[:])
}

// Ready says whether it can verify now: keys are there and not too old, or an
// introspection endpoint is known whose answers need none.
func (r *Remote) Ready() bool {
	keys := r.fresh() != nil
	asks := r.introspection != nil && r.introspectionEndpoint() != "" && (keys || !r.foreign.SignedResponse)
	return asks || keys && r.foreign.Validate != ValidateIntrospect
}

// Introspect implements Source.
func (r *Remote) Introspect(ctx context.Context, token oauth.Secret) (*Token, error) {
	if !jwtShaped(token.Reveal()) {
		return r.ask(ctx, token)
	}
	jwt, err := readJWT(token.Reveal())
	if err != nil {
		return nil, err
	}
	return r.introspectJWT(ctx, token, jwt)
}

func (r *Remote) introspectJWT(ctx context.Context, token oauth.Secret, jwt *unverified) (*Token, error) {
	if r.foreign.Validate != ValidateIntrospect {
		return r.verify(ctx, jwt)
	}
	// Endpoints vouch for ID tokens too when asked.
	if !jwt.isAccessToken(r.foreign.TokenType) {
		return nil, refuse(ReasonType)
	}
	return r.ask(ctx, token)
}

// Current implements Source: the keys are still those that verified the token.
// An introspected token rests on no key; Token.Until bounds it.
func (r *Remote) Current(token *Token) bool {
	if token.Generation == 0 {
		return true
	}
	set := r.fresh()
	return set != nil && set.generation == token.Generation
}

// ask goes to the introspection endpoint.
func (r *Remote) ask(ctx context.Context, token oauth.Secret) (*Token, error) {
	if r.introspection == nil {
		return nil, refuse(ReasonIssuer)
	}
	endpoint := r.introspectionEndpoint()
	if endpoint == "" && r.metadata.Load() == nil {
		if err := r.refresher.await(ctx, false); err != nil {
			return nil, unavailable(err)
		}
		endpoint = r.introspectionEndpoint()
	}
	if endpoint == "" {
		known := r.metadata.Load()
		if known == nil {
			return nil, unavailable(errNotYet)
		}
		_, err := known.needed("introspection_endpoint", "")
		return nil, unavailable(fmt.Errorf("%s: %w; its address can be given as endpoint in the introspection settings", r.foreign.URL, err))
	}
	return r.introspection.introspect(ctx, token, endpoint)
}
