package caddymodule_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// validate does what `caddy validate` does with a Caddyfile.
func validate(t *testing.T, text string) error {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatalf("adapting: %v\n%s", err, text)
	}
	return validateJSON(t, adapted)
}

func validateJSON(t *testing.T, adapted []byte) error {
	t.Helper()
	config := new(caddy.Config)
	if err := json.Unmarshal(adapted, config); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(config)
}

// realmWith and clientWith put lines into a realm, or a client of it, of which
// everything else is right.
func realmWith(lines ...string) string {
	return "{\noauth2 {\nrealm / {\nissuer https://auth.example.com/oauth2\n" + strings.Join(lines, "\n") + "\n}\n}\n}"
}

func clientWith(lines ...string) string {
	return realmWith(append(append([]string{"client web {"}, lines...), "}")...)
}

// Each mistake is found when the configuration is loaded, and the message says
// what to do.
func TestServerConfigErrors(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	users, staff := filepath.Join(dir, "users.yaml"), filepath.Join(dir, "staff.htpasswd")
	if err := os.WriteFile(users, []byte("users:\n  - username: demo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(staff, []byte("demo:$2a$10$QJZaleMCGwat5pqUv5bAjuznNap.EEc8RtWGESt6twTBXnSd.nQIC\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SHORT_KEY", "c2hvcnQ=")
	t.Setenv("NO_KEY", "not base64!")
	t.Setenv("EMPTY", "")
	for name, row := range map[string]struct{ caddyfile, want string }{
		"no issuer": {
			"{\noauth2 {\nrealm /customers {\n}\n}\n}",
			"realm /customers: has no issuer; add, for example: issuer https://auth.example.com/oauth2/realms/root/realms/customers",
		},
		"issuer elsewhere": {
			"{\noauth2 {\nrealm / {\nissuer https://auth.example.com/\n}\n}\n}",
			`realm /: issuer "https://auth.example.com/" must not end in a slash`,
		},
		"issuer path": {
			"{\noauth2 {\nrealm / {\nissuer https://auth.example.com/oidc\n}\n}\n}",
			"realm /: the path of issuer https://auth.example.com/oidc must end in /oauth2, where the server answers",
		},
		"realm name": {
			"{\noauth2 {\nrealm customers {\nissuer https://auth.example.com/oauth2\n}\n}\n}",
			`realm "customers": a realm's name is / or begins with a slash, such as /customers`,
		},
		"same issuer": {
			"{\noauth2 {\nrealm / {\nissuer https://a.example.com/oauth2/realms/root\n}\nrealm /b {\nissuer https://a.example.com/oauth2/realms/root\n}\n}\n}",
			"realm /b: the path of issuer https://a.example.com/oauth2/realms/root must end in /oauth2/realms/root/realms/b",
		},
		"unknown grant": {
			realmWith("grants device"),
			`realm /: unknown grant "device"; there are authorization_code, client_credentials, implicit, password, refresh_token`,
		},
		"no grants": {
			clientWith("secret x"),
			`realm /: client "web" lists no grants, and so may do nothing; add, for example: grants client_credentials`,
		},
		"grant not of the realm": {
			clientWith("secret x", "grants refresh_token client_credentials", "}", "grants client_credentials", "client other {", "public", "grants client_credentials"),
			`client "web" lists grant refresh_token, which its realm does not; add it to the realm's grants`,
		},
		"CL2 public client with client_credentials": {
			clientWith("public", "grants client_credentials"),
			`client "web" is public and cannot use client_credentials`,
		},
		"CL2 public client with a secret": {
			clientWith("public", "secret x", "grants refresh_token"),
			`client "web" is public and has a secret: choose one`,
		},
		"public client with a method": {
			clientWith("public", "auth_method client_secret_post", "grants refresh_token"),
			`client "web" is public and does not authenticate: take auth_method away`,
		},
		"CL3 confidential client without a secret": {
			clientWith("grants client_credentials"),
			`client "web" has no secret: give it one, or say public`,
		},
		"unknown method": {
			clientWith("secret x", "auth_method private_key_jwt", "grants client_credentials"),
			`client "web" has the unknown auth_method "private_key_jwt"; there are client_secret_basic, client_secret_post`,
		},
		"secret placeholder empty": {
			clientWith("secret {env.EMPTY}", "grants client_credentials"),
			`client "web" secret 1 is not there: the placeholder {env.EMPTY} is empty`,
		},
		"secret placeholder misspelt": {
			clientWith("secret x{evn.SECRET}", "grants client_credentials"),
			`client "web" secret 1 has a placeholder that is unknown or empty; write a brace that belongs to the text as \{`,
		},
		"secret hash broken": {
			clientWith("secret $2a$14$short", "grants client_credentials"),
			`client "web" secret 1 looks like a hash and cannot be used as one`,
		},
		"secret too long": {
			clientWith("secret "+strings.Repeat("x", 2000), "grants client_credentials"),
			`client "web" secret 1 must have 1 to 1024 bytes`,
		},
		"no redirect URI": {
			realmWith("authentication staff file "+staff, "client web {", "secret x", "grants authorization_code", "}"),
			`client "web" needs a redirect_uri for the authorization endpoint`,
		},
		"AS3 redirect URI with a fragment": {
			clientWith("secret x", "grants client_credentials", "redirect_uri https://app.example.com/#a"),
			`redirect_uri "https://app.example.com/#a" has a fragment`,
		},
		"AS12 unknown response mode": {
			clientWith("secret x", "grants client_credentials", "response_modes jwt"),
			`client "web" has the unknown response mode "jwt"; there are query, fragment, form_post`,
		},
		"origin with a path": {
			clientWith("secret x", "grants client_credentials", "cors_origin https://app.example.com/"),
			`client "web" has cors_origin "https://app.example.com/"; an origin is scheme, host and port in lower case`,
		},
		"any origin": {
			clientWith("secret x", "grants client_credentials", "cors_origin *"),
			`client "web" has cors_origin "*"`,
		},
		"default scope not listed": {
			clientWith("secret x", "grants client_credentials", "default_scopes write"),
			`client "web" has default_scopes that its scopes do not list`,
		},
		"token format": {
			clientWith("secret x", "grants client_credentials", "access_token {", "format jwe", "}"),
			`client "web" has the unknown access_token format "jwe"; there are jwt, opaque`,
		},
		"AS31 access token beyond the realm's limit": {
			realmWith("access_token {", "max_lifetime 30m", "}", "client web {", "secret x", "grants client_credentials", "access_token {", "lifetime 1h", "}", "}"),
			`client "web" has access_token lifetime 1h0m0s; the limit here is 30m0s`,
		},
		"access token too short": {
			realmWith("access_token {", "lifetime 10ms", "}"),
			`realm /: has access_token lifetime 10ms; it is 1s or more`,
		},
		"AS4 code too long": {
			realmWith("code_lifetime 2m"),
			`realm /: has code_lifetime 2m0s; the limit here is 1m0s`,
		},
		"grace too long": {
			realmWith("refresh_token {", "grace 1h", "}"),
			`realm /: has refresh_token grace 1h0m0s; it is 0s to 2m0s`,
		},
		"ID token algorithm": {
			realmWith("id_token {", "algorithm HS256", "}"),
			`realm /: has the unknown id_token algorithm "HS256"; there are RS256, PS256, ES256, ES384, EdDSA`,
		},
		"no users": {
			clientWith("secret x", "grants authorization_code", "redirect_uri https://app.example.com/"),
			`client "web" uses authorization_code, but no authentication service says who the users are`,
		},
		"users file missing": {
			realmWith("authentication staff file /nonexistent/users.yaml"),
			"realm /: authentication staff: stat /nonexistent/users.yaml: no such file",
		},
		"users file missing where Caddy was started": {
			realmWith("authentication staff file nonexistent/users.yaml"),
			"realm /: authentication staff: stat " + here + "/nonexistent/users.yaml: no such file",
		},
		"logo missing where Caddy was started": {
			realmWith("pages {", "logo nonexistent/logo.svg", "}"),
			"realm /: pages: logo: stat " + here + "/nonexistent/logo.svg: no such file",
		},
		"users file broken": {
			realmWith("authentication staff file " + users),
			"realm /: authentication staff: ",
		},
		"users file placeholder": {
			realmWith("authentication staff file {env.EMPTY}"),
			"evaluated placeholder {env.EMPTY} is empty",
		},
		"several services, none the default": {
			realmWith("authentication staff file "+staff, "authentication partners file "+staff),
			"realm /: has several authentication services; choose one with: default_authentication partners|staff",
		},
		"another default service": {
			realmWith("authentication staff file "+staff, "default_authentication partners"),
			"realm /: has default_authentication partners, which is no authentication service; there are staff",
		},
		"service name that would make subjects ambiguous": {
			realmWith("authentication a:b file " + staff),
			`realm /: authentication "a:b": names are made of letters, digits, -, _ and dots`,
		},
		"unknown password service": {
			realmWith("authentication staff file "+staff, "password_authentication partners"),
			`realm /: there is no authentication service "partners"; declare it with: authentication partners file PATH`,
		},
		"unknown default service": {
			realmWith("default_authentication staff"),
			"realm /: has default_authentication staff, but no authentication service; declare it with: authentication staff file PATH",
		},
		"short encryption key": {
			"{\noauth2 {\nencryption_key {env.SHORT_KEY}\n}\n}",
			"the encryption key has 5 bytes and needs 32; make one with: openssl rand -base64 32",
		},
		"encryption key in another form": {
			"{\noauth2 {\nencryption_key {env.NO_KEY}\n}\n}",
			"encryption_key is not base64 text; make one with: openssl rand -base64 32",
		},
		"encryption key not there": {
			"{\noauth2 {\nencryption_key {env.EMPTY}\n}\n}",
			"encryption_key is not there: the placeholder {env.EMPTY} is empty",
		},
		"previous encryption key alone": {
			"{\noauth2 {\nprevious_encryption_key {env.SHORT_KEY}\n}\n}",
			"previous_encryption_key is there without encryption_key",
		},
		"rotation of keys too often": {
			realmWith("keys {", "rotate_every 1h", "}"),
			"realm /: has keys rotate_every 1h0m0s; it is 24h0m0s or more",
		},
		"signer without a file": {
			realmWith("signer file /nowhere/key.pem"),
			"/nowhere/key.pem: no such file",
		},
		"second factor": {
			realmWith("second_factor sometimes"),
			`realm /: has second_factor "sometimes"; there are off, optional and required`,
		},
		"second factor and the password grant": {
			realmWith("second_factor required", "grants password"),
			"realm /: second_factor required cannot hold with the password grant",
		},
		"acr of no level": {
			realmWith("acr gold best"),
			`realm /: has acr gold stand for "best"; there are mfa, password, phishing_resistant`,
		},
		"acr with a quote": {
			realmWith("acr `qu\"ote` mfa"),
			`realm /: acr "qu\"ote": a value has no blank, quote, backslash or control character`,
		},
		"handler without a realm": {
			"http://auth.example.com {\noauth2_server\n}",
			"oauth2_server has no realm to answer for; add one to the option oauth2: a block `realm /`",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, row.caddyfile)
			if err == nil {
				t.Fatal("is accepted")
			}
			if !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %q\nwant one with %q", err, row.want)
			}
		})
	}
}

// F30: what a message is about never stands in it when it is secret.
func TestServerConfigErrorsHideSecrets(t *testing.T) {
	t.Setenv("KEY", "aHVudGVyMg==")
	for _, text := range []string{
		clientWith("secret hunter2{x}", "grants client_credentials"),
		clientWith("secret {x}hunter2", "grants client_credentials"),
		clientWith("secret $2a$hunter2", "grants client_credentials"),
		clientWith("secret $argon2id$hunter2", "grants client_credentials"),
		clientWith("secret hunter2 hunter2 hunter2", "grants client_credentials"),
		"{\noauth2 {\nencryption_key {env.KEY}hunter2\n}\n}",
		"{\noauth2 {\nencryption_key {env.KEY}\n}\n}",
	} {
		err := validate(t, text)
		if err == nil {
			t.Errorf("is accepted: %s", text)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVyMg") {
			t.Errorf("shows the secret: %v", err)
		}
	}
}

// JSON is an interface too: what only it can get wrong.
func TestServerJSONErrors(t *testing.T) {
	for name, row := range map[string]struct{ app, want string }{
		"unknown field":  {`{"realms":[{"title":"/"}]}`, `unknown field "title"`},
		"small cache":    {`{"token_cache":999}`, "from 1000 to 10000000 tokens"},
		"endless cache":  {`{"token_cache":10000001}`, "token_cache 10000001"},
		"negative cache": {`{"token_cache":-1}`, "token_cache -1"},
		"null realm":     {`{"realms":[null]}`, "realm 1 is null"},
		"null client":    {`{"realms":[{"name":"/","issuer":"https://a.example.com/oauth2","clients":[null]}]}`, "client 1 is null"},
		"null issuer":    {`{"issuers":{"corp":null}}`, "issuer corp is null"},
		"realm twice":    {`{"realms":[{"name":"/","issuer":"https://a.example.com/oauth2"},{"name":"/","issuer":"https://b.example.com/oauth2"}]}`, "realm / is there twice"},
		"client twice":   {`{"realms":[{"name":"/","issuer":"https://a.example.com/oauth2","clients":[{"id":"a","secrets":["x"],"grants":["client_credentials"]},{"id":"a","secrets":["x"],"grants":["client_credentials"]}]}]}`, "client a is there twice"},
		"no module name": {`{"storage":{"path":"x"}}`, "module name not specified with key 'module'"},
		"no users file":  {`{"authentication":{"staff":{"module":"file"}}}`, "needs the path of a users file"},
		"client's max":   {`{"realms":[{"name":"/","issuer":"https://a.example.com/oauth2","clients":[{"id":"a","secrets":["x"],"grants":["client_credentials"],"access_token":{"max_lifetime":"1h"}}]}]}`, `client "a" sets max_lifetime of access_token, which is the realm's to set`},
		"realm's max":    {`{"realms":[{"name":"/","issuer":"https://a.example.com/oauth2","access_token":{"max_lifetime":-1}}]}`, "realm /: has an access_token max_lifetime under 1s"},
		"negative grace": {`{"realms":[{"name":"/","issuer":"https://a.example.com/oauth2","refresh_token":{"grace":-1}}]}`, "realm /: has refresh_token grace -1ns; it is 0s to 2m0s"},
		"never access":   {`{"realms":[{"name":"/","issuer":"https://a.example.com/oauth2","access_token":{"lifetime":-1}}]}`, "realm /: has access_token lifetime -1ns; it is 1s or more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			err := validateJSON(t, []byte(`{"apps":{"oauth2":`+row.app+`}}`))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v\nwant one with %q", err, row.want)
			}
		})
	}
}

// `caddy validate` runs Provision, and must leave nothing behind.
func TestServerValidateCreatesNoFile(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(clientWith("secret x", "grants client_credentials")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validateJSON(t, adapted); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && path != data {
			t.Errorf("made %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
