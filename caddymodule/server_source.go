package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 9068 §2.2

// realmSource answers for the access tokens of one realm of this process:
// no HTTP, and a revocation counts on the next request.
type realmSource struct {
	app  *App
	name string
}

// realmIssuer is a realm of this app as bearer_auth trusts it.
func (a *App) realmIssuer(name string) (introspect.Issuer, error) {
	for i := range a.config.Realms {
		settings := &a.config.Realms[i]
		if settings.Name != name {
			continue
		}
		source := &realmSource{app: a, name: name}
		return introspect.Issuer{
			Name:        name,
			URL:         settings.Issuer,
			Source:      source,
			Fingerprint: fingerprint(name, settings.Issuer, a.backend.resource),
			Local:       true,
			Opaque:      source.sealed,
		}, nil
	}
	if len(a.config.Realms) == 0 {
		return introspect.Issuer{}, errors.New("this process has no realm; add one to the option oauth2: a block `realm /` with a line such as `issuer https://auth.example.com/oauth2`")
	}
	names := make([]string, len(a.config.Realms))
	for i := range a.config.Realms {
		names[i] = a.config.Realms[i].Name
	}
	return introspect.Issuer{}, fmt.Errorf("there is no such realm in this process; there are %s", strings.Join(names, ", "))
}

// warnUnobtainable says when a route asks a realm for tokens that none of its
// configured clients can get. A realm without any has its clients in the store,
// which is not asked before the start.
func (a *App) warnUnobtainable(name string, audiences []string) {
	for i := range a.config.Realms {
		if settings := &a.config.Realms[i]; settings.Name == name && len(settings.Clients) > 0 && !settings.CanObtain(audiences) {
			a.log.Warn("no client of the realm can obtain a token for the audience of this bearer_auth, which will refuse all of its tokens; "+
				"add the audience as a resource of the realm or of a client (clients of the store are not counted here)", "realm", name, "audience", audiences)
		}
	}
}

// fingerprint keeps verdicts of one realm, issuer and store apart from others'.
// Clients and revocations are looked at on every hit and need not be in it.
func fingerprint(parts ...string) uint64 {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write(strconv.AppendQuote(nil, part))
	}
	return h.Sum64()
}

// sealed says whether an opaque token is the realm's, by its prefix and, since a
// route may trust several realms, by its key.
func (s *realmSource) sealed(text string) bool {
	raw := oauth.NewSecret(text)
	server := s.app.serving(context.Background())
	if server == nil {
		// Introspect says that nobody can tell yet.
		return token.KindOf(raw) == token.OpaqueAccess
	}
	r, ok := server.Realm(s.name)
	return ok && r.Tokens.Sealed(raw)
}

// Introspect implements introspect.Source.
func (s *realmSource) Introspect(ctx context.Context, raw oauth.Secret) (*introspect.Token, error) {
	r := s.realm(ctx)
	if r == nil || !s.app.backend.acquire() {
		return nil, &introspect.Unavailable{Cause: errNotReady, RetryAfter: retryAfter}
	}
	defer s.app.backend.release()
	// Read before the token is judged: what is revoked meanwhile then shows as
	// another generation.
	generation := generationOf(r)
	access, err := r.OpenAccess(raw)
	if errors.Is(err, token.ErrInvalid) {
		return nil, &introspect.Refusal{Reason: deadReason(err)}
	}
	if err != nil {
		return nil, &introspect.Unavailable{Cause: err, RetryAfter: retryAfter}
	}
	found := tokenOf(access, generation)
	// One process, one clock: no leeway, from the cache as little as without it.
	found.Until = found.Expires
	return found, nil
}

// deadReason says for logs and operators why a token of a realm is not good. Its
// bearer is not told.
func deadReason(err error) string {
	switch {
	case errors.Is(err, realm.ErrRevoked):
		return introspect.ReasonRevoked
	case errors.Is(err, token.ErrExpired):
		return introspect.ReasonExpired
	case errors.Is(err, token.ErrMalformed):
		return introspect.ReasonMalformed
	default:
		return introspect.ReasonInactive
	}
}

// Current implements introspect.Source. It is asked on every hit. The set of what
// is revoked is not searched again: with anything new in it the generation is
// another, and the token was searched for under this one.
func (s *realmSource) Current(t *introspect.Token) bool {
	server := s.app.server.Load()
	if server == nil || s.app.backend.closed.Load() {
		return false
	}
	r, ok := server.Realm(s.name)
	return ok && t.Generation == generationOf(r) && r.Serves(t.ClientID)
}

func (s *realmSource) realm(ctx context.Context) *realm.Realm {
	server := s.app.serving(ctx)
	if server == nil {
		return nil
	}
	r, _ := server.Realm(s.name)
	return r
}

// tokenOf is what a live access token says, with its claims as they would be
// read from a JWT.
func tokenOf(access token.Access, generation uint64) *introspect.Token {
	claims := map[string]any{
		"iss":       access.Issuer,
		"sub":       access.Subject,
		"aud":       list(access.Audience),
		"client_id": access.ClientID,
		"jti":       access.ID,
		"iat":       seconds(access.IssuedAt),
		"exp":       seconds(access.Expires),
	}
	if len(access.Scope) > 0 {
		claims["scope"] = access.Scope.String()
	}
	for name, text := range map[string]string{"gid": access.GrantID, "sid": access.SessionID, "acr": access.ACR} {
		if text != "" {
			claims[name] = text
		}
	}
	if !access.AuthTime.IsZero() {
		claims["auth_time"] = seconds(access.AuthTime)
	}
	if len(access.AMR) > 0 {
		claims["amr"] = list(access.AMR)
	}
	return &introspect.Token{
		Issuer:     access.Issuer,
		Subject:    access.Subject,
		ClientID:   access.ClientID,
		Scope:      access.Scope,
		Audience:   access.Audience,
		ID:         access.ID,
		GrantID:    access.GrantID,
		SessionID:  access.SessionID,
		Expires:    access.Expires.Unix(),
		Claims:     introspect.ClaimsOf(claims),
		Generation: generation,
	}
}

// list and seconds make of Go values what decoding JSON makes.
func list(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}

func seconds(t time.Time) json.Number { return json.Number(strconv.FormatInt(t.Unix(), 10)) }

// Interface guard
var _ introspect.Source = (*realmSource)(nil)
