package oidc

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
)

// Arrive takes the answer that the browser brought, exchanges its code, and says
// who signed in. A *login.RedirectRefused is a sign-in that did not come about;
// any other error is the provider's fault or ours.
func (s *Service) Arrive(ctx context.Context, query url.Values, callback, keep string) (login.Arrival, error) {
	if s.store == nil {
		return login.Arrival{}, errUnbound
	}
	k, err := parseKept(keep)
	if err != nil {
		return login.Arrival{}, err
	}
	// The settings may have changed since the departure: then it was to another.
	if k.Issuer != s.settings.Issuer || k.ClientID != s.settings.ClientID {
		return login.Arrival{}, refused(ReasonState, "the departure was to another provider")
	}
	leave, err := s.provider.enter()
	if err != nil {
		return login.Arrival{}, s.fault(err)
	}
	defer leave()
	token, claims, err := s.ask(ctx, query, callback, k)
	var no *login.RedirectRefused
	if errors.As(err, &no) {
		return login.Arrival{}, err
	}
	s.provider.outage.note(ctx, s.log, err, s.now())
	if err != nil {
		return login.Arrival{}, s.fault(err)
	}
	person, err := s.settings.read(claims, s.name)
	if err != nil {
		return login.Arrival{}, err
	}
	if err := s.remember(ctx, person); err != nil {
		return login.Arrival{}, err
	}
	return login.Arrival{
		Account: s.account(person.id, person.username, person.claims),
		At:      token.at, AMR: s.settings.methods(token.amr),
	}, nil
}

// ask gives what the provider says of who signed in.
func (s *Service) ask(ctx context.Context, query url.Values, callback string, k kept) (idToken, map[string]any, error) {
	m, err := s.provider.discover(ctx, s.now())
	if err != nil {
		return idToken{}, nil, err
	}
	code, ours, err := readAnswer(query, k, s.settings.Issuer, m.namesIssuer)
	if ours != "" {
		err := errors.New("the authorization endpoint answered " + ours + ": see to the client there, its id, scopes and redirect URI")
		s.provider.outage.note(ctx, s.log, err, s.now())
	}
	if err != nil {
		return idToken{}, nil, err
	}
	got, err := s.provider.exchange(ctx, m, code, callback, k.Verifier)
	if err != nil {
		return idToken{}, nil, err
	}
	token, err := s.verify(ctx, m, got, k)
	if err != nil {
		return idToken{}, nil, err
	}
	claims := token.claims
	if m.userinfo != "" && !got.access.Empty() && s.settings.wants(claims) {
		more, err := s.provider.userinfo(ctx, m, got.access, token.subject)
		if err != nil {
			return idToken{}, nil, err
		}
		// What is signed counts.
		maps.Copy(more, claims)
		claims = more
	}
	return token, claims, nil
}

// verify gives what the ID token says, when it is one for this departure.
func (s *Service) verify(ctx context.Context, m *metadata, got tokens, k kept) (idToken, error) {
	jws, err := parseIDToken(got.id)
	if err != nil {
		return idToken{}, err
	}
	key, err := s.provider.key(ctx, m, jws, s.now())
	if err != nil {
		return idToken{}, err
	}
	want := expected{issuer: s.settings.Issuer, clientID: s.settings.ClientID, nonce: k.Nonce, accessToken: got.access}
	if k.Again != 0 {
		want.since = time.Unix(k.Again, 0)
	}
	return want.verify(jws, key, s.now())
}
