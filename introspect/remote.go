package introspect

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7662 §2, RFC 7519 §7.2

// Remote is a running Foreign issuer. It outlives configurations.
type Remote struct {
	foreign       Foreign
	introspection *introspectionClient // nil when introspection is not configured
	refresher     *refresher

	metadata atomic.Pointer[metadata]
	keys     atomic.Pointer[snapshot]

	metadataHealth, keysHealth *health
	metadataRead               time.Time // only the refresher's goroutine uses it

	cancel context.CancelFunc
	done   chan struct{}
	close  func()
}

// Start begins to fetch in the background and returns at once.
func Start(foreign Foreign) *Remote {
	previous := foreign.Previous
	foreign.Previous = nil // or each reload would keep all that came before it
	closeClient := func() {}
	if foreign.Client == nil {
		foreign.Client = newClient()
		closeClient = foreign.Client.CloseIdleConnections
	}
	r := &Remote{foreign: foreign.withDefaults(), done: make(chan struct{}), close: closeClient}
	r.metadataHealth = newHealth(r.foreign.Log, "reading the metadata of "+foreign.URL)
	r.keysHealth = newHealth(r.foreign.Log, "reading the keys of "+foreign.URL)
	r.refresher = newRefresher(r.refresh, r.foreign.Refresh, r.foreign.Now)
	if r.foreign.Validate != ValidateJWT && foreign.ClientID != "" {
		r.introspection = newIntrospectionClient(&r.foreign)
	}
	r.inherit(previous)
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(r.done)
		r.refresher.run(ctx)
	}()
	return r
}

// Stop ends the background work.
func (r *Remote) Stop() {
	r.cancel()
	<-r.done
	r.close()
}

// Issuer is the Issuer to put in a route's Config.
func (r *Remote) Issuer(name string) Issuer {
	issuer := Issuer{
		Name: name, URL: r.foreign.URL, Source: r, Fingerprint: r.foreign.fingerprint(),
		JWT: true, AudienceOptional: r.introspection != nil && !r.foreign.RequireAudience,
	}
	if r.introspection != nil {
		issuer.Opaque = func(string) bool { return true }
	}
	return issuer
}

// fingerprint covers every setting that decides what a verdict says.
func (f *Foreign) fingerprint() uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %s %d",
		f.URL, f.Validate, f.Algorithms, f.TokenType, f.DescribeIntrospection(), f.Leeway))
	return binary.LittleEndian.Uint64(sum[:])
}

// Ready says whether it can verify now: keys are there and not too old, or an
// introspection endpoint is known.
func (r *Remote) Ready() bool {
	known := r.metadata.Load()
	return r.fresh() != nil || r.introspection != nil && known != nil && known.introspection != ""
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
	known := r.metadata.Load()
	if known == nil {
		if err := r.refresher.await(ctx, false); err != nil {
			return nil, unavailable(err)
		}
		known = r.metadata.Load()
	}
	if known == nil || known.introspection == "" {
		return nil, unavailable(fmt.Errorf("the metadata of %s names no introspection_endpoint", r.foreign.URL))
	}
	return r.introspection.introspect(ctx, token, known.introspection)
}
