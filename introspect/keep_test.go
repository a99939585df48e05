package introspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// drawer is a Keeper in memory.
type drawer struct {
	mu    sync.Mutex
	held  map[string][]byte
	saves int
	fault func(ctx context.Context) error // instead of working; nil for none
}

func newDrawer() *drawer { return &drawer{held: map[string][]byte{}} }

func (d *drawer) Load(ctx context.Context, name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault != nil {
		return nil, d.fault(ctx)
	}
	document, there := d.held[name]
	if !there {
		return nil, fs.ErrNotExist
	}
	return document, nil
}

func (d *drawer) Save(ctx context.Context, name string, document []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saves++
	if d.fault != nil {
		return d.fault(ctx)
	}
	d.held[name] = document
	return nil
}

// change alters the one document that is held.
func (d *drawer) change(members map[string]any) {
	for name, document := range d.held {
		var all map[string]any
		_ = json.Unmarshal(document, &all)
		maps.Copy(all, members)
		d.held[name] = []byte(mustJSON(all))
	}
}

// filled is a drawer with what a Remote of the issuer has kept.
func filled(t *testing.T, server *issuer, change func(*introspect.Foreign)) *drawer {
	t.Helper()
	kept := newDrawer()
	remote := introspect.Start(settings(server, func(f *introspect.Foreign) {
		f.Keeper = kept
		if change != nil {
			change(f)
		}
	}))
	synctest.Wait()
	remote.Stop()
	if len(kept.held) != 1 {
		t.Fatalf("%d documents are kept", len(kept.held))
	}
	return kept
}

func TestF11_AStartWhileTheIssuerIsDownServes(t *testing.T) {
	for name, fault := range faults {
		synctest.Test(t, func(t *testing.T) {
			key := newKey("k", oauth.ES256)
			server := newIssuer(key)
			kept := filled(t, server, nil)
			read := time.Now()
			pass(23 * time.Hour)
			server.fault(jwksPath, fault)
			server.fault("/.well-known/oauth-authorization-server", fault)
			begin := make(chan struct{})
			remote := start(t, server, func(f *introspect.Foreign) { f.Keeper, f.Begin = kept, begin })
			at := route(t, remote, nil)
			began := time.Now()
			// The very first request, before any answer of the issuer.
			var first sync.WaitGroup
			first.Go(func() {
				expect(t, at, key.sign("at+jwt", claims(began, nil)), "ok")
				if waited := time.Since(began); waited != 0 {
					t.Errorf("%s: waited %s", name, waited)
				}
			})
			synctest.Wait()
			close(begin)
			first.Wait()
			status := remote.Status()
			if !status.Ready || status.KeysFrom != introspect.FromStorage || !status.KeysRead.Equal(read) {
				t.Errorf("%s: status %+v", name, status)
			}
			// Staleness counts from when they were read, restarts or not.
			pass(2 * time.Hour)
			expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "unavailable")
			server.fault(jwksPath, nil)
			server.fault("/.well-known/oauth-authorization-server", nil)
			pass(2 * time.Minute)
			expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
			if from := remote.Status().KeysFrom; from != introspect.FromIssuer {
				t.Errorf("%s: keys from %s", name, from)
			}
		})
	}
}

func TestWhatIsKeptIsJudgedAnew(t *testing.T) {
	evil := newKey("k", oauth.ES256)
	for name, c := range map[string]struct {
		change map[string]any
		start  func(*introspect.Foreign)
		log    string // "" for a document that is used
	}{
		"as it was":           {nil, nil, ""},
		"a minute ahead":      {map[string]any{"read": time.Date(2000, 1, 1, 0, 0, 59, 0, time.UTC)}, nil, ""},
		"of another issuer":   {map[string]any{"issuer": "https://evil.example"}, nil, "of another issuer"},
		"of another origin":   {map[string]any{"origin": "x"}, nil, "of another issuer"},
		"from the future":     {map[string]any{"read": time.Date(2000, 1, 1, 0, 2, 0, 0, time.UTC)}, nil, "from the future"},
		"too old":             {map[string]any{"read": time.Date(1999, 12, 30, 0, 0, 0, 0, time.UTC)}, nil, "older than max_stale"},
		"read at no time":     {map[string]any{"read": nil}, nil, "older than max_stale"},
		"read as a number":    {map[string]any{"read": 1}, nil, "damaged"},
		"without keys":        {map[string]any{"keys": nil}, nil, "key set"},
		"with unusable keys":  {map[string]any{"keys": map[string]any{"keys": []any{changed(evil, map[string]any{"use": "enc"})}}}, nil, "none of its 1 keys"},
		"with keys named one": {map[string]any{"keys": map[string]any{"keys": []any{evil.jwk(), evil.jwk()}}}, nil, "two keys"},
		"metadata of another": {map[string]any{"metadata": map[string]any{"issuer": "https://evil.example"}}, nil, "metadata names the issuer"},
		"without metadata":    {map[string]any{"metadata": nil}, nil, "metadata"},
		"other algorithms":    {nil, func(f *introspect.Foreign) { f.Algorithms = []string{oauth.RS256} }, "none of its 1 keys"},
		"a shorter max_stale": {map[string]any{"read": time.Date(1999, 12, 31, 22, 0, 0, 0, time.UTC)}, func(f *introspect.Foreign) { f.MaxStale = time.Hour }, "older than max_stale"},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newIssuer(newKey("k", oauth.ES256))
			kept := filled(t, server, nil)
			kept.change(c.change)
			server.fault("/.well-known/oauth-authorization-server", down)
			var log bytes.Buffer
			remote := introspect.Start(settings(server, func(f *introspect.Foreign) {
				f.Keeper, f.Log = kept, slog.New(slog.NewTextHandler(&log, nil))
				if c.start != nil {
					c.start(f)
				}
			}))
			synctest.Wait()
			ready := remote.Ready()
			remote.Stop()
			lines := strings.Count(log.String(), "kept from an earlier run are not used")
			if ready != (c.log == "") || ready != (lines == 0) || lines > 1 || !strings.Contains(log.String(), c.log) {
				t.Errorf("%s: ready %v, log: %s", name, ready, log.String())
			}
		})
	}
}

// What one issuer has kept is nothing to another, nor to itself under other
// trust.
func TestWhatIsKeptBelongsToOneOrigin(t *testing.T) {
	for name, change := range map[string]func(*introspect.Foreign){
		"another URL":      func(f *introspect.Foreign) { f.URL = "https://b.example.com" },
		"a slash more":     func(f *introspect.Foreign) { f.URL += "/" },
		"another jwks_uri": func(f *introspect.Foreign) { f.JWKSURI = "https://b.example.com/keys" },
		"other roots":      func(f *introspect.Foreign) { f.Roots = someCertificate(t) },
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newIssuer(newKey("k", oauth.ES256))
			kept := filled(t, server, nil)
			other := newIssuer()
			for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/keys"} {
				other.fault(path, down)
			}
			changed := settings(server, nil)
			change(&changed)
			if changed.Origin() == settings(server, nil).Origin() {
				t.Errorf("%s: the same origin", name)
			}
			remote := start(t, other, func(f *introspect.Foreign) { f.Keeper = kept; change(f) })
			synctest.Wait()
			if remote.Ready() {
				t.Errorf("%s: ready by the keys of another", name)
			}
		})
	}
}

// An introspection endpoint is known after a restart, too.
func TestTheIntrospectionEndpointIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		only := func(f *introspect.Foreign) { withClient(f); f.Validate = introspect.ValidateIntrospect }
		server := newIssuer()
		server.tokens["opaque"] = active(nil)
		kept := filled(t, server, only)
		server.fault("/.well-known/oauth-authorization-server", down)
		at := route(t, start(t, server, func(f *introspect.Foreign) { only(f); f.Keeper = kept }), nil)
		synctest.Wait()
		expect(t, at, "opaque", "ok")
	})
}

// Two settings for one issuer, as for routes that differ, keep what each needs.
func TestF11_SettingsOfOneIssuerKeepApartWhatTheyNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		byKeys := func(f *introspect.Foreign) { f.Validate = introspect.ValidateJWT }
		byAsking := func(f *introspect.Foreign) { withClient(f); f.Validate = introspect.ValidateIntrospect }
		key := newKey("k", oauth.ES256)
		server, kept := newIssuer(key), newDrawer()
		server.tokens["opaque"] = active(nil)
		run := func(change func(*introspect.Foreign)) *introspect.Remote {
			remote := introspect.Start(settings(server, func(f *introspect.Foreign) { f.Keeper = kept; change(f) }))
			synctest.Wait()
			return remote
		}
		run(byKeys).Stop()
		run(byAsking).Stop() // the last one to save
		server.fault("/.well-known/oauth-authorization-server", down)
		server.fault(jwksPath, down)
		keys, asking := run(byKeys), run(byAsking)
		defer keys.Stop()
		defer asking.Stop()
		expect(t, route(t, keys, nil), key.sign("at+jwt", claims(time.Now(), nil)), "ok")
		expect(t, route(t, asking, nil), "opaque", "ok")
	})
}

// A key that is withdrawn while the set that had it is being saved is gone after
// a restart, too.
func TestRS27_WhatIsReadDuringASaveIsSavedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		withdrawn, next := newKey("a", oauth.ES256), newKey("b", oauth.ES256)
		server, kept := newIssuer(withdrawn), newDrawer()
		slow := slowDrawer{kept, time.Second}
		remote := introspect.Start(settings(server, func(f *introspect.Foreign) { f.Keeper = slow }))
		synctest.Wait()
		server.set(next)
		for range 3 {
			if err := remote.RefreshNow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		pass(5 * time.Second)
		remote.Stop()
		server.fault("/.well-known/oauth-authorization-server", down)
		server.fault(jwksPath, down)
		at := route(t, start(t, server, func(f *introspect.Foreign) { f.Keeper = kept }), nil)
		synctest.Wait()
		expect(t, at, withdrawn.sign("at+jwt", claims(time.Now(), nil)), "unavailable")
		expect(t, at, next.sign("at+jwt", claims(time.Now(), nil)), "ok")
		if kept.saves != 2 {
			t.Errorf("%d saves", kept.saves)
		}
	})
}

// slowDrawer takes its time to save.
type slowDrawer struct {
	*drawer
	takes time.Duration
}

func (s slowDrawer) Save(ctx context.Context, name string, document []byte) error {
	<-time.After(s.takes)
	return s.drawer.Save(ctx, name, document)
}

// faulty is storage of which nobody knows what it will do.
type faulty func()

func (f faulty) Load(context.Context, string) ([]byte, error) { f(); return nil, fs.ErrNotExist }
func (f faulty) Save(context.Context, string, []byte) error   { f(); return nil }

// Storage may hang whatever its context says, or panic: keys are read all the same.
func TestStorageThatNeverAnswersDoesNotKeepKeysFromBeingRead(t *testing.T) {
	for _, fault := range []func(free chan struct{}){
		func(free chan struct{}) { <-free },
		func(chan struct{}) { panic("in a storage module") },
	} {
		synctest.Test(t, func(t *testing.T) {
			key, free := newKey("k", oauth.ES256), make(chan struct{})
			at := route(t, start(t, newIssuer(key), func(f *introspect.Foreign) { f.Keeper = faulty(func() { fault(free) }) }), nil)
			t.Cleanup(func() { close(free) })
			pass(3 * time.Second)
			expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
		})
	}
}

// Storage may fail or hang: no request and no fetch waits for it.
func TestStorageThatFailsIsNobodysBusiness(t *testing.T) {
	for name, fault := range map[string]func(context.Context) error{
		"fails": func(context.Context) error { return errors.New("disk full") },
		"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		synctest.Test(t, func(t *testing.T) {
			key := newKey("k", oauth.ES256)
			server := newIssuer(key)
			kept := newDrawer()
			kept.fault = fault
			var log bytes.Buffer
			at := route(t, start(t, server, func(f *introspect.Foreign) {
				f.Keeper, f.Refresh, f.Log = kept, time.Minute, slog.New(slog.NewTextHandler(&log, nil))
			}), nil)
			pass(3 * time.Second)
			began := time.Now()
			expect(t, at, key.sign("at+jwt", claims(began, nil)), "ok")
			next := newKey("next", oauth.ES256)
			server.set(next)
			pass(time.Minute)
			expect(t, at, next.sign("at+jwt", claims(time.Now(), nil)), "ok")
			pass(10 * time.Minute)
			if n := strings.Count(log.String(), "saving the keys of "+idp+" fails"); n != 1 || kept.saves < 10 {
				t.Errorf("%s: %d saves, log: %s", name, kept.saves, log.String())
			}
		})
	}
}

// Nothing is loaded, fetched or saved before it may be.
func TestNothingHappensBeforeTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server, kept, begin := newIssuer(key), newDrawer(), make(chan struct{})
		kept.fault = func(context.Context) error { t.Error("storage was used"); return fs.ErrNotExist }
		at := route(t, start(t, server, func(f *introspect.Foreign) { f.Keeper, f.Begin = kept, begin }), nil)
		pass(time.Hour)
		if server.total() != 0 {
			t.Errorf("%d requests", server.total())
		}
		kept.fault = nil
		close(begin)
		synctest.Wait()
		expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
		if len(kept.held) != 1 {
			t.Errorf("%d documents are kept", len(kept.held))
		}
	})
	synctest.Test(t, func(t *testing.T) { // one that never begins ends all the same
		remote := introspect.Start(settings(newIssuer(), func(f *introspect.Foreign) { f.Begin = make(chan struct{}) }))
		remote.Stop()
	})
}
