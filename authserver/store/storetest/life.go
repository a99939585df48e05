package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var lifeChecks = []check{
	{"answers", func(t *testing.T, s store.Store) { must(t, s.Ping(t.Context())) }},
	{"gives up when its caller has", func(t *testing.T, s store.Store) {
		gone, leave := context.WithCancel(t.Context())
		leave()
		for name, step := range steps(gone, s) {
			if err := step(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want the context's error", name, err)
			}
		}
		must(t, s.Ping(t.Context()))
	}},
	{"a fault is never a verdict", func(t *testing.T, s store.Store) {
		must(t, s.Close())
		for name, step := range steps(t.Context(), s) {
			err := step()
			if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrReplayed) {
				t.Errorf("%s on a closed store: got %v, want a fault", name, err)
			}
		}
		must(t, s.Close())
	}},
}

// steps are all methods that can fail, on rows that do not exist.
func steps(ctx context.Context, s store.Store) map[string]func() error {
	drop := func(_ any, err error) error { return err }
	return map[string]func() error{
		"CreateGrant":   func() error { return s.CreateGrant(ctx, pending(grantID), consentOf("openid")) },
		"Grant":         func() error { return drop(s.Grant(ctx, realm, grantID)) },
		"RedeemCode":    func() error { return s.RedeemCode(ctx, redemption(grantID, start)) },
		"RotateRefresh": func() error { return drop(s.RotateRefresh(ctx, rotation(grantID, 1, start))) },
		"TouchRefresh":  func() error { return drop(s.TouchRefresh(ctx, rotation(grantID, 1, start))) },
		"RevokeGrant":   func() error { return s.RevokeGrant(ctx, realm, grantID, start) },
		"RevokeToken":   func() error { return s.RevokeToken(ctx, realm, "jti", at(100), start) },
		"RevokeAll":     func() error { return drop(s.RevokeAll(ctx, ofSubject, start)) },
		"Grants":        func() error { return drop(s.Grants(ctx, ofClient, "", 10)) },
		"Sessions":      func() error { return drop(s.Sessions(ctx, realm, "staff:u-1", "", 10, start)) },
		"Consents":      func() error { return drop(s.Consents(ctx, realm, "staff:u-1")) },
		"Revocations": func() error {
			_, _, err := s.Revocations(ctx, 0, start)
			return err
		},
		"PutDenial":    func() error { return s.PutDenial(ctx, denial("jti-1")) },
		"DeleteDenial": func() error { return s.DeleteDenial(ctx, "unknown") },
		"Denials": func() error {
			_, _, err := s.Denials(ctx, 0)
			return err
		},
		"Spend":          func() error { return s.Spend(ctx, "id", at(100)) },
		"CreateSession":  func() error { return s.CreateSession(ctx, session(sessionDigest), "before") },
		"Session":        func() error { return drop(s.Session(ctx, realm, sessionDigest, start)) },
		"TouchSession":   func() error { return s.TouchSession(ctx, realm, sessionDigest, at(100), start) },
		"EndSession":     func() error { return s.EndSession(ctx, realm, sessionDigest) },
		"LeaseLogouts":   func() error { return drop(s.LeaseLogouts(ctx, start, at(10), 10)) },
		"PostponeLogout": func() error { return s.PostponeLogout(ctx, store.Logout{Realm: realm}, at(10)) },
		"FinishLogout":   func() error { return s.FinishLogout(ctx, store.Logout{Realm: realm}) },
		"Consent":        func() error { return drop(s.Consent(ctx, realm, "subject", client)) },
		"Keys":           func() error { return drop(s.Keys(ctx, realm)) },
		"CreateKey":      func() error { return drop(s.CreateKey(ctx, key("k1"))) },
		"Remember":       func() error { return drop(s.Remember(ctx, "name", "value")) },
		"Lease":          func() error { return drop(s.Lease(ctx, "gc", "owner", at(100), start)) },
		"DeleteExpired":  func() error { return drop(s.DeleteExpired(ctx, start, 100)) },
		"Ping":           func() error { return s.Ping(ctx) },
	}
}
