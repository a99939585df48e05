package introspect_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestMetadataAddresses(t *testing.T) {
	for issuer, want := range map[string][]string{
		idp:                      {idp + "/.well-known/oauth-authorization-server", idp + "/.well-known/openid-configuration"},
		idp + "/":                {idp + "/.well-known/oauth-authorization-server", idp + "/.well-known/openid-configuration"},
		idp + "/a/b":             {idp + "/.well-known/oauth-authorization-server/a/b", idp + "/a/b/.well-known/openid-configuration"},
		idp + "/a/":              {idp + "/.well-known/oauth-authorization-server/a", idp + "/a/.well-known/openid-configuration"},
		"http://[::1]:8080/a%20": {"http://[::1]:8080/.well-known/oauth-authorization-server/a%20", "http://[::1]:8080/a%20/.well-known/openid-configuration"},
	} {
		if got, err := introspect.MetadataAddresses(issuer); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", issuer, got, err)
		}
	}
}

// discovered says whether an issuer whose metadata is served by these faults
// becomes able to verify.
func discovered(t *testing.T, server *issuer, key signingKey) bool {
	t.Helper()
	at := route(t, start(t, server, nil), nil)
	pass(10 * time.Second)
	return verdict(t, at, key.sign("at+jwt", claims(time.Now(), map[string]any{"iss": server.url}))) == "ok"
}

func TestDiscovery(t *testing.T) {
	const inserted, appended = "/.well-known/oauth-authorization-server/tenant", "/tenant/.well-known/openid-configuration"
	tenant := idp + "/tenant"
	good := answer(map[string]any{"issuer": tenant, "jwks_uri": idp + jwksPath})
	for name, c := range map[string]struct {
		inserted, appended func(*http.Request) (*http.Response, error)
		want               bool
	}{
		"RFC 8414 alone":            {good, nil, true},
		"OpenID Connect alone":      {nil, good, true},
		"RFC 8414 fails":            {down, good, true},
		"RFC 8414 is another's":     {answer(map[string]any{"issuer": idp, "jwks_uri": idp + "/evil"}), good, true},
		"RFC 8414 is HTML":          {respond(http.StatusOK, "text/html", "<html>"), good, true},
		"neither":                   {nil, nil, false},
		"no issuer member":          {answer(map[string]any{"jwks_uri": idp + jwksPath}), nil, false},
		"issuer member no text":     {answer(map[string]any{"issuer": []string{tenant}, "jwks_uri": idp + jwksPath}), nil, false},
		"RS24 issuer with slash":    {answer(map[string]any{"issuer": tenant + "/", "jwks_uri": idp + jwksPath}), nil, false},
		"RS24 issuer in other case": {answer(map[string]any{"issuer": "https://IDP.example.com/tenant", "jwks_uri": idp + jwksPath}), nil, false},
		"RS24 issuer with port":     {answer(map[string]any{"issuer": "https://idp.example.com:443/tenant", "jwks_uri": idp + jwksPath}), nil, false},
		"no jwks_uri":               {answer(map[string]any{"issuer": tenant}), nil, false},
		"RS23 jwks_uri is http":     {answer(map[string]any{"issuer": tenant, "jwks_uri": "http://idp.example.com" + jwksPath}), nil, false},
		"RS23 jwks_uri on loopback": {answer(map[string]any{"issuer": tenant, "jwks_uri": "http://127.0.0.1" + jwksPath}), nil, false},
		"RS23 jwks_uri is a file":   {answer(map[string]any{"issuer": tenant, "jwks_uri": "file:///keys"}), nil, false},
		"RS23 jwks_uri is relative": {answer(map[string]any{"issuer": tenant, "jwks_uri": jwksPath}), nil, false},
		"RS23 jwks_uri with user":   {answer(map[string]any{"issuer": tenant, "jwks_uri": "https://a:b@idp.example.com" + jwksPath}), nil, false},
		"jwks_uri no text":          {answer(map[string]any{"issuer": tenant, "jwks_uri": 1}), nil, false},
		"jwks_uri of another https": {answer(map[string]any{"issuer": tenant, "jwks_uri": "https://keys.example.net" + jwksPath}), nil, true},
		"jwks_uri null":             {answer(map[string]any{"issuer": tenant, "jwks_uri": nil}), nil, false},
		// What is not needed may be wrong.
		"introspection_endpoint bad":  {answer(map[string]any{"issuer": tenant, "jwks_uri": idp + jwksPath, "introspection_endpoint": "http://10.0.0.1/"}), nil, true},
		"introspection_endpoint null": {answer(map[string]any{"issuer": tenant, "jwks_uri": idp + jwksPath, "introspection_endpoint": nil}), nil, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			key := newKey("k", oauth.ES256)
			server := newIssuer(key)
			server.url = tenant
			for path, fault := range map[string]func(*http.Request) (*http.Response, error){inserted: c.inserted, appended: c.appended} {
				if fault != nil {
					server.fault(path, fault)
				}
			}
			if got := discovered(t, server, key); got != c.want {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
			if server.count("/evil") != 0 {
				t.Errorf("%s: keys were read from another issuer's address", name)
			}
		})
	}
}

// http is for an issuer on loopback, and then for its endpoints there.
func TestRS23_Loopback(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:9000": true, "http://localhost:9000": true, "http://[::1]:9000": true, "http://10.0.0.1": false, "http://localhost.evil.example": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			key := newKey("k", oauth.ES256)
			server := newIssuer(key)
			server.url = "http://127.0.0.1:8080"
			server.extra = map[string]any{"jwks_uri": address + jwksPath}
			if got := discovered(t, server, key); got != want {
				t.Errorf("%s: %v, want %v", address, got, want)
			}
		})
	}
}

func TestForeignCheck(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*introspect.Foreign)
		ok     bool
	}{
		"defaults":               {func(f *introspect.Foreign) { *f = introspect.Foreign{URL: idp} }, true},
		"slash at the end":       {func(f *introspect.Foreign) { f.URL = idp + "/" }, true},
		"with credentials":       {withClient, true},
		"no URL":                 {func(f *introspect.Foreign) { f.URL = "" }, false},
		"relative":               {func(f *introspect.Foreign) { f.URL = "/oauth2" }, false},
		"http":                   {func(f *introspect.Foreign) { f.URL = "http://idp.example.com" }, false},
		"http on loopback":       {func(f *introspect.Foreign) { f.URL = "http://127.0.0.1:8080/oauth2" }, true},
		"user":                   {func(f *introspect.Foreign) { f.URL = "https://a@idp.example.com" }, false},
		"query":                  {func(f *introspect.Foreign) { f.URL = idp + "?x" }, false},
		"empty query":            {func(f *introspect.Foreign) { f.URL = idp + "?" }, false},
		"its metadata":           {func(f *introspect.Foreign) { f.URL = idp + "/.well-known/openid-configuration" }, false},
		"fragment":               {func(f *introspect.Foreign) { f.URL = idp + "#x" }, false},
		"unknown validate":       {func(f *introspect.Foreign) { f.Validate = "always" }, false},
		"unknown token type":     {func(f *introspect.Foreign) { f.TokenType = "any" }, false},
		"symmetric algorithm":    {func(f *introspect.Foreign) { f.Algorithms = []string{oauth.ES256, "HS256"} }, false},
		"none":                   {func(f *introspect.Foreign) { f.Algorithms = []string{"none"} }, false},
		"introspect, no client":  {func(f *introspect.Foreign) { f.Validate = introspect.ValidateIntrospect }, false},
		"client without secret":  {func(f *introspect.Foreign) { f.ClientID = "gateway" }, false},
		"secret without client":  {func(f *introspect.Foreign) { f.ClientSecret = oauth.NewSecret("x") }, false},
		"negative timeout":       {func(f *introspect.Foreign) { f.Timeout = -1 }, false},
		"refresh over max_stale": {func(f *introspect.Foreign) { f.Refresh, f.MaxStale = time.Hour, time.Minute }, false},
		"negative token age":     {func(f *introspect.Foreign) { f.MaxTokenAge = -1 }, false},
		"CAs that are none":      {func(f *introspect.Foreign) { f.Roots = []byte("x") }, false},
		"jwks_uri":               {func(f *introspect.Foreign) { f.JWKSURI = "https://keys.example.com/" }, true},
		"jwks_uri on loopback":   {func(f *introspect.Foreign) { f.JWKSURI = "http://localhost:9/" }, true},
		"jwks_uri over http":     {func(f *introspect.Foreign) { f.JWKSURI = "http://keys.example.com/" }, false},
		"jwks_uri, relative":     {func(f *introspect.Foreign) { f.JWKSURI = "/keys" }, false},
		"jwks_file":              {func(f *introspect.Foreign) { f.JWKSFile = "keys.json" }, true},
		"jwks_uri and _file":     {func(f *introspect.Foreign) { f.JWKSURI, f.JWKSFile = idp, "keys.json" }, false},
		"keys that nobody uses": {func(f *introspect.Foreign) {
			withClient(f)
			f.Validate, f.JWKSURI = introspect.ValidateIntrospect, idp
		}, false},
		"negative cache of 6 s": {func(f *introspect.Foreign) { f.NegativeTTL = 6 * time.Second }, false},
	} {
		if err := settings(newIssuer(), c.change).Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever an issuer says of itself, it sends us to https alone, and to nobody
// else's keys.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"issuer":"` + idp + `"}`, `{"issuer":"` + idp + `","jwks_uri":"` + idp + jwksPath + `","introspection_endpoint":null}`,
		`{"issuer":"` + idp + `","jwks_uri":"http://127.0.0.1/"}`, `{"issuer":"` + idp + `","jwks_uri":["https://a"]}`, `{"issuer":"` + idp + `/"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, introspection, err := introspect.ParseMetadata(document, idp)
		if err != nil {
			return
		}
		if !bytes.Contains(document, []byte("issuer")) && !bytes.Contains(document, []byte(`\u`)) {
			t.Fatalf("%q names no issuer", document)
		}
		for _, address := range []string{keys, introspection} {
			if address != "" && !strings.HasPrefix(strings.ToLower(address), "https://") {
				t.Fatalf("%q sends us to %q", document, address)
			}
		}
	})
}
