package introspect_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestKeysInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	put := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		first, second := newKey("1", oauth.ES256), newKey("2", oauth.ES256)
		put(set(first.jwk()))
		server, kept := newIssuer(), newDrawer()
		remote := start(t, server, func(f *introspect.Foreign) { f.JWKSFile, f.Keeper = path, kept })
		at := route(t, remote, nil)
		synctest.Wait()
		by := func(key signingKey) string { return key.sign("at+jwt", claims(time.Now(), nil)) }
		expect(t, at, by(first), "ok")
		for _, bad := range []string{"", "{", `{"keys":[]}`, set(first.jwk()) + strings.Repeat(" ", 300<<10)} {
			put(bad)
			pass(6 * time.Minute)
			expect(t, at, by(first), "ok")
			if remote.Status().Error == "" {
				t.Errorf("%.20q: no error is shown", bad)
			}
		}
		put(set(second.jwk()))
		pass(6 * time.Minute)
		expect(t, at, by(second), "ok")
		expect(t, at, by(first), introspect.ReasonUnknownKey)
		if from := remote.Status().KeysFrom; from != introspect.FromFile || server.total() != 0 || len(kept.held) != 0 {
			t.Errorf("keys from %s, %d requests, %d documents kept", from, server.total(), len(kept.held))
		}
	})
}

func TestCheckFile(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"good": {set(newKey("k", oauth.ES256).jwk()), ""}, "empty": {"", "key set"}, "no keys": {`{"keys":[]}`, "none of its 0 keys"},
		"large": {strings.Repeat(" ", 300<<10), "more than"}, "symmetric": {`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, "none of its 1 keys"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := introspect.Foreign{URL: idp, JWKSFile: path}.CheckFile()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (introspect.Foreign{URL: idp, JWKSFile: filepath.Join(dir, "nowhere")}).CheckFile(); err == nil {
		t.Error("a file that is not there is good")
	}
}

// An issuer without discovery: its keys are where the operator says, and nobody
// asks for metadata; it is read where introspection needs it.
func TestKeysAtAFixedURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		const wellKnown = "/.well-known/oauth-authorization-server"
		server := newIssuer(key)
		server.fault(wellKnown, down)
		server.fault("/static", answer(map[string]any{"keys": []any{key.jwk()}}))
		static := func(f *introspect.Foreign) { f.JWKSURI = idp + "/static" }
		at := route(t, start(t, server, static), nil)
		pass(time.Hour)
		expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
		if server.count(wellKnown) != 0 {
			t.Error("metadata was asked for")
		}
		server.tokens["opaque"] = active(nil)
		both := route(t, start(t, server, func(f *introspect.Foreign) { static(f); withClient(f) }), nil)
		synctest.Wait()
		expect(t, both, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
		expect(t, both, "opaque", "unavailable")
		server.fault(wellKnown, nil)
		pass(10 * time.Minute)
		expect(t, both, "opaque", "ok")
	})
}

// An endpoint that is not needed may be missing or wrong in the metadata.
func TestOnlyWhatIsNeededMustBeRight(t *testing.T) {
	for name, bad := range map[string]any{"null": nil, "http": "http://idp.example.com/", "number": 1, "relative": "/x"} {
		synctest.Test(t, func(t *testing.T) {
			server := newIssuer()
			server.tokens["opaque"] = active(nil)
			server.extra = map[string]any{"jwks_uri": bad}
			at := route(t, start(t, server, func(f *introspect.Foreign) { withClient(f); f.Validate = introspect.ValidateIntrospect }), nil)
			synctest.Wait()
			expect(t, at, "opaque", "ok")
			server.extra = map[string]any{"introspection_endpoint": bad}
			key := newKey("k", oauth.ES256)
			server.set(key)
			remote := start(t, server, withClient)
			at = route(t, remote, nil)
			synctest.Wait()
			expect(t, at, key.sign("at+jwt", claims(time.Now(), nil)), "ok")
			expect(t, at, "opaque", "unavailable")
			if name != "" && !remote.Ready() {
				t.Errorf("%s: not ready", name)
			}
		})
	}
}
