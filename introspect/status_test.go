package introspect_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("a", oauth.ES256), newKey("b", oauth.EdDSA))
		server.fault(jwksPath, down)
		remote := start(t, server, func(f *introspect.Foreign) { f.Name = "corp" })
		synctest.Wait()
		status := remote.Status()
		if status.Issuer != idp || status.Name != "corp" || status.Ready || status.Keys != nil || !status.KeysRead.IsZero() ||
			!strings.Contains(status.Error, idp+jwksPath) || time.Until(status.NextRefresh) > time.Second {
			t.Errorf("while it is down: %+v", status)
		}
		server.fault(jwksPath, nil)
		pass(2 * time.Second)
		status = remote.Status()
		read := status.KeysRead
		if !status.Ready || len(status.Keys) != 2 || status.Keys[0] != (introspect.StatusKey{KeyID: "a", Algorithm: oauth.ES256}) ||
			status.KeysFrom != introspect.FromIssuer || status.Error != "" || time.Since(read) > 2*time.Second ||
			!status.KeysUntil.Equal(read.Add(24*time.Hour)) || status.NextRefresh.Before(time.Now().Add(4*time.Minute)) ||
			status.NextRefresh.After(read.Add(5*time.Minute)) {
			t.Errorf("when it is up: %+v", status)
		}
		server.fault(jwksPath, respond(http.StatusBadGateway, "text/plain", ""))
		pass(25 * time.Hour)
		status = remote.Status()
		if status.Ready || len(status.Keys) != 0 || !status.KeysUntil.Before(time.Now()) || !strings.Contains(status.Error, "answered 502") {
			t.Errorf("a day after: %+v", status)
		}
	})
}

// RS27: at an operator's word a key that was withdrawn counts no longer, cached
// verdicts included, and metadata is read again as well.
func TestRS27_RefreshNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, stay := newKey("old", oauth.ES256), newKey("stay", oauth.ES256)
		server := newIssuer(old, stay)
		cache := newCache(t)
		remote := start(t, server, nil)
		at := route(t, remote, func(c *introspect.Config) { c.Cache = cache })
		synctest.Wait()
		token := old.sign("at+jwt", claims(time.Now(), nil))
		expect(t, at, token, "ok")
		cache.Wait()
		expectCached(t, at, token, true)
		server.set(stay)
		const wellKnown = "/.well-known/oauth-authorization-server"
		for n := range 3 { // nothing throttles it
			before, metadata := server.count(jwksPath), server.count(wellKnown)
			if err := remote.RefreshNow(t.Context()); err != nil {
				t.Fatal(err)
			}
			if server.count(jwksPath) != before+1 || server.count(wellKnown) != metadata+1 {
				t.Errorf("call %d: %d fetches of keys, %d of metadata", n, server.count(jwksPath)-before, server.count(wellKnown)-metadata)
			}
		}
		expect(t, at, token, introspect.ReasonUnknownKey)
		expect(t, at, stay.sign("at+jwt", claims(time.Now(), nil)), "ok")

		server.fault(jwksPath, down)
		if err := remote.RefreshNow(t.Context()); err == nil || !strings.Contains(err.Error(), jwksPath) {
			t.Errorf("while it is down: %v", err)
		}
		expect(t, at, stay.sign("at+jwt", claims(time.Now(), nil)), "ok")
	})
}

// A read that goes on already may have begun before the call: it is not the
// answer. One who does not wait for the answer gets none.
func TestRefreshNowBeginsAfterTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		server.fault(jwksPath, slowly(server, jwksPath, time.Second))
		remote := start(t, server, nil)
		synctest.Wait() // in the middle of the first read
		began := time.Now()
		if err := remote.RefreshNow(t.Context()); err != nil || time.Since(began) != 2*time.Second || server.count(jwksPath) != 2 {
			t.Errorf("%v after %s and %d fetches", err, time.Since(began), server.count(jwksPath))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := remote.RefreshNow(ctx); err == nil {
			t.Error("an answer before there was one")
		}
	})
}
